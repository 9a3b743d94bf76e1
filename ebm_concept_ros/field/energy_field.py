# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A learned energy as a smooth cost over the effector's plane.

With the scene fixed, the energy is a function of where the effector is. It is tabulated once per
scene on a grid and interpolated bicubically, which costs next to nothing in the planner.

A learned energy has arbitrary scale and may flatten out far from its minimum. What it does say
everywhere is which of two places is better. The cost therefore keeps its level sets and replaces
its values: the cost at p is the area of {E <= E(p)}, divided by pi. That is invariant to every
increasing transform of E, and it equals the squared distance to the minimum, in particle units,
for every energy that depends on that distance alone, however it saturates. Places whose energies
are alike but for noise, a plateau far away, are ordered by their distance to the lowest energy.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ebm_concept_ros.field.circles import NO_CIRCLES, Circles
from ebm_concept_ros.field.splines import Bicubic, monotone
from ebm_concept_ros.field.spurious_minima import without_ripples, without_spurious_minima
from ebm_core.world.scene import PLANE_HALF_WIDTH

EnergyFunction = Callable[[np.ndarray], np.ndarray]

# Places a side at which the energy is tabulated.
FIELD_SIZE = 65

# Enough samples of the interpolated energy for areas of its level sets to be smooth.
_FINE_SAMPLES_PER_CELL = 4
_NEAREST_SAMPLES = 40

# Energies, counted from the lowest, that differ by less than this share differ by noise.
_NOISE_SHARE = 1e-3


class InvalidField(ValueError):
    """An energy that cannot be planned on; the message names the reason."""


@dataclass(frozen=True)
class FieldSample:
    """The cost at M points.

    value: (M,); gradient: (M, 2) per unit; hessian: (M, 2, 2) per unit², positive semi-definite.
    """

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


