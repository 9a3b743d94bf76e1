# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Points on curves, and of a mixture, in the square [-1, 1]²."""

from __future__ import annotations

import math

import numpy as np

TURNS = 1.5  # of the spiral
BLOBS = 8  # of the mixture
HALF_WIDTH = 1.25  # of the square in which energies are sampled and drawn


def point_on(curve: str, share: np.ndarray) -> np.ndarray:
    """Return points (N, 2) at shares (N,) in [0, 1] of the way along a curve."""
    angle = 2 * math.pi * share
    if curve == 'spiral':
        # Shares are even in length, not in angle: the radius grows with its root.
        radius = 0.15 + 0.75 * np.sqrt(share)
        return radius[:, None] * _direction(TURNS * 2 * math.pi * np.sqrt(share))
    if curve == 'moons':
        # An upper and a lower half circle, each of which reaches into the other.
        lower = (share >= 0.5)[:, None]
        return np.where(lower, [0.3, 0.15], [-0.3, -0.15]) + 0.6 * _direction(angle)
    if curve == 'mixture':
        # Points on a circle, around which the training's spread makes Gaussians.
        return 0.7 * _direction(2 * math.pi * np.floor(BLOBS * share).clip(0, BLOBS - 1) / BLOBS)
    inner = share < 1 / 3
    turn = np.where(inner, 3 * share, 1.5 * (share - 1 / 3))
    return np.where(inner, 0.4, 0.8)[:, None] * _direction(2 * math.pi * turn)


def _direction(angle: np.ndarray) -> np.ndarray:
    return np.stack((np.cos(angle), np.sin(angle)), -1)


def distance_to(curve: str, points: np.ndarray) -> np.ndarray:
    """Return how far points (N, 2) are from a curve, (N,), to within a thousandth of its length."""
    along = point_on(curve, np.linspace(0, 1, 2000))
    return np.linalg.norm(points[:, None] - along, axis=-1).min(1)
