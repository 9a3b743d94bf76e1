# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a planner asks of a cost, and the terms that every cost of an arm has: how it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.plan_model import Linearisation, PlanModel, Rollout

# The soft limits begin to cost at this share of the way to the hard ones.
SOFT_SPEED = 0.8
SOFT_RANGE_RAD = 0.15

GoalT = TypeVar('GoalT', contravariant=True)


@dataclass(frozen=True)
class Quadratic:
    """The cost's second-order model along a rollout of N steps.

    state: (N + 1, 2n); state_hessian: (N + 1, 2n, 2n); effort: (N, n); effort_hessian: (n,), the
    diagonal, alike for every step.
    """

    state: np.ndarray
    state_hessian: np.ndarray
    effort: np.ndarray
    effort_hessian: np.ndarray


class Cost(Protocol[GoalT]):
    """What a rollout costs towards a goal, which is an energy field or a path of the hand."""

    def value(self, rollout: Rollout, goal: GoalT) -> np.ndarray:
        """Return the cost of each whole rollout, (...): its arrays may have leading axes."""

    def quadratic(self, rollout: Rollout, derivatives: Linearisation, goal: GoalT) -> Quadratic:
        """Return the cost's convex quadratic model; residuals are linearised, not the terms."""


class MotionWeights(Protocol):
    """One weight per term, and the factor on the last knot; `CostWeights` says what 1 means."""

    velocity: float
    effort: float
    velocity_limit: float
    joint_limit: float
    terminal: float


class MotionCost:
    """Speed, torque beyond gravity, and the soft limits of speed and range."""

    def __init__(self, arm: ArmConfig, model: PlanModel, weights: MotionWeights) -> None:
        self.weights = weights
        self.speed_limits = arm.velocity_limits_rad_s
        self.effort_scale = 1.0 / arm.effort_limits_nm
        low, high = model.joint_ranges_rad.T
        self.low, self.high = low + SOFT_RANGE_RAD, high - SOFT_RANGE_RAD

    def terms(self, rollout: Rollout) -> dict[str, np.ndarray]:
        """Return each weighted term per knot, (..., N + 1), before the terminal factor."""
        w, n = self.weights, rollout.states.shape[-1] // 2
        positions, speeds = rollout.states[..., :n], rollout.states[..., n:]
        effort = np.zeros(positions.shape[:-1])
        effort[..., :-1] = squares((rollout.efforts - rollout.bias_nm) * self.effort_scale)
        return {
            'velocity': w.velocity * squares(speeds),
            'effort': w.effort * effort,
            'velocity_limit': w.velocity_limit * squares(self._overspeed(speeds)),
            'joint_limit': w.joint_limit * squares(self._over_range(positions)),
        }

    def total(self, terms: dict[str, np.ndarray]) -> np.ndarray:
        """Return the sum of terms (..., N + 1) over the knots, the last one's with its factor."""
        total = sum(terms.values())
        return total.sum(-1) + (self.weights.terminal - 1.0) * total[..., -1]

    def quadratic(self, rollout: Rollout, q: np.ndarray, qq: np.ndarray) -> Quadratic:
        """Return the model of these terms and of others by joint positions.

        q: (N + 1, n), qq: (N + 1, n, n), gradient and Hessian of the others; they are changed.
        """
        w = self.weights
        knots, n = len(rollout.states), rollout.states.shape[1] // 2
        positions, speeds = rollout.states[:, :n], rollout.states[:, n:]
        diagonal = np.arange(n)
        over_range = self._over_range(positions)
        q += 2.0 * w.joint_limit / SOFT_RANGE_RAD * over_range
        qq[:, diagonal, diagonal] += 2.0 * w.joint_limit / SOFT_RANGE_RAD**2 * (over_range != 0)
        overspeed = self._overspeed(speeds)
        slope = 1.0 / (self.speed_limits * (1.0 - SOFT_SPEED))

        state, hessian = np.zeros((knots, 2 * n)), np.zeros((knots, 2 * n, 2 * n))
        state[:, :n], hessian[:, :n, :n] = q, qq
        state[:, n:] = 2.0 * (w.velocity * speeds + w.velocity_limit * slope * overspeed)
        hessian[:, n + diagonal, n + diagonal] = 2.0 * (
            w.velocity + w.velocity_limit * slope**2 * (overspeed != 0)
        )
        state[-1] *= w.terminal
        hessian[-1] *= w.terminal
        effort_hessian = 2.0 * w.effort * self.effort_scale**2
        effort = effort_hessian * (rollout.efforts - rollout.bias_nm)
        return Quadratic(state, hessian, effort, effort_hessian)

    def _overspeed(self, speeds: np.ndarray) -> np.ndarray:
        """Return (N + 1, n), signed: 0 below the soft limit, ±1 at the limit."""
        share = np.abs(speeds) / self.speed_limits
        return np.sign(speeds) * np.maximum(share - SOFT_SPEED, 0.0) / (1.0 - SOFT_SPEED)

    def _over_range(self, positions: np.ndarray) -> np.ndarray:
        """Return (N + 1, n), signed: 0 within the soft range, ±1 at the joint's limit."""
        above = np.maximum(positions - self.high, 0.0)
        below = np.minimum(positions - self.low, 0.0)
        return (above + below) / SOFT_RANGE_RAD


def squares(values: np.ndarray) -> np.ndarray:
    """Return the sum of squares over the last axis."""
    return np.einsum('...i,...i->...', values, values)


def turned(turn: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return how axes (K, 3) of the effector change with joint positions, (K, 3, n).

    turn: (K, 3, n) of `Linearisation`; d(axis)/dq = turn x axis.
    """
    return np.cross(turn, axis[:, :, None], axis=1)
