# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One reach in lockstep: simulated time waits for the controller, which is the real one."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.reach.perturbations import Perturbation, Sensor
from benchmarks.reach.surroundings import Surroundings
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.contact_reflex import HOLD
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.tracking_controller import Assignment, TrackingController
from ebm_concept_ros.oracle.judge import ReachJudge
from ebm_concept_ros.planning.planner import Planner

# As the controller node's lockstep: 500 torques and 100 plans per simulated second.
TIMESTEP_S = 0.002
TICKS_PER_PLAN = 5
MAX_STATE_AGE_S = 0.05
TIMEOUT_S = 10.0

# After success the arm goes on for this long, and errors are those of the last part of it.
SETTLE_S = 1.0


@dataclass(frozen=True, eq=False)
class Run:
    """What happened in T ticks of an arm with n joints.

    reach_time_s: when the stay that counts began, None without success. positions_rad,
    velocities_rad_s, efforts_nm: (T, n). to_goal_m, to_minimum_m: (T,) the effector's distances to
    where the concept and the field want it at the time, to_goal_m is None where the concept knows
    no distance. tracked: (T,) bool, False where the controller held for want of a plan. touched:
    (T,) bool, True where the arm touched table, entities or itself. noticed_at_s: when the
    controller took something for a blow, None if it never did. undisturbed_share: of what it takes
    for a blow, the most that it saw while nothing touched the arm. plan_times_s: one per plan.
    """

    reach_time_s: float | None
    positions_rad: np.ndarray
    velocities_rad_s: np.ndarray
    efforts_nm: np.ndarray
    to_goal_m: np.ndarray | None
    to_minimum_m: np.ndarray
    tracked: np.ndarray
    touched: np.ndarray
    plan_times_s: np.ndarray
    noticed_at_s: float | None
    undisturbed_share: float
    plan_failures: int
    wall_s: float


def enact(
    simulation: ArmSimulation,
    surroundings: Surroundings,
    planner: Planner,
    perturbation: Perturbation,
    judge: ReachJudge,
    seed: int,
    on_contact: str = HOLD,
) -> Run:
    """Enact the concept from home until success or a blow and SETTLE_S more, or for TIMEOUT_S.

    seed: of the sensors' noise. on_contact: what the controller does about a blow.
    """
    began = time.perf_counter()
    sensor = Sensor(perturbation, simulation.timestep_s, seed)
    controller = TrackingController(
        simulation.arm,
        planner,
        MAX_STATE_AGE_S,
        predict=False,
        period_s=TIMESTEP_S,
        on_contact=on_contact,
    )
    perturbation.apply(simulation, planner, controller.reflex)
    noticed_at_s: float | None = None
    undisturbed_share = 0.0
    rows, plan_times_s = [], []
    ends_s = TIMEOUT_S
    tick = 0
    while simulation.time_s < ends_s:
        task, target = surroundings.update(simulation)
        controller.assign(Assignment(target))
        controller.on_state(sensor.read(simulation))
        if tick % TICKS_PER_PLAN == 0 and controller.replan():
            plan_times_s.append(controller.plan.plan_time_s)
        decision = controller.decide(0.0)
        simulation.apply(decision.effort_nm)
        effector_m = simulation.effector_in_base_m[:2]
        to_goal_m = task.goal.distance_m(effector_m)
        rows.append(
            (
                simulation.joint_positions_rad,
                simulation.joint_velocities_rad_s,
                simulation.applied_effort_nm,
                to_goal_m,
                float(np.linalg.norm(effector_m - surroundings.minimum_m())),
                decision.mode == Mode.TRACKING,
                touches(simulation),
            )
        )
        if controller.reflex is not None and noticed_at_s is None and not rows[-1][-1]:
            undisturbed_share = max(undisturbed_share, controller.reflex.share)
        if noticed_at_s is None and controller.contact is not None:
            # Nobody tells it to go on.
            noticed_at_s = simulation.time_s
            ends_s = min(ends_s, noticed_at_s + SETTLE_S)
        elif not judge.success:
            judge.update(simulation.time_s, to_goal_m)
            if judge.success:
                ends_s = simulation.time_s + SETTLE_S
        simulation.step()
        tick += 1
    q, v, effort, to_goal, to_minimum, tracked, touched = map(np.array, zip(*rows, strict=True))
    return Run(
        reach_time_s=judge.reached_at_s if judge.success else None,
        positions_rad=q,
        velocities_rad_s=v,
        efforts_nm=effort,
        to_goal_m=to_goal if task.goal.has_distance else None,
        to_minimum_m=to_minimum,
        tracked=tracked,
        touched=touched,
        plan_times_s=np.array(plan_times_s),
        noticed_at_s=noticed_at_s,
        undisturbed_share=undisturbed_share,
        plan_failures=controller.plan_failures,
        wall_s=time.perf_counter() - began,
    )


def touches(simulation: ArmSimulation) -> bool:
    """Tell whether the arm touches the table, what stands on it, or itself."""
    # Nothing but the arm moves in its joints, so every contact is one of its own.
    return bool((simulation.data.contact.dist <= 0.0).any())
