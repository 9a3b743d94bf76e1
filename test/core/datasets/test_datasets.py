# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images are found where they lie, and what is wrong with files is named."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from ebm_core.datasets.idx import read_idx
from ebm_core.datasets.sources import load_images
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


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / 'file'
    whole = idx(np.zeros((3, 4)))
    for data, reason in (
        (whole[:-1], '23 bytes; 24 are needed for 3 × 4 values: truncated'),
        (whole[:6], 'ends within the sizes of its dimensions'),
        (whole + b'x', '25 bytes; 24 are needed'),
        (idx(np.zeros(3), type_code=9), 'not as an idx file of bytes'),
        (b'', 'not as an idx file'),
    ):
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match=reason):
            read_idx(path)
    gz = tmp_path / 'file.gz'
    gz.write_bytes(gzip.compress(whole)[:-4])
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
    with pytest.raises(InvalidInput, match='labels must be 0 to 9'):
        load_images(str(tmp_path))
    (tmp_path / 't10k-labels-idx1-ubyte.gz').unlink()
    with pytest.raises(InvalidInput, match='no idx file t10k-labels'):
        load_images(str(tmp_path))
