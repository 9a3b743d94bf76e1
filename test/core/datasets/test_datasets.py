# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images are found where they lie, and what is wrong with files is named."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from ebm_core.datasets.idx import read_idx
from ebm_core.datasets.sources import check, load_images
from ebm_core.errors import InvalidInput


def idx(array, type_code=8):
    sizes = struct.pack(f'>{array.ndim}I', *array.shape)
    return bytes((0, 0, type_code, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def write_idx_folder(folder, images=12, side=6):
    rng = np.random.default_rng(0)
    for part, number in (('train', images), ('t10k', 4)):
        pixels = rng.integers(256, size=(number, side, side))
        (folder / f'{part}-images-idx3-ubyte').write_bytes(idx(pixels))
        packed = gzip.compress(idx(np.arange(number) % 4))
        (folder / f'{part}-labels-idx1-ubyte.gz').write_bytes(packed)
    return folder


def test_digits_need_no_download():
    digits = load_images('digits')
    assert digits.train.shape == (1437, 1, 8, 8) and digits.test.shape == (360, 1, 8, 8)
    assert digits.classes == 10 and digits.train.min() == 0 and digits.train.max() == 1
    again = load_images('digits')
    assert np.array_equal(digits.test_labels, again.test_labels)


def test_images_that_others_made_are_checked():
    digits = load_images('digits')
    check(digits)
    for change, reason in (
        ({'train': digits.train * 255}, r'digits, train images: values 0 to 255 are refused: 0 to'),
        ({'test': digits.test * np.float32('nan')}, 'digits, test images: values nan'),
        ({'train': digits.train.astype('f8')}, r'float64 \(1437, 1, 8, 8\) is refused: float32'),
        ({'test': digits.test[:0]}, r'float32 \(0, 1, 8, 8\) is refused'),
        ({'train_labels': digits.train_labels[:5]}, r'int64 \(5,\) is refused: int64 \(1437,\)'),
        ({'test_labels': digits.test_labels.astype('i4')}, 'test labels: int32'),
        ({'train_labels': digits.train_labels - 1}, 'train labels: -1 is refused: 0 or more'),
        ({'test': digits.test[:, :, :4]}, r'size \(1, 4, 8\) is refused: \(1, 8, 8\), as those'),
    ):
        with pytest.raises(InvalidInput, match=reason):
            check(digits._replace(**change))


def test_a_folder_of_idx_files_is_read_gzipped_or_not(tmp_path):
    images = load_images(str(write_idx_folder(tmp_path)))
    assert images.train.shape == (12, 1, 6, 6) and images.train.dtype == np.float32
    assert images.test_labels.tolist() == [0, 1, 2, 3] and images.train.max() <= 1


def test_a_folder_of_pictures_has_a_class_per_folder(tmp_path):
    for label in ('a', 'b'):
        (tmp_path / label).mkdir()
        for i in range(3):
            Image.new('RGB', (5, 5), (40 * i, 0, 0)).save(tmp_path / label / f'{i}.png')
    images = load_images(str(tmp_path))
    assert len(images.train) + len(images.test) == 6 and images.train.shape[1:] == (3, 5, 5)
    assert set(images.train_labels) | set(images.test_labels) == {0, 1}
    Image.new('RGB', (6, 5)).save(tmp_path / 'a' / 'large.png')
    with pytest.raises(InvalidInput, match=r'large.png: its size \(3, 5, 6\) is not that of the'):
        load_images(str(tmp_path))
    (tmp_path / 'a' / 'large.png').write_bytes(b'no picture')
    with pytest.raises(InvalidInput, match=r'large\.png: not a picture'):
        load_images(str(tmp_path))


def pictures(folder, make, classes=('a', 'b'), number=4):
    for label in classes:
        (folder / label).mkdir(parents=True)
        for i in range(number):
            make(i).save(folder / label / f'{i}.png')
    return folder


def test_pictures_of_16_bits_are_not_cut_off(tmp_path):
    make = lambda i: Image.fromarray(np.full((4, 4), 13107 * i, np.uint16))  # noqa: E731
    images = load_images(str(pictures(tmp_path, make)))
    found = {round(float(v), 4) for v in np.concatenate((images.train, images.test)).flat}
    assert images.train.shape[1:] == (1, 4, 4) and found == {0.0, 0.2, 0.4, 0.6}


def test_transparent_pictures_are_refused_and_others_lose_their_alpha(tmp_path):
    for mode, clear, channels in (('LA', (9, 255), 1), ('RGBA', (9, 8, 7, 255), 3)):
        folder = pictures(tmp_path / mode, lambda i, m=mode, c=clear: Image.new(m, (4, 4), c))
        assert load_images(str(folder)).train.shape[1] == channels
        Image.new(mode, (4, 4), (*clear[:-1], 0)).save(folder / 'a' / '0.png')
        with pytest.raises(InvalidInput, match=r'0\.png: transparent pixels are refused'):
            load_images(str(folder))
    assert load_images(
        str(pictures(tmp_path / 'P', lambda i: Image.new('RGB', (4, 4), 'red').quantize(4)))
    ).train.shape[1:] == (3, 4, 4)


def test_what_is_hidden_is_no_class_and_no_picture(tmp_path):
    folder = pictures(tmp_path, lambda i: Image.new('L', (4, 4), i))
    (folder / '.git').mkdir()
    (folder / 'b' / '._0.png').write_bytes(b'of another program')
    images = load_images(str(folder))
    assert images.classes == 2 and len(images.train) + len(images.test) == 8


def test_labels_that_nothing_trains_are_refused(tmp_path):
    folder = pictures(tmp_path / 'pictures', lambda i: Image.new('L', (4, 4), i))
    (folder / 'aa').mkdir()
    with pytest.raises(InvalidInput, match=r'aa: no pictures .* every folder is a class'):
        load_images(str(folder))
    lonely = pictures(tmp_path / 'lonely', lambda i: Image.new('L', (4, 4), i), ['a'], 1)
    with pytest.raises(InvalidInput, match='label 0 of 0 to 0 has no image to train on'):
        load_images(str(lonely))
    (tmp_path / 'idx').mkdir()
    folder = write_idx_folder(tmp_path / 'idx')
    for train, test, reason in (
        ([0, 2], [0, 2], 'label 1 of 0 to 2 has no image to train on'),
        ([0, 1], [2], 'label 2 of 0 to 2 has no image to train on'),
        ([0, 11], [0], 'train-labels: label 11 is refused: 0 to 9'),
    ):
        for part, labels, number in (('train', train, 12), ('t10k', test, 4)):
            packed = gzip.compress(idx(np.resize(labels, number)))
            (folder / f'{part}-labels-idx1-ubyte.gz').write_bytes(packed)
        with pytest.raises(InvalidInput, match=reason):
            load_images(str(folder))


def test_pictures_that_are_too_large_are_refused(tmp_path, monkeypatch):
    folder = pictures(tmp_path, lambda i: Image.new('L', (40, 40), i))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(InvalidInput, match=r'0\.png: not a picture .*bomb'):
        load_images(str(folder))


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / 'file'
    whole = idx(np.zeros((3, 4)))
    for data, reason in (
        (whole[:-1], '23 bytes; 24 are needed for 3 × 4 values: truncated'),
        (whole[:6], 'ends within the sizes of its dimensions'),
        (whole + b'x', '25 bytes; 24 are needed'),
        (idx(np.zeros(3), type_code=9), 'not as an idx file of bytes'),
        (b'', 'not as an idx file'),
        (bytes((0, 0, 8, 70)) + bytes((0, 0, 0, 1)) * 70 + b'x', '70 dimensions are refused'),
        (bytes((0, 0, 8, 3)) + b'\xff' * 12 + b'x', f'{(2**32 - 1) ** 3 + 16} are needed'),
    ):
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match=reason):
            read_idx(path)
    gz = tmp_path / 'file.gz'
    packed = gzip.compress(whole)
    for damaged in (packed[:-4], packed[:10] + b'\xff' * (len(packed) - 10), whole):
        gz.write_bytes(damaged)
        with pytest.raises(InvalidInput, match='cannot be read'):
            read_idx(gz)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(InvalidInput, match='neither idx files nor folders with pictures'):
        load_images(str(tmp_path))
    with pytest.raises(InvalidInput, match='neither a folder nor digits, mnist, fashion'):
        load_images(str(tmp_path / 'nowhere'))
    write_idx_folder(tmp_path)
    (tmp_path / 't10k-labels-idx1-ubyte.gz').write_bytes(gzip.compress(idx(np.arange(5))))
    with pytest.raises(InvalidInput, match='do not belong together'):
        load_images(str(tmp_path))
    (tmp_path / 't10k-labels-idx1-ubyte.gz').write_bytes(gzip.compress(idx(np.full(4, 10))))
    with pytest.raises(InvalidInput, match='t10k-labels: label 10 is refused: 0 to 9'):
        load_images(str(tmp_path))
    (tmp_path / 't10k-labels-idx1-ubyte.gz').write_bytes(gzip.compress(idx(np.arange(0))))
    (tmp_path / 't10k-images-idx3-ubyte').write_bytes(idx(np.zeros((0, 6, 6))))
    with pytest.raises(InvalidInput, match=r't10k-images: \(0, 6, 6\) is refused'):
        load_images(str(tmp_path))
    (tmp_path / 't10k-labels-idx1-ubyte.gz').unlink()
    with pytest.raises(InvalidInput, match='no idx file t10k-labels'):
        load_images(str(tmp_path))
