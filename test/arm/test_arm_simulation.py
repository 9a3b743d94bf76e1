# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm: it holds, obeys torques within limits, and refuses what is no torque."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reaching import shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.arm.torque_simulation import InvalidEffort
from ebm_concept_ros.arm.watchdog import CommandWatchdog


@pytest.fixture(scope='module')
def simulation():
    workspace = shipped_workspace()
    return ArmSimulation(shipped_arm(), workspace, random_table_scene(3, 2, 'blue', workspace))


@pytest.fixture(autouse=True)
def at_home(simulation):
    simulation.reset()


def test_a_fresh_simulation_holds(simulation):
    before = simulation.effector_in_base_m
    for _ in range(1000):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    assert simulation.time_s == pytest.approx(2.0)
    assert np.linalg.norm(simulation.effector_in_base_m - before) < 1e-3


def test_without_torque_the_arm_falls(simulation):
    before = simulation.effector_in_base_m
    for _ in range(250):
        simulation.apply(np.zeros(6))
        simulation.step()
    assert np.linalg.norm(simulation.effector_in_base_m - before) > 0.02


def test_hold_stops_a_moving_arm(simulation):
    simulation.data.qvel[:] = 0.3
    for _ in range(1000):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    assert np.abs(simulation.joint_velocities_rad_s).max() < 0.01


def test_torque_beyond_the_limits_is_clipped(simulation):
    simulation.apply(np.full(6, 1e308))
    np.testing.assert_array_equal(simulation.applied_effort_nm, simulation.arm.effort_limits_nm)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_torque_that_is_not_finite_is_refused_and_the_last_one_stays(simulation, bad):
    simulation.apply(np.arange(6.0))
    with pytest.raises(InvalidEffort, match='NaN or infinity'):
        simulation.apply(np.array([0.0, 0.0, bad, 0.0, 0.0, 0.0]))
    np.testing.assert_array_equal(simulation.applied_effort_nm, np.arange(6.0))


def test_torque_of_another_length_is_refused_with_the_joints(simulation):
    with pytest.raises(InvalidEffort, match=r'\(5,\).*\(6,\).*joint_1'):
        simulation.apply(np.zeros(5))


def test_reset_goes_back_to_the_start(simulation):
    before = simulation.joint_positions_rad
    for _ in range(50):
        simulation.apply(np.full(6, 5.0))
        simulation.step()
    simulation.reset()
    assert simulation.time_s == 0.0
    np.testing.assert_array_equal(simulation.joint_positions_rad, before)
    np.testing.assert_allclose(
        simulation.entity_positions_in_base_m(), simulation.table_scene.positions_in_base_m()
    )


def test_effector_belongs_to_the_joint_state_after_a_step(simulation):
    simulation.data.qvel[:] = 0.5
    simulation.step()
    after = simulation.effector_in_base_m
    twin = ArmSimulation(simulation.arm, simulation.workspace, simulation.table_scene)
    import mujoco

    twin.data.qpos[:] = simulation.joint_positions_rad
    mujoco.mj_forward(twin.model, twin.data)
    np.testing.assert_allclose(twin.effector_in_base_m, after, atol=1e-12)


# Multiples of 1/1024 s are exact in floating point, so the boundary is too.
@given(st.integers(0, 10**6), st.integers(-200, 200))
def test_a_command_acts_while_it_is_fresh(start, ticks):
    watchdog = CommandWatchdog(timeout_s=50 / 1024)
    watchdog.accept(start / 1024, np.ones(6))
    effort = watchdog.effort((start + ticks) / 1024)
    assert (effort is not None) == (0 <= ticks <= 50)


def test_the_watchdog_gives_nothing_before_the_first_command_or_when_cleared():
    watchdog = CommandWatchdog()
    assert watchdog.effort(0.0) is None
    watchdog.accept(0.0, np.ones(6))
    watchdog.clear()
    assert watchdog.effort(0.0) is None
    with pytest.raises(ValueError, match='timeout_s'):
        CommandWatchdog(0.0)
