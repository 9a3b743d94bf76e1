# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies without their spurious minima, so that descent does not end in one.

Far from where an energy was demonstrated it may have minima of its own. How deep they are tells
them from goals: of all that is about as likely as the best, nothing is filled.
"""

from __future__ import annotations

import math

import numpy as np

# Of the energies' whole range, by how much a filled basin rises per cell towards its outlet.
_RISE_PER_CELL = 1e-2
# Cells from a goal up to which a cost stays as it is, and from which on it is smoothed.
_KEPT, _SMOOTHED = 3, 9
_ROUNDS = 8  # of the flood between two looks whether it still rises


def without_spurious_minima(energies: np.ndarray, goal_margin: float) -> np.ndarray:
    """Return energies (size, size) whose only minima are within `goal_margin` of the lowest.

    Every other basin is filled up to its outlet, and a little more the farther from it: a flood
    from the goals, which in each round of the loop reaches one cell further.
    """
    rise = _RISE_PER_CELL * float(np.ptp(energies))
    goals = np.where(energies <= energies.min() + goal_margin, energies, np.inf)
    levels = np.pad(goals, 1, constant_values=np.inf)
    inside = levels[1:-1, 1:-1]
    rows, straight, diagonal = np.empty_like(levels[2:]), *np.empty((2, *energies.shape))
    while True:
        before = inside.copy()
        for _ in range(_ROUNDS):
            np.minimum(levels[:-2], levels[2:], out=rows)
            np.minimum(levels[1:-1, :-2], levels[1:-1, 2:], out=straight)
            np.minimum(straight, rows[:, 1:-1], out=straight)
            np.minimum(rows[:, :-2], rows[:, 2:], out=diagonal)
            straight += rise
            diagonal += rise * math.sqrt(2.0)
            np.minimum(straight, diagonal, out=straight)
            np.maximum(energies, straight, out=straight)
            np.minimum(inside, straight, out=inside)
        if np.array_equal(before, inside):
            return before


def without_ripples(cost: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Return the cost (size, size), smoothed far from goals, (size, size) bool.

    A spline through a gently sloping valley with steep walls overshoots at the walls' feet by more
    than the valley falls, and has minima that the grid has not. A B-spline with the grid's values
    for coefficients does not overshoot; it is the spline through values averaged as here. Near a
    goal it would move the minimum, and nothing is steep there.
    """
    smooth = np.pad(cost, 1, mode='reflect', reflect_type='odd')
    smooth = (smooth[:-2] + 4.0 * smooth[1:-1] + smooth[2:]) / 6.0
    smooth = (smooth[:, :-2] + 4.0 * smooth[:, 1:-1] + smooth[:, 2:]) / 6.0
    far = np.clip((distances_to(goals) - _KEPT) / (_SMOOTHED - _KEPT), 0.0, 1.0)
    return cost + far * (smooth - cost)


def distances_to(cells: np.ndarray) -> np.ndarray:
    """Return how many cells each cell (size, size) is from the nearest of some, (size, size) bool.

    As scipy.ndimage.distance_transform_edt(~cells), which takes a millisecond less, and a quarter
    of a second to be imported, for which every first target would wait.
    """
    size = len(cells)
    squares = np.subtract.outer(np.arange(size), np.arange(size)) ** 2.0
    in_row = np.where(cells[:, None], squares, np.inf).min(axis=2)
    return np.sqrt((squares[:, :, None] + in_row).min(axis=1))
