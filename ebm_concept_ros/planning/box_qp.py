# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small quadratic programme with box limits, as one step of the backward pass needs it."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np

_MAX_ITERATIONS = 20
_TOLERANCE = 1e-8
_SHORTEST = 1e-6


class NotConvex(ArithmeticError):
    """The quadratic has no positive definite Hessian."""


def solve_box_qp(
    hessian: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Minimise ½ u'Hu + g'u within low <= u <= high, and say how u follows g.

    hessian: (n, n) H. right: (n, 1 + m): g, then C of a gradient g + C x. low < high: (n,).
    Returns (n, 1 + m): u, then its gain du/dx, whose rows are zero for limited inputs. Projected
    Newton on the free inputs. Raises NotConvex.
    """
    out = -_solve(hessian, right)
    unlimited = out[:, 0]
    step = np.minimum(np.maximum(unlimited, low), high)
    if (step == unlimited).all():
        return out
    gradient = right[:, 0]
    tolerance = _TOLERANCE * (high - low)
    value = _value(hessian, gradient, step)
    for _ in range(_MAX_ITERATIONS):
        slope = gradient + hessian @ step
        free = np.where(slope > 0, step > low, step < high).astype(float)
        # Limited inputs become rows of the identity with zero right-hand sides.
        masked = hessian * np.outer(free, free)
        masked.flat[:: len(free) + 1] += 1.0 - free
        rest = right * free[:, None]
        rest[:, 0] = slope * free
        out = -_solve(masked, rest)
        share = 1.0
        while True:
            candidate = np.minimum(np.maximum(step + share * out[:, 0], low), high)
            lower = _value(hessian, gradient, candidate)
            # The projected Newton direction descends, so a short enough step must.
            if lower <= value or share < _SHORTEST:
                break
            share *= 0.5
        moved = np.abs(candidate - step)
        step, value = candidate, lower
        if (moved <= tolerance).all():
            break
    out[:, 0] = step
    return out


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    _, solution, info = _lapack().dposv(matrix, right)
    if info != 0:
        raise NotConvex
    return solution


@cache
def _lapack() -> ModuleType:
    # Imported here: plans of the compiled kernel do without SciPy, which is dear at the start.
    from scipy.linalg import lapack

    return lapack


def _value(hessian: np.ndarray, gradient: np.ndarray, step: np.ndarray) -> float:
    return float(step @ (0.5 * (hessian @ step) + gradient))
