# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies without their spurious minima, so that descent does not end in one.

Far from where an energy was demonstrated it may have minima of its own. How deep they are tells
them from goals: of all that is about as likely as the best, nothing is filled.
"""

from __future__ import annotations

import heapq
import math
from itertools import product

import numpy as np

# Of the energies' whole range, by how much a filled basin rises per cell towards its outlet.
_RISE_PER_CELL = 1e-2
# Cells from a goal up to which a cost stays as it is, and from which on it is smoothed.
_KEPT, _SMOOTHED = 3, 9


def without_spurious_minima(energies: np.ndarray, goal_margin: float) -> np.ndarray:
    """Return energies (size, size) whose only minima are within `goal_margin` of the lowest.

    Every other basin is filled up to its outlet, and a little more the farther from it (a flood
    from the goals, lowest first).
    """
    rise = _RISE_PER_CELL * float(np.ptp(energies))
    # Lists, with a border that is done: ten times faster than asking an array cell by cell.
    width = len(energies) + 2
    goals = np.where(energies <= energies.min() + goal_margin, energies, np.inf)
    own, levels = (np.pad(e, 1, constant_values=np.inf).ravel().tolist() for e in (energies, goals))
    done = np.pad(np.zeros(energies.shape, bool), 1, constant_values=True).ravel().tolist()
    steps = [
        (dx * width + dy, rise * math.hypot(dx, dy))
        for dx, dy in product((-1, 0, 1), repeat=2)
        if dx or dy
    ]
    border = [(level, cell) for cell, level in enumerate(levels) if level < math.inf]
    heapq.heapify(border)
    while border:
        level, cell = heapq.heappop(border)
        if done[cell]:
            continue
        done[cell] = True
        for step, climb in steps:
            beside = cell + step
            if not done[beside]:
                through = max(own[beside], level + climb)
                if through < levels[beside]:
                    levels[beside] = through
                    heapq.heappush(border, (through, beside))
    return np.array(levels).reshape(width, width)[1:-1, 1:-1].copy()


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
