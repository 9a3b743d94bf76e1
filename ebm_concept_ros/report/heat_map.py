# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Colours of an energy field, for the table in pictures."""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.field.energy_field import EnergyField

# Dark and saturated where the energy is low, fading into the table's own colour where it is high.
_STOPS = np.array([0.0, 0.06, 0.2, 0.45, 1.0])
_COLOURS = np.array(
    [
        [0.27, 0.05, 0.45],
        [0.72, 0.16, 0.48],
        [0.95, 0.47, 0.36],
        [0.99, 0.80, 0.55],
        [0.98, 0.95, 0.88],
    ]
)
_CONTOURS = 9


def heat_map(field: EnergyField, pixels: int = 256) -> np.ndarray:
    """Return (pixels, pixels, 3) uint8; row 0 is the largest y, column 0 the smallest x.

    Shade follows the distance-like root of the field's cost, with contours at even steps of it, so
    that energies of any scale and shape can be read.
    """
    axis = np.linspace(-field.half_width, field.half_width, pixels)
    points = np.stack(np.meshgrid(axis, axis, indexing='ij'), axis=-1).reshape(-1, 2)
    cost = field.cost_value(points).reshape(pixels, pixels)
    level = np.sqrt(np.maximum(cost - cost.min(), 0.0))
    level /= max(level.max(), 1e-12)
    rgb = np.stack([np.interp(level, _STOPS, _COLOURS[:, c]) for c in range(3)], axis=-1)
    band = np.floor(level * _CONTOURS)
    edge = np.zeros_like(level, bool)
    edge[:-1] |= band[:-1] != band[1:]
    edge[:, :-1] |= band[:, :-1] != band[:, 1:]
    rgb[edge] *= 0.82
    return (255 * rgb).astype(np.uint8).transpose(1, 0, 2)[::-1]
