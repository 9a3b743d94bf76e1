"""A reach without ROS: simulate, plan every few milliseconds, track at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.mpc.energy_field import EnergyField
from ebm_concept_ros.mpc.ilqg import IlqgPlanner
from ebm_concept_ros.mpc.policy import Plan


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
    planner: IlqgPlanner,
    field: EnergyField,
    duration_s: float = 3.0,
    replan_s: float = 0.01,
    each_step: Callable[[ArmSimulation], None] | None = None,
) -> Trace:
    """Run the arm down the field for `duration_s` of simulated time."""
    plan: Plan | None = None
    every = max(1, round(replan_s / simulation.timestep_s))
    rows, plan_times_s = [], []
    for tick in range(round(duration_s / simulation.timestep_s)):
        time_s = simulation.time_s
        positions, velocities = simulation.joint_positions_rad, simulation.joint_velocities_rad_s
        if tick % every == 0:
            plan = planner.plan(time_s, positions, velocities, field, plan)
            plan_times_s.append(plan.plan_time_s)
        effort = plan.effort(time_s, positions, velocities)
        simulation.apply(effort)
        simulation.step()
        rows.append((time_s, positions, velocities, effort, simulation.effector_in_base_m))
        if each_step is not None:
            each_step(simulation)
    return Trace(*(np.array(column) for column in zip(*rows, strict=True)), np.array(plan_times_s))
