# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What sampling planners share: splines of velocity set-points, their costs, and the plan."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import mujoco
import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.planner import Planner, PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.planning.rollouts import DampedRollouts
from ebm_concept_ros.workspace import Workspace

Costs = Callable[[np.ndarray], np.ndarray]

# The joints' damping stops them within this time: about that of a held arm.
_DAMPING_TIME_S = 0.25

# Set-points stay below the speed limits by the share that tracking may overshoot.
_SETPOINT_SHARE = 0.9


class SamplingConfig(PlannerConfig):
    """What is sampled: piecewise linear velocity set-points, rad/s (see DampedRollouts)."""

    samples: int = Field(32, ge=2, le=4096, description='rollouts per iteration')
    knots: int = Field(4, ge=2, le=50, description='of the spline over the horizon')
    noise_rad_s: float = Field(
        0.15, gt=0, le=10, description="of a knot's velocity set-point, 1 sigma"
    )
    seed: int = Field(0, ge=0, description='of the noise')


class SamplingPlanner(Planner):
    """Improves a spline by samples around it; each kind says in `_improve` how.

    The noise is drawn anew for each plan from the seed and the plan's time.
    """

    config_type = SamplingConfig
    config: SamplingConfig

    def __init__(
        self, arm: ArmConfig, workspace: Workspace, config: SamplingConfig | None = None
    ) -> None:
        super().__init__(arm, workspace, config)
        steps, knots, n = self.config.steps, self.config.knots, len(arm.joints)
        inertia = np.zeros((n, n))
        self.model.bias_nm(arm.home_rad, np.zeros(n))
        mujoco.mj_fullM(self.model.model, self.model.data, inertia)
        self._damping = np.diag(inertia) / _DAMPING_TIME_S
        self._max_setpoint = _SETPOINT_SHARE * arm.velocity_limits_rad_s
        self._rollouts = DampedRollouts(arm, self.config.step_s, self._damping)
        self._knot_times = np.linspace(0.0, self.config.horizon_s, knots)
        times = self.config.step_s * np.arange(steps)
        # (N, knots): the set-point at each step as a weighted sum of the knots.
        self._basis = np.stack([np.interp(times, self._knot_times, e) for e in np.eye(knots)], 1)
        self._gains = np.zeros((steps, n, 2 * n))
        self._gains[:, :, n:] = -np.diag(self._damping)

    def _solve(
        self, time_s: float, start: np.ndarray, field: EnergyField, warm_start: Plan | None
    ) -> Solution:
        n = self.model.num_joints
        weight_nm = self.model.bias_nm(start[:n], np.zeros(n))
        spare_nm = np.maximum(self._limits - np.abs(weight_nm), 0.0)

        def costs(knots: np.ndarray) -> np.ndarray:
            """Return (S,) of splines (S, knots, n)."""
            rollout = self._rollouts(start, self._basis @ knots, spare_nm)
            values = self.cost.value(rollout, field)
            return np.where(np.isfinite(values), values, np.inf)

        # One nanosecond is finer than any two plans are apart; the mask is for times before zero.
        rng = np.random.default_rng([self.config.seed, int(time_s * 1e9) & (2**63 - 1)])
        if warm_start is None:
            knots, iterations = np.zeros((self.config.knots, n)), self.config.cold_iterations
        else:
            knots, iterations = self._shifted(time_s, warm_start), self.config.iterations
        knots = self._improve(knots, iterations, costs, rng)

        rollout = self.model.rollout(
            start,
            self._damping * (self._basis @ knots),
            self._limits,
            self._gains,
            np.zeros((self.config.steps, 2 * n)),
            excess=True,
        )
        cost = float(self.cost.value(rollout, field))
        if not np.isfinite(cost):
            raise PlanningFailed('the rollout of the best sample diverged')
        return Solution(rollout.states, rollout.efforts, self._gains, cost, iterations)

    @abstractmethod
    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        """Return better knots than `knots` (knots, n), rad/s.

        costs: from (S, knots, n) to (S,), infinite for what diverged. rng: of this plan.
        """

    def _around(
        self, knots: np.ndarray, sigma: np.ndarray | float, rng: np.random.Generator
    ) -> np.ndarray:
        """Return (samples, knots, n) splines of allowed set-points; the first is `knots`."""
        noise = rng.normal(size=(self.config.samples, *knots.shape)) * sigma
        noise[0] = 0.0
        return np.clip(knots + noise, -self._max_setpoint, self._max_setpoint)

    def _shifted(self, time_s: float, plan: Plan) -> np.ndarray:
        """Return the knots (knots, n) of the plan before from here on, whoever made it."""
        n = self.model.num_joints
        bias = np.array([self.model.bias_nm(x[:n], x[n:]) for x in plan.states[:-1]])
        setpoints = plan.states[:-1, n:] + (plan.efforts - bias) / self._damping
        times = plan.step_s * np.arange(len(setpoints))
        at = time_s - plan.start_s + self._knot_times
        knots = np.stack([np.interp(at, times, column) for column in setpoints.T], 1)
        return np.clip(knots, -self._max_setpoint, self._max_setpoint)
