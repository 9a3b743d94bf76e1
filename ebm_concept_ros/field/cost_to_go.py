# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The field's cost with a geodesic cost-to-go around obstacles added where they bar the way down.

The cost without obstacles is kept, and to it is added by how much the geodesic to the lowest energy
becomes longer, steps counting by the cost's slope. So nothing changes where no obstacle is in the
way, the lowest place stays where it is, and no obstacle makes a local minimum in front of it that
the arm would stay in, as a mere repulsion does. It is done once per scene. What keeps the hand out
of the obstacles is a term of the plan's cost (planning/cost.py).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import EnergyField

# Geodesics are searched for on a grid this much finer than the field's.
_FINER = 2
# At the inner end of the rim, one cell wide, a step costs so much more.
_RIM_SLOWER = 4.0
_LEAST_SLOPE = 0.02
_FILL_ITERATIONS = 60
# Steps in 32 directions: geodesics are then at most 1.3 % longer than straight ones.
_STEPS = [
    (dx, dy)
    for dx in range(-3, 4)
    for dy in range(-3, 4)
    if np.gcd(dx, dy) == 1 and (dx > 0 or (dx == 0 and dy > 0))
]


def with_cost_to_go_around(field: EnergyField, circles: Circles) -> EnergyField:
    """Return the field with a cost-to-go around the circles; the energy stays as it is."""
    if not len(circles):
        return field
    size = _FINER * (len(field.axis) - 1) + 1
    axis = np.linspace(-field.half_width, field.half_width, size)
    points = np.stack(np.meshgrid(axis, axis, indexing='ij'), axis=-1)
    sample = field.cost(points.reshape(-1, 2))
    cost = sample.value.reshape(size, size)
    slope = np.maximum(np.linalg.norm(sample.gradient, axis=1), _LEAST_SLOPE).reshape(size, size)
    # Through the rim, one cell wide, it only gets dearer: the arm may be in it.
    step = axis[1] - axis[0]
    rim = _FINER * step
    depth = np.maximum(circles.depth(points), 0.0)
    free = depth < rim
    if not free.any() or not depth.any():
        return field
    lowest = np.where(free, cost, np.inf).argmin()
    straight = _cost_to_go(slope, np.ones_like(free), step, lowest)
    around = _cost_to_go(slope * (1.0 + _RIM_SLOWER * depth / rim), free, step, lowest)
    more = np.where(free, np.maximum(around - straight, 0.0), np.inf)
    reached = np.isfinite(more)
    # Where no geodesic leads out: the cost leads as near as it can.
    more[free & ~reached] = more[reached].max()
    total = cost + _filled(more, free)
    return field.with_cost(total[::_FINER, ::_FINER], circles)


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the values with a smooth surface where they are not known: an edge would ripple."""
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = values[tuple(nearest)]
    for _ in range(_FILL_ITERATIONS):
        padded = np.pad(filled, 1, mode='edge')
        mean = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2]
        filled = np.where(known, values, 0.25 * mean)
    return filled


def _cost_to_go(slope: np.ndarray, free: np.ndarray, step: float, to: int) -> np.ndarray:
    """Return the cost of the geodesic from each free node to node `to`, or infinity."""
    size = len(slope)
    number = np.arange(size * size).reshape(size, size)
    rows, columns, costs = [], [], []
    for dx, dy in _STEPS:
        here = slice(0, size - dx), slice(max(0, -dy), size - max(0, dy))
        there = slice(dx, size), slice(max(0, dy), size - max(0, -dy))
        both = free[here] & free[there]
        rows.append(number[here][both])
        columns.append(number[there][both])
        mean = 0.5 * (slope[here] + slope[there])[both]
        costs.append(mean * step * np.hypot(dx, dy))
    graph = coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))),
        shape=(size * size, size * size),
    ).tocsr()
    return dijkstra(graph, directed=False, indices=to).reshape(size, size)
