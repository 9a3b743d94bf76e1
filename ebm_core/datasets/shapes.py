# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images of one shape with five attributes, drawn in batches on any device.

A shape is kind, size, position, colour and turn. Each has a few values, and an image lies within a
jitter of its values that is less than half of the way to the next one. The boundary is a signed
distance, so that pixels on it are grey: images are differentiable in everything that is continuous.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

SIDE = 24  # pixels
SHAPE = (3, SIDE, SIDE)
ATTRIBUTES = {
    'shape': ('triangle', 'half_disc', 'crescent', 'tee'),
    'size': ('small', 'medium', 'large'),
    'position': tuple(
        f'{row}_{column}'
        for row in ('top', 'middle', 'bottom')
        for column in ('left', 'centre', 'right')
    ),
    'colour': ('red', 'yellow', 'green', 'cyan', 'blue', 'magenta'),
    'turn': ('up', 'up_left', 'left', 'down_left', 'down', 'down_right', 'right', 'up_right'),
}
COUNTS = tuple(map(len, ATTRIBUTES.values()))
TOGETHER = 4  # the attributes, of the first on, whose combinations are left out
_RADII = (0.34, 0.45, 0.6)  # where the image spans −1 to 1
_SPACING = 0.36  # between positions
# Of radius (share), x, y, hue and turn (rad).
JITTER = (0.05, 0.05, 0.05, math.radians(12), math.radians(9))
_LEFT_OUT_SHARE = 0.2
_SATURATION = 0.9


def combinations(left_out: bool) -> np.ndarray:
    """Return the combinations (N, 4) of kind, size, position and colour that data leave out or not.

    A fifth of all, the same in every run: no training image has four such values together.
    """
    number = math.prod(COUNTS[:TOGETHER])
    order = np.random.default_rng(2026).permutation(number)
    cut = round(_LEFT_OUT_SHARE * number)
    chosen = np.sort(order[:cut] if left_out else order[cut:])
    return np.stack(np.unravel_index(chosen, COUNTS[:TOGETHER]), 1)


def draw_values(number: int, rng: np.random.Generator, left_out: bool = False) -> np.ndarray:
    """Return values (number, 5) of shapes of combinations that are, or are not, left out."""
    known = combinations(left_out)
    four = known[rng.integers(len(known), size=number)]
    return np.concatenate((four, rng.integers(COUNTS[-1], size=(number, 1))), 1)


def draw_images(values: Tensor, jitter: Tensor) -> Tensor:
    """Return images (B, 3, 24, 24) in [0, 1] of values (B, 5) and a jitter (B, 5) in [−1, 1]."""
    device = values.device
    share, x, y, hue, angle = (jitter * torch.tensor(JITTER, device=device)).unbind(1)
    kind, size, position, colour, turn = values.unbind(1)
    radius = torch.tensor(_RADII, device=device)[size] * (1 + share)
    x = x + _SPACING * (position % 3 - 1)
    y = y + _SPACING * (1 - position // 3)
    hue = hue + colour * (2 * math.pi / COUNTS[3])
    angle = angle + turn * (2 * math.pi / COUNTS[4])
    centres = (torch.arange(SIDE, device=device) + 0.5) * (2 / SIDE) - 1
    across, up = centres[None, None, :], -centres[None, :, None]
    across, up = (across - x[:, None, None], up - y[:, None, None])
    c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
    scale = radius[:, None, None]
    u, v = (c * across + s * up) / scale, (c * up - s * across) / scale
    kinds = torch.stack((_triangle(u, v), _half_disc(u, v), _crescent(u, v), _tee(u, v)), 1)
    distance = kinds[torch.arange(len(values), device=device), kind] * scale
    cover = (0.5 - distance * (SIDE / 2)).clamp(0, 1)
    return cover[:, None] * _rgb(hue)[:, :, None, None]


def _rgb(hue: Tensor) -> Tensor:
    """Return colours (B, 3) of hues (B,) in rad, at full value."""
    offsets = torch.tensor((5.0, 3.0, 1.0), device=hue.device)
    k = (offsets + hue[:, None] * (3 / math.pi)) % 6
    return 1 - _SATURATION * torch.minimum(k, 4 - k).clamp(0, 1)


def _length(u: Tensor, v: Tensor) -> Tensor:
    return (u.square() + v.square() + 1e-6).sqrt()  # whose slope at nought is not NaN


def _box(u: Tensor, v: Tensor, half_width: float, half_height: float) -> Tensor:
    return torch.maximum(u.abs() - half_width, v.abs() - half_height)


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(-0.78 - v, 0.944 * u.abs() + 0.329 * v - 0.329)


def _half_disc(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(_length(u, v + 0.4) - 0.95, -0.4 - v)


def _crescent(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(_length(u, v) - 0.95, 0.66 - _length(u, v + 0.5))


def _tee(u: Tensor, v: Tensor) -> Tensor:
    return torch.minimum(_box(u, v - 0.5, 0.8, 0.28), _box(u, v + 0.2, 0.27, 0.7))
