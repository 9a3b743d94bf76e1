# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Cubic splines in a few lines of NumPy.

scipy.interpolate has them too, but to import it takes a node as long as the rest of it, and on the
one grid that is used here a spline is a product with a matrix that is made once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


class Bicubic:
    """A C² bicubic spline on an even square grid, with all derivatives in one gather.

    coefficients: (size - 1, size - 1, 4, 4), of each cell, by the powers of x and of y, ascending.
    origin, step: of the grid on both axes. values: (size, size), what is interpolated.
    """

    def __init__(self, values: np.ndarray, half_width: float) -> None:
        """Interpolate `values` (size, size), [ix, iy], over [-half_width, half_width]²."""
        cells = len(values) - 1
        self.origin, self.step = -half_width, 2.0 * half_width / cells
        self.values = values
        per_axis = _spline_matrix(cells + 1, self.step)
        both = (per_axis @ values @ per_axis.T).reshape(cells, 4, cells, 4)
        self.coefficients = np.ascontiguousarray(both.transpose(0, 2, 1, 3))
        self.coefficients.setflags(write=False)

    def _locate(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        last = len(self.coefficients) - 1
        cell = np.clip(((x - self.origin) / self.step).astype(int), 0, last)
        return cell, x - (self.origin + cell * self.step)

    def value(self, points: np.ndarray) -> np.ndarray:
        """Return (M,) at points (M, 2)."""
        cell, offset = self._locate(points)
        powers = offset[..., None] ** np.arange(4)
        local = self.coefficients[cell[:, 0], cell[:, 1]]
        return np.einsum('mi,mij,mj->m', powers[:, 0], local, powers[:, 1])

    def at(self, x: float, y: float) -> float:
        """Return the value at one point, sooner than `value` does."""
        last = len(self.coefficients) - 1
        i = min(max(int((x - self.origin) / self.step), 0), last)
        j = min(max(int((y - self.origin) / self.step), 0), last)
        x -= self.origin + i * self.step
        y -= self.origin + j * self.step
        total = 0.0
        for row in reversed(self.coefficients[i, j].tolist()):
            a, b, c, d = row
            total = total * x + (a + y * (b + y * (c + y * d)))
        return total

    def on_grid(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return (len(x), len(y)) at every pair."""
        # The spline is a product of two, and linear in the values.
        return self._weights(x) @ self.values @ self._weights(y).T

    def _weights(self, x: np.ndarray) -> np.ndarray:
        """Return (M, size): what each value counts at coordinates (M,) of one axis."""
        cell, offset = self._locate(x)
        per_axis = _spline_matrix(len(self.values), self.step).reshape(-1, 4, len(self.values))
        return np.einsum('mp,mps->ms', offset[:, None] ** np.arange(4), per_axis[cell])

    def all(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return value (M,), gradient (M, 2) and Hessian (M, 2, 2) at points (M, 2)."""
        cell, t = self._locate(points)
        zero, one = np.zeros_like(t), np.ones_like(t)
        # basis[m, axis, derivative order, power]
        basis = np.stack(
            [
                np.stack([one, t, t**2, t**3], axis=-1),
                np.stack([zero, one, 2 * t, 3 * t**2], axis=-1),
                np.stack([zero, zero, 2 * one, 6 * t], axis=-1),
            ],
            axis=2,
        )
        local = self.coefficients[cell[:, 0], cell[:, 1]]
        d = basis[:, 0] @ local @ basis[:, 1].transpose(0, 2, 1)  # (M, order in x, order in y)
        gradient = np.stack([d[:, 1, 0], d[:, 0, 1]], axis=-1)
        hessian = np.stack(
            [np.stack([d[:, 2, 0], d[:, 1, 1]], -1), np.stack([d[:, 1, 1], d[:, 0, 2]], -1)], -2
        )
        return d[:, 0, 0].copy(), gradient, hessian


@lru_cache(maxsize=8)
def _spline_matrix(size: int, step: float) -> np.ndarray:
    """Return (4 (size - 1), size): values to the coefficients of all cells, powers ascending.

    Of the not-a-knot cubic spline: its third derivative has no jump next to the ends either.
    """
    values = np.eye(size)
    rise = np.diff(values, axis=0) / step
    system = np.zeros((size, size))
    inner = np.arange(1, size - 1)
    system[inner, inner - 1] = system[inner, inner + 1] = 1.0
    system[inner, inner] = 4.0
    system[0, :2] = system[-1, :-3:-1] = 1.0, 2.0
    right = np.zeros((size, size))
    right[1:-1] = 3.0 * (rise[1:] + rise[:-1])
    right[0] = 2.5 * rise[0] + 0.5 * rise[1]
    right[-1] = 2.5 * rise[-1] + 0.5 * rise[-2]
    slope = np.linalg.solve(system, right)
    before, after = slope[:-1], slope[1:]
    powers = [
        *(values[:-1], before),
        *((3.0 * rise - 2.0 * before - after) / step, (before + after - 2.0 * rise) / step**2),
    ]
    return np.stack(powers, axis=1).reshape(-1, size)


def monotone(knots: np.ndarray, heights: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a curve through heights (K,) over ascending knots (K,), K > 1, at places within them.

    It rises and falls where the heights do and nowhere else: the piecewise cubic of Fritsch and
    Butland ("A method for constructing local monotone piecewise cubic interpolants", SIAM J. Sci.
    Stat. Comput. 5, 1984).
    """
    step = np.diff(knots)
    rise = np.diff(heights) / step
    slope = np.empty(len(knots))
    if len(knots) == 2:
        slope[:] = rise[0]
    else:
        before, after = rise[:-1], rise[1:]
        near, far = 2.0 * step[1:] + step[:-1], step[1:] + 2.0 * step[:-1]
        same_way = before * after > 0.0
        with np.errstate(divide='ignore', invalid='ignore'):
            mean = (near + far) / (near / before + far / after)
        slope[1:-1] = np.where(same_way, mean, 0.0)
        slope[0] = _end_slope(step[0], step[1], rise[0], rise[1])
        slope[-1] = _end_slope(step[-1], step[-2], rise[-1], rise[-2])
    cell = np.clip(np.searchsorted(knots, at, side='right') - 1, 0, len(step) - 1)
    t, h, m = at - knots[cell], step[cell], rise[cell]
    first, last = slope[cell], slope[cell + 1]
    square, cube = (3.0 * m - 2.0 * first - last) / h, (first + last - 2.0 * m) / h**2
    return heights[cell] + t * (first + t * (square + t * cube))


def _end_slope(step: float, next_step: float, rise: float, next_rise: float) -> float:
    """Return the slope at an end: of the parabola there, unless it would turn the curve around."""
    slope = ((2.0 * step + next_step) * rise - step * next_rise) / (step + next_step)
    if slope * rise <= 0.0:
        return 0.0
    if rise * next_rise <= 0.0 and abs(slope) > 3.0 * abs(rise):
        return 3.0 * rise
    return slope
