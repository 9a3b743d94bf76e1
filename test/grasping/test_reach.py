# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Inverse kinematics of a hand that points down, against the simulation."""

import numpy as np
from grasping_setup import ARM, HAND, block, simulation_of

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.grasping.hand import with_grasp_site
from ebm_concept_ros.grasping.reach import Reach


def test_postures_are_those_of_a_hand_where_it_is_asked_for():
    reach, rng = Reach(with_grasp_site(ARM, HAND)), np.random.default_rng(0)
    simulation = simulation_of(block('red_0', 0.5, -0.2))
    for _ in range(20):
        place = rng.uniform((0.3, -0.25, 0.02), (0.55, 0.25, 0.15))
        yaw = rng.uniform(-3, 3)
        simulation.data.qpos[:6] = reach.posture(ARM.home_rad, place, yaw)
        simulation.step()
        hand = simulation.grasp_pose
        np.testing.assert_allclose(hand.position_m, place, atol=2e-3)
        assert hand.tilt_rad < 0.02 and hand.rotation[2, 2] < 0
        assert abs(wrapped(hand.yaw_rad - yaw)) < 0.02


def test_there_is_no_posture_out_of_reach():
    reach = Reach(with_grasp_site(ARM, HAND))
    for place in ((0.9, 0.0, 0.1), (0.4, 0.0, 1.4), (0.0, -0.8, 0.02)):
        assert reach.posture(ARM.home_rad, np.array(place), 0.0) is None