class EnergyField:
    """Energy and cost over the square [-half_width, half_width]², immutable once made."""

    def __init__(
        self, energies: np.ndarray, half_width: float, goal_margin: float | None = None
    ) -> None:
        """Take `energies` (size, size), indexed [ix, iy] over an even grid, in any unit.

        goal_margin: minima that are higher than the lowest by more are spurious, and are none of
        the cost; None: all are goals. Raises InvalidField when energies are not finite or all
        alike.
        """
        energies = np.array(energies, float)
        if energies.ndim != 2 or energies.shape[0] != energies.shape[1] or len(energies) < 5:
            raise InvalidField(f'energies: shape {energies.shape}, expected a square of 5 or more')
        if not np.isfinite(energies).all():
            raise InvalidField('energies: contain NaN or infinity')
        if not half_width > 0:
            raise InvalidField(f'half_width: {half_width} refused, must be greater than 0')
        if np.ptp(energies) <= 1e-9 * np.abs(energies).max():
            raise InvalidField('energies: the same everywhere, there is nowhere to go')
        self._set_energies(energies, float(half_width))
        self.spline = Bicubic(self._cost_of(energies, goal_margin), half_width)
        self._minimum = self._find_minimum()
        self.keep_out = NO_CIRCLES

    def _set_energies(self, energies: np.ndarray, half_width: float) -> None:
        self.half_width = half_width
        self.energies = energies
        self.energies.setflags(write=False)
        self.axis = np.linspace(-half_width, half_width, len(energies))

    @cached_property
    def _energy(self) -> Bicubic:
        return Bicubic(self.energies, self.half_width)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that the field consists of, by name."""
        circles = self.keep_out
        return {
            'energies': self.energies,
            'half_width': np.array(self.half_width),
            'cost': self.spline.values,
            'minimum': self._minimum,
            'centres': circles.centres,
            'radii': circles.radii,
            'above_m': np.array(circles.above_m),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> EnergyField:
        """Return the field that consists of the arrays of another one, sooner than it was made."""
        field = cls.__new__(cls)
        field._set_energies(arrays['energies'], float(arrays['half_width']))
        field.spline = Bicubic(arrays['cost'], field.half_width)
        field._minimum = arrays['minimum']
        field.keep_out = Circles(arrays['centres'], arrays['radii'], float(arrays['above_m']))
        return field

    @classmethod
    def tabulate(
        cls, energy: EnergyFunction, half_width: float = PLANE_HALF_WIDTH, size: int = FIELD_SIZE
    ) -> EnergyField:
        """Evaluate `energy`, (M, 2) particle units to (M,), once on a size x size grid."""
        values = np.asarray(energy(grid_points(half_width, size)), float)
        if values.shape != (size * size,):
            raise InvalidField(f'energies: shape {values.shape}, expected ({size * size},)')
        return cls(values.reshape(size, size), half_width)

    def with_cost(self, cost: np.ndarray, keep_out: Circles = NO_CIRCLES) -> EnergyField:
        """Return the field of the same energy with another cost, (size, size) on the grid, unit².

        keep_out: what plans on it keep the hand out of. Raises InvalidField when it is not finite.
        """
        if cost.shape != self.energies.shape or not np.isfinite(cost).all():
            raise InvalidField(f'cost: of shape {cost.shape}, or not finite')
        other = copy.copy(self)
        other.spline = Bicubic(cost, self.half_width)
        other.keep_out = keep_out
        return other

    def energy(self, points: np.ndarray) -> np.ndarray:
        """Return the energy itself at (..., 2) particle units, in the energy's own unit."""
        points = np.asarray(points, float)
        values = self._energy.value(points.reshape(-1, 2))
        return values.reshape(points.shape[:-1])

    def energy_at(self, point: np.ndarray) -> float:
        """Return `energy` at one point (2,), sooner."""
        x, y = point.tolist()
        return self._energy.at(x, y)

    def cost_value(self, points: np.ndarray) -> np.ndarray:
        """Return the cost at (M, 2) particle units, (M,) unit²."""
        inside, outside = self._split(points)
        return self.spline.value(inside) + (outside**2).sum(axis=-1)

    def cost(self, points: np.ndarray) -> FieldSample:
        """Return cost, gradient and positive semi-definite Hessian at (M, 2) particle units."""
        inside, outside = self._split(points)
        value, gradient, hessian = self.spline.all(inside)
        # Beyond the grid the nearest edge value goes on, plus a pull back to the edge.
        beyond = outside != 0.0
        gradient[beyond] = 2.0 * outside[beyond]
        hessian[beyond[:, 0], 0] = 2.0, 0.0
        hessian[beyond[:, 1], 1] = 0.0, 2.0
        hessian[beyond.any(axis=1), 0, 1] = hessian[beyond.any(axis=1), 1, 0] = 0.0
        return FieldSample(value + (outside**2).sum(axis=-1), gradient, _nearest_psd(hessian))

    def minimum(self) -> np.ndarray:
        """Return where the energy is lowest, (2,) particle units."""
        return self._minimum.copy()

    def distance_to_best(self, point: np.ndarray) -> float:
        """Return how far a point (2,) is from where the energy is as low as anywhere, units.

        That is the distance to the minimum, or the radius of a disc as large as all places that are
        better, if it is less: of a ring every place will do, and one of them is the minimum.
        """
        # The cost is that disc's squared radius.
        of_better = math.sqrt(max(0.0, self._cost_at(point) - self._cost_at(self._minimum)))
        return min(math.dist(point.tolist(), self._minimum.tolist()), of_better)

    def _cost_at(self, point: np.ndarray) -> float:
        """Return `cost_value` at one point (2,), sooner."""
        x, y = point.tolist()
        most = self.half_width
        inside_x, inside_y = min(max(x, -most), most), min(max(y, -most), most)
        value = self.spline.at(inside_x, inside_y)
        return value + (x - inside_x) ** 2 + (y - inside_y) ** 2

    def _split(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inside = np.clip(points, -self.half_width, self.half_width)
        return inside, points - inside

    def _cost_of(self, energies: np.ndarray, goal_margin: float | None) -> np.ndarray:
        if goal_margin is None:
            return self._areas_over_pi(energies)
        cost = self._areas_over_pi(without_spurious_minima(energies, goal_margin))
        return without_ripples(cost, energies <= energies.min() + goal_margin)

    def _areas_over_pi(self, energies: np.ndarray) -> np.ndarray:
        cells = _FINE_SAMPLES_PER_CELL * (len(self.axis) - 1)
        cell = 2 * self.half_width / cells
        fine = -self.half_width + cell * (np.arange(cells) + 0.5)
        weights = _between(len(self.axis), cells)
        samples = (weights @ energies @ weights.T).ravel()
        lowest = samples.min()
        levels = np.sort(samples) - lowest
        area = (np.arange(levels.size) + 0.5) * cell**2 / np.pi
        # Few samples lie under the lowest levels, where areas are steps rather than a curve; there
        # area grows in proportion to the energy, as it does around every quadratic minimum.
        rise = levels[_NEAREST_SAMPLES - 1]
        slope = area[_NEAREST_SAMPLES - 1] / rise if rise > 0.0 else 0.0
        ranks = np.geomspace(_NEAREST_SAMPLES, levels.size, 80).astype(int) - 1
        knots, heights = _distinct(levels[ranks], area[ranks])
        energies = energies - lowest
        cost = heights[0] + slope * (energies - knots[0])
        if len(knots) > 1:
            above = energies >= knots[0]
            cost[above] = monotone(knots, heights, np.minimum(energies[above], knots[-1]))

        # On the plateau of a saturated energy only noise would rank; there nearer is better.
        rim = levels[-1] * (1.0 - _NOISE_SHARE)
        below = int(np.searchsorted(levels, rim))
        if below < levels.size:
            nearest = fine[np.array(np.unravel_index(samples.argmin(), (cells, cells)))]
            grid, fine_grid = _distances(self.axis, nearest), _distances(fine, nearest)
            order = np.sort(fine_grid.ravel()[samples - lowest >= rim])
            plateau = energies >= rim
            cost[plateau] = np.interp(grid[plateau], order, area[below:])
        return cost

    def _find_minimum(self) -> np.ndarray:
        fine = np.linspace(-self.half_width, self.half_width, 4 * len(self.axis) - 3)
        values = self.spline.on_grid(fine, fine)
        point = np.array([fine[i] for i in np.unravel_index(values.argmin(), values.shape)])
        for _ in range(5):
            value, gradient, hessian = (part[0] for part in self.spline.all(point[None]))
            curvature = _nearest_psd(hessian[None])[0] + 1e-6 * np.eye(2)
            step = np.clip(np.linalg.solve(curvature, gradient), -0.05, 0.05)
            candidate = np.clip(point - step, -self.half_width, self.half_width)
            if self.spline.value(candidate[None])[0] >= value:
                break
            point = candidate
        return point


@lru_cache(maxsize=8)
def _between(size: int, cells: int) -> np.ndarray:
    """Return (cells, size): what each value of an axis counts in the middle of as many cells.

    Linear in between: a spline would overshoot at the rim of a plateau.
    """
    axis, fine = np.linspace(0.0, 1.0, size), (np.arange(cells) + 0.5) / cells
    return np.stack([np.interp(fine, axis, row) for row in np.eye(size)], 1)


def grid_points(half_width: float, size: int) -> np.ndarray:
    """Return (size², 2) particle units, in the order of energies (size, size)."""
    axis = np.linspace(-half_width, half_width, size)
    return np.stack(np.meshgrid(axis, axis, indexing='ij'), axis=-1).reshape(-1, 2)


def _distances(axis: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the distances of the grid's points from `point` (2,), [ix, iy]."""
    return np.hypot(axis[:, None] - point[0], axis[None, :] - point[1])


def _distinct(levels: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ascending levels (K,) and areas that differ by more than rounding and noise.

    Energies that are alike must not be told apart by their noise.
    """
    kept = [0]
    for i in range(1, len(levels)):
        if levels[i] > (1.0 + _NOISE_SHARE) * max(levels[kept[-1]], 0.0):
            kept.append(i)
    return levels[kept], area[kept]


def _nearest_psd(hessian: np.ndarray) -> np.ndarray:
    """Return (M, 2, 2) with negative eigenvalues set to zero."""
    values, vectors = np.linalg.eigh(hessian)
    return (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)
