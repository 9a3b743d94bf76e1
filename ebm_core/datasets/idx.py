# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The idx files of MNIST and its kin, gzipped or not.

A file has two zero bytes, a type (8: bytes), the number of dimensions, their sizes as big-endian
32-bit numbers, and the values.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from ..errors import InvalidInput

_BYTES = 8
_MOST_DIMENSIONS = 4


def read_idx(path: Path) -> np.ndarray:
    """Return the array of uint8 in a file; InvalidInput says what is wrong with it."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == '.gz' else data
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f'{path}: cannot be read ({error})') from None
    if len(data) < 4 or data[:3] != bytes((0, 0, _BYTES)):
        raise InvalidInput(f'{path}: begins with {data[:4].hex()!r}, not as an idx file of bytes')
    if not 1 <= data[3] <= _MOST_DIMENSIONS:
        raise InvalidInput(f'{path}: {data[3]} dimensions are refused: 1 to {_MOST_DIMENSIONS}')
    begin = 4 + 4 * data[3]
    if len(data) < begin:
        raise InvalidInput(f'{path}: ends within the sizes of its dimensions: truncated')
    sizes = np.frombuffer(data[4:begin], '>u4').tolist()
    # Not NumPy's product: sizes of a damaged file go beyond its integers.
    needed = begin + math.prod(sizes)
    if len(data) != needed:
        raise InvalidInput(
            f'{path}: has {len(data)} bytes; {needed} are needed for '
            f'{" × ".join(map(str, sizes))} values: truncated or damaged'
        )
    return np.frombuffer(data[begin:], np.uint8).reshape(sizes)
