# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Planning over states by two learned energies: how the arm moves, and what is wanted.

A plan is a chain of states that is low in Σ E(s_t, s_t+1) + Σ R(s_t), after Du, Lin and Mordatch,
*Model Based Planning with Energy Based Models* (CoRL 2019): E was learned from babbling, R is the
concept's energy with the cost's other terms. The torques are those of learned inverse dynamics.
Where the effector is in a posture is geometry, which the model file tells; masses and motors are
not asked for.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.package_files import package_path
from ebm_concept_ros.planning.kinematics import Kinematics
from ebm_concept_ros.planning.mppi import averaged
from ebm_concept_ros.planning.plan_model import Rollout
from ebm_concept_ros.planning.planner import Planner, PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.planning.transition_networks import ArmEnergy, ArmInverse
from ebm_concept_ros.workspace import Workspace

# Velocities stay below their limits by what tracking may overshoot.
_SPEED_SHARE = 0.9
# Of the width of what was learned: states further out are not planned from.
_MARGIN = 0.25
# What the feedback between two plans makes of an error, 1/s (critically damped).
_FEEDBACK_RAD_S = 6.0
_PROBE_RAD_S = 0.05


class TrajectoryEnergyConfig(PlannerConfig):
    """What is sampled: piecewise linear velocities, which begin with the measured ones."""

    samples: int = Field(48, ge=2, le=4096, description='chains of states per iteration')
    knots: int = Field(4, ge=2, le=50, description='of the velocities over the horizon')
    noise_rad_s: float = Field(0.15, gt=0, le=10, description='of a knot, 1 sigma')
    temperature: float = Field(
        0.1, gt=0, le=100, description="of the weights, in standard deviations of the samples' cost"
    )
    transition: float = Field(0.3, ge=0, le=1e3, description='weight of E(s, s′) above ordinary')
    transitions: str = Field(
        '', description="folder with energy/ and inverse/; empty: the package's, of this arm"
    )
    seed: int = Field(0, ge=0, description='of the noise')


