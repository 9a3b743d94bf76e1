"""A small quadratic programme with box limits, as one step of the backward pass needs it."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dposv

_MAX_ITERATIONS = 20


class NotConvex(ArithmeticError):
    """The quadratic has no positive definite Hessian."""


def solve_box_qp(
    hessian: np.ndarray,
    gradient: np.ndarray,
    cross: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise ½ u'Hu + g'u within low <= u <= high; return u (n,) and its gain (n, m).

    The gain is du/dx for g = gradient + cross x, with cross (n, m): rows of limited inputs are
    zero. Projected Newton on the free inputs. Raises NotConvex.
    """
    n = len(gradient)
    right = np.concatenate([gradient[:, None], cross], axis=1)
    solution = _solve(hessian, right)
    step = -solution[:, 0]
    if (step >= low).all() and (step <= high).all():
        return step, -solution[:, 1:]
    step = np.clip(step, low, high)
    gain = np.zeros_like(cross)
    held = np.zeros(n, bool)
    for _ in range(_MAX_ITERATIONS):
        slope = gradient + hessian @ step
        held = ((step <= low) & (slope > 0)) | ((step >= high) & (slope < 0))
        free = ~held
        if not free.any() or np.abs(slope[free]).max() < 1e-9 * (1.0 + np.abs(gradient).max()):
            break
        pull = gradient[free] + hessian[np.ix_(free, held)] @ step[held]
        target = step.copy()
        target[free] = -_solve(hessian[np.ix_(free, free)], pull[:, None])[:, 0]
        target = np.clip(target, low, high)
        # Shorten until the projected step decreases the objective.
        value, share = _value(hessian, gradient, step), 1.0
        while share > 1e-4:
            candidate = step + share * (target - step)
            if _value(hessian, gradient, candidate) <= value:
                break
            share *= 0.5
        step = candidate
    free = ~held
    if free.any():
        gain[free] = -_solve(hessian[np.ix_(free, free)], cross[free])
    return step, gain


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    _, solution, info = dposv(matrix, right)
    if info != 0:
        raise NotConvex
    return solution


def _value(hessian: np.ndarray, gradient: np.ndarray, step: np.ndarray) -> float:
    return float(step @ (0.5 * hessian @ step + gradient))
