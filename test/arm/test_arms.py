# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Both shipped arms, through the real planner: they reach, in bounds, and touch nothing."""

import numpy as np
import pytest
from closed_loop import reach
from reaching import SHIPPED_ARMS, field_around, midpoint_m, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.planning.ilqg import IlqgPlanner


def reach_to(name, goal_in_plane, scene, duration_s):
    """Return the trace and the number of contacts on the way."""
    arm, workspace = shipped_arm(name), shipped_workspace(name)
    simulation = ArmSimulation(arm, workspace, scene)
    contacts = []
    trace = reach(
        simulation,
        IlqgPlanner(arm, workspace),
        field_around(goal_in_plane),
        duration_s,
        each_step=lambda s: contacts.append(s.data.ncon),
    )
    assert (np.abs(trace.efforts_nm) <= arm.effort_limits_nm).all()
    assert (np.abs(trace.velocities_rad_s) <= arm.velocity_limits_rad_s).all()
    return trace, sum(contacts)


@pytest.mark.parametrize('seed', [1, 5])
@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_an_arm_reaches_between_and_strikes_nothing(name, seed):
    workspace = shipped_workspace(name)
    scene = random_table_scene(seed, 2, 'blue', workspace)
    goal_m = midpoint_m(scene)
    trace, contacts = reach_to(name, workspace.to_plane(goal_m), scene, 1.5)
    assert trace.reach_time_s(goal_m) is not None
    assert trace.distances_m(goal_m)[-1] < 0.005
    assert contacts == 0


@pytest.mark.parametrize('corner', [(-1, -1), (1, 1), (-1, 0)])
def test_the_seven_joints_reach_the_corners_of_the_plane(corner):
    workspace = shipped_workspace()
    goal = np.array(corner, float)
    trace, contacts = reach_to('iiwa7', goal, random_table_scene(1, 2, 'blue', workspace), 2.0)
    assert trace.distances_m(workspace.to_base(goal))[-1] < 0.02
    assert contacts == 0


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_a_held_arm_stops_and_does_not_sag(name):
    arm, workspace = shipped_arm(name), shipped_workspace(name)
    simulation = ArmSimulation(arm, workspace, random_table_scene(1, 2, 'blue', workspace))
    simulation.data.qvel[:] = 0.25 * arm.velocity_limits_rad_s
    for _ in range(1000):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    at_rest = simulation.joint_positions_rad
    assert np.abs(simulation.joint_velocities_rad_s).max() < 0.01
    for _ in range(500):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    np.testing.assert_allclose(simulation.joint_positions_rad, at_rest, atol=2e-3)
