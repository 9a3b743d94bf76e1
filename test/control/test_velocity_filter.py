# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Velocities from positions: what they are, how late they are, and that an arm arrives by them."""

import numpy as np
import pytest
from closed_loop import reach
from reaching import field_around, midpoint_m, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.control.velocity_filter import VelocityFilter
from ebm_concept_ros.planning.ilqg import IlqgPlanner

STEP_NS = 2_000_000
# Of a 17 bit encoder.
RESOLUTION_RAD = 2 * np.pi / 2**17


def filtered(positions, time_constant_s, step_ns=STEP_NS):
    """Return the velocities after the first of (T,) positions."""
    velocity = VelocityFilter(time_constant_s)
    found = [
        velocity.velocities_rad_s(k * step_ns, np.array([position]))
        for k, position in enumerate(positions)
    ]
    assert found[0] is None
    return np.array(found[1:])[:, 0]


@pytest.mark.parametrize('time_constant_s', [0.0, 0.005, 0.1])
def test_a_constant_speed_is_known_from_the_second_position_on(time_constant_s):
    np.testing.assert_allclose(filtered(0.3 * 0.002 * np.arange(50), time_constant_s), 0.3)


def test_a_speed_that_changes_steadily_is_late_by_the_time_constant_and_half_a_step():
    times_s = 0.002 * np.arange(200)
    found = filtered(0.5 * 2.0 * times_s**2, 0.01)
    assert found[-1] == pytest.approx(2.0 * (times_s[-1] - 0.01 - 0.001), abs=1e-6)


def test_what_an_encoder_rounds_is_smoothed():
    positions = np.round(0.31 * 0.002 * np.arange(1000) / RESOLUTION_RAD) * RESOLUTION_RAD
    raw, smooth = (np.abs(filtered(positions, tau) - 0.31) for tau in (0.0, 0.01))
    assert smooth[100:].max() < 0.3 * raw[100:].max()


def test_after_a_gap_or_a_step_back_it_begins_anew_and_the_same_stamp_changes_nothing():
    velocity = VelocityFilter(0.005)
    one, other = np.array([1.0]), np.array([1.001])
    assert velocity.velocities_rad_s(0, one) is None
    assert velocity.velocities_rad_s(STEP_NS, other) == pytest.approx(0.5)
    assert velocity.velocities_rad_s(STEP_NS, other) == pytest.approx(0.5)
    assert velocity.velocities_rad_s(300_000_000, one) is None
    assert velocity.velocities_rad_s(300_000_000 + STEP_NS, one) == 0.0
    assert velocity.velocities_rad_s(0, other) is None


class WithoutVelocities(ArmSimulation):
    """An arm that measures rounded positions and nothing else."""

    def reset(self):
        self._filter, self._known = VelocityFilter(0.005), None
        super().reset()

    @property
    def joint_velocities_rad_s(self):
        positions = np.round(self.joint_positions_rad / RESOLUTION_RAD) * RESOLUTION_RAD
        found = self._filter.velocities_rad_s(round(self.time_s * 1e9), positions)
        return np.zeros_like(positions) if found is None else found


def test_an_arm_without_measured_velocities_arrives():
    arm, workspace = shipped_arm(), shipped_workspace()
    scene = random_table_scene(2, 2, 'blue', workspace)
    simulation, goal = WithoutVelocities(arm, workspace, scene), midpoint_m(scene)
    field = field_around(workspace.to_plane(goal))
    trace = reach(simulation, IlqgPlanner(arm, workspace), field, 2.0)
    assert trace.distances_m(goal)[0] > 0.03, 'it did not start there'
    assert trace.reach_time_s(goal) is not None