class TrajectoryEnergyPlanner(Planner):
    """MPPI over states; nothing is rolled out."""

    config_type = TrajectoryEnergyConfig
    config: TrajectoryEnergyConfig
    adds_friction = False  # it is part of what the inverse dynamics have seen

    def __init__(
        self, arm: ArmConfig, workspace: Workspace, config: TrajectoryEnergyConfig | None = None
    ) -> None:
        """Raise ConfigError where there are no learned transitions of the arm."""
        super().__init__(arm, workspace, config)
        try:
            folder = package_path(self.config.transitions, f'config/arms/{arm.name}_transitions')
        except ConfigError as error:
            raise ConfigError(
                f'transitions: {error}; python -m ebm_concept_ros.arm babble and '
                'python -m ebm_core trajectory train make them'
            ) from None
        step_s = self.config.step_s
        self._energy = ArmEnergy(folder / 'energy', arm, step_s)
        self._inverse = ArmInverse(folder / 'inverse', arm, step_s)
        self._kinematics = Kinematics(self.model.model, arm.effector_site)
        self._most_speed = _SPEED_SHARE * arm.velocity_limits_rad_s
        self._knot_times = np.linspace(0.0, self.config.horizon_s, self.config.knots + 1)
        times = step_s * np.arange(self.config.steps + 1)
        # (N + 1, knots + 1): the velocity at each step as a weighted sum of the knots.
        self._basis = np.stack(
            [np.interp(times, self._knot_times, e) for e in np.eye(len(self._knot_times))], 1
        )

    def _solve(
        self, time_s: float, start: np.ndarray, field: EnergyField, warm_start: Plan | None
    ) -> Solution:
        self._check_known(start)
        n = self.model.num_joints
        knots, iterations = self._first_knots(time_s, start, warm_start)
        # One nanosecond is finer than any two plans are apart; the mask is for times before zero.
        rng = np.random.default_rng([self.config.seed, int(time_s * 1e9) & (2**63 - 1)])
        for _ in range(iterations):
            noise = rng.standard_normal((self.config.samples, *knots.shape))
            noise[0] = 0.0
            candidates = knots + self.config.noise_rad_s * noise
            candidates = np.clip(candidates, -self._most_speed, self._most_speed)
            costs = self._costs(self._chain(start, candidates), field)
            if not np.isfinite(costs).any():
                raise PlanningFailed('no chain of states has a finite cost')
            knots = averaged(candidates, costs, self.config.temperature)
        states = self._chain(start, knots[None])
        cost = float(self._costs(states, field)[0])
        if not np.isfinite(cost):
            raise PlanningFailed('the mean of the chains has no finite cost')
        states = states[0]
        effort = self._inverse.effort_nm(states[:-1], states[1:])
        efforts = np.clip(effort, -self._limits, self._limits)
        gains = np.broadcast_to(self._feedback(states), (self.config.steps, n, 2 * n))
        return Solution(states, efforts, gains, cost, iterations)

    def _check_known(self, start: np.ndarray) -> None:
        low, high = self._energy.bounds
        margin = _MARGIN * (high - low)
        beyond = np.flatnonzero((start < low - margin) | (start > high + margin))
        if len(beyond):
            raise PlanningFailed(
                f'state: {start[beyond[0]]:.3g} of number {beyond[0]} is far from what the '
                f'transitions have, {low[beyond[0]]:.3g} to {high[beyond[0]]:.3g}'
            )

    def _first_knots(
        self, time_s: float, start: np.ndarray, plan: Plan | None
    ) -> tuple[np.ndarray, int]:
        """Return the knots (knots, n) to begin with, rad/s, and how often to improve them."""
        n = self.model.num_joints
        if plan is None:
            return np.zeros((self.config.knots, n)), self.config.cold_iterations
        times = plan.step_s * np.arange(len(plan.states))
        at = time_s - plan.start_s + self._knot_times[1:]
        return np.stack([np.interp(at, times, v) for v in plan.states[:, n:].T], 1), (
            self.config.iterations
        )

    def _chain(self, start: np.ndarray, knots: np.ndarray) -> np.ndarray:
        """Return states (S, N + 1, 2n) whose velocities are splines with knots (S, knots, n)."""
        n = self.model.num_joints
        first = np.broadcast_to(start[n:], (len(knots), 1, n))
        speeds = self._basis @ np.concatenate((first, knots), 1)
        moved = self.config.step_s / 2 * (speeds[:, :-1] + speeds[:, 1:])
        positions = np.empty_like(speeds)
        positions[:, 0] = start[:n]
        positions[:, 1:] = start[:n] + np.cumsum(moved, 1)
        return np.concatenate((positions, speeds), -1)

    def _rollout(self, states: np.ndarray) -> Rollout:
        site_m, approach = self._kinematics(states[..., : self.model.num_joints])
        efforts = np.zeros((*states.shape[:-2], self.config.steps, self.model.num_joints))
        return Rollout(states, efforts, efforts, site_m, approach)

    def _costs(self, states: np.ndarray, field: EnergyField) -> np.ndarray:
        """Return Σ E + Σ R (S,) of chains (S, N + 1, 2n), infinite where it is not finite."""
        excess = self._energy.excess(states[:, :-1], states[:, 1:]).sum(-1)
        total = self.cost.value(self._rollout(states), field) + self.config.transition * excess
        return np.where(np.isfinite(total), total, np.inf)

    def _feedback(self, states: np.ndarray) -> np.ndarray:
        """Return gains (n, 2n): the torques that a change of speed takes, by the inverse dynamics.

        Of the joints by themselves, so that what was not learned exactly cannot destabilise.
        """
        n, step_s = self.model.num_joints, self.config.step_s
        nexts = np.repeat(states[1:2], n + 1, 0)
        nexts[np.arange(n), n + np.arange(n)] += _PROBE_RAD_S
        effort = self._inverse.effort_nm(np.repeat(states[:1], n + 1, 0), nexts)
        inertia = np.maximum(np.diag(effort[:n] - effort[n]) / _PROBE_RAD_S * step_s, 0.0)
        return -np.concatenate(
            (np.diag(_FEEDBACK_RAD_S**2 * inertia), np.diag(2 * _FEEDBACK_RAD_S * inertia)), 1
        )
