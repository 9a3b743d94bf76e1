# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A reach without ROS: simulate, plan every few milliseconds, track at every step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.policy import Plan, PlanExpired


@dataclass(frozen=True)
class Trace:
    """What happened in T simulated steps of an arm with n joints.

    times_s: (T,); positions_rad, velocities_rad_s, efforts_nm: (T, n); effector_in_base_m: (T, 3);
    plan_times_s: one per plan.
    """

    times_s: np.ndarray
    positions_rad: np.ndarray
    velocities_rad_s: np.ndarray
    efforts_nm: np.ndarray
    effector_in_base_m: np.ndarray
    plan_times_s: np.ndarray

    def distances_m(self, goal_in_base_m: np.ndarray) -> np.ndarray:
        """Return the effector's distances to a goal in the plane, (T,) m."""
        return np.linalg.norm(self.effector_in_base_m[:, :2] - goal_in_base_m[:2], axis=1)

    def reach_time_s(
        self, goal_in_base_m: np.ndarray, tolerance_m: float = 0.02, hold_s: float = 0.5
    ) -> float | None:
        """Return when the effector came within the tolerance and stayed for `hold_s`, or None."""
        since = None
        for time_s, distance_m in zip(self.times_s, self.distances_m(goal_in_base_m), strict=True):
            if distance_m > tolerance_m:
                since = None
                continue
            since = time_s if since is None else since
            if time_s - since >= hold_s:
                return float(since)
        return None


def reach(
    simulation: ArmSimulation,
    planner: Planner,
    field: EnergyField,
    duration_s: float = 3.0,
    replan_s: float = 0.01,
    latency_s: float = 0.0,
    each_step: Callable[[ArmSimulation], None] | None = None,
) -> Trace:
    """Run the arm down the field for `duration_s` of simulated time.

    A plan made every `replan_s` acts `latency_s` after the state it was made for; until the first
    one acts, and when none is valid, the arm holds.
    """
    waiting: deque[Plan] = deque()
    newest: Plan | None = None
    acting: Plan | None = None
    every = max(1, round(replan_s / simulation.timestep_s))
    rows, plan_times_s = [], []
    for tick in range(round(duration_s / simulation.timestep_s)):
        time_s = simulation.time_s
        positions, velocities = simulation.joint_positions_rad, simulation.joint_velocities_rad_s
        if tick % every == 0:
            newest = planner.plan(time_s, positions, velocities, field, newest)
            waiting.append(newest)
            plan_times_s.append(newest.plan_time_s)
        while waiting and time_s >= waiting[0].start_s + latency_s - 1e-9:
            acting = waiting.popleft()
        try:
            effort = acting.effort(time_s, positions, velocities) if acting else None
        except PlanExpired:
            effort = None
        simulation.apply(simulation.hold_effort() if effort is None else effort)
        applied = simulation.applied_effort_nm
        simulation.step()
        rows.append((time_s, positions, velocities, applied, simulation.effector_in_base_m))
        if each_step is not None:
            each_step(simulation)
    return Trace(*(np.array(column) for column in zip(*rows, strict=True)), np.array(plan_times_s))
