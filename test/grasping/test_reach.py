# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Inverse kinematics of a hand that points down, against the simulation."""

import numpy as np
import pytest
from grasping_setup import ARM, HAND, HANDS, arm_and_hand, block, simulation_of

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.grasping.blocks import Pose
from ebm_concept_ros.grasping.hand import with_grasp_site
from ebm_concept_ros.grasping.motion import straight
from ebm_concept_ros.grasping.reach import Reach


@pytest.mark.parametrize('name', HANDS)
def test_postures_are_those_of_a_hand_where_it_is_asked_for(name):
    arm, hand = arm_and_hand(name)
    reach, rng = Reach(with_grasp_site(arm, hand)), np.random.default_rng(0)
    simulation = simulation_of(block('red_0', 0.5, -0.2), name=name)
    for _ in range(20):
        place = rng.uniform((0.3, -0.25, 0.02), (0.55, 0.25, 0.15))
        yaw = rng.uniform(-3, 3)
        posture = reach.posture(arm.home_rad, place, yaw)
        if posture is None and hand.is_symmetric:
            yaw += np.pi
            posture = reach.posture(arm.home_rad, place, yaw)
        simulation.data.qpos[: len(arm.joints)] = posture
        simulation.step()
        pose = simulation.grasp_pose
        np.testing.assert_allclose(pose.position_m, place, atol=2e-3)
        assert pose.tilt_rad < 0.02 and pose.rotation[2, 2] < 0
        assert abs(wrapped(pose.yaw_rad - yaw)) < 0.02


def test_the_hand_turns_the_longer_way_where_the_wrist_cannot_go_the_shorter():
    arm, hand = arm_and_hand('panda')
    reach, place = Reach(with_grasp_site(arm, hand)), np.array([0.45, 0.1, 0.1])
    here = reach.posture(reach.posture(arm.home_rad, place, 1.2), place, 2.6)
    for yaw, turn in ((1.9, -0.7), (4.0, 1.4 - 2 * np.pi)):
        turned = reach.turn_rad(here, reach.posture(here, place, yaw))
        assert turned == pytest.approx(turn, abs=0.02)
    c, s = np.cos(2.6), np.sin(2.6)
    pose = Pose(place, np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]]))
    shorter = straight(0.0, pose, place, 4.0, None)
    assert shorter.turn_rad == pytest.approx(1.4)
    longer = straight(0.0, pose, place, 4.0, None, turned)
    assert longer.turn_rad == pytest.approx(1.4 - 2 * np.pi)
    assert longer.turn_s > 3 * shorter.turn_s


def test_there_is_no_posture_out_of_reach():
    reach = Reach(with_grasp_site(ARM, HAND))
    for place in ((0.9, 0.0, 0.1), (0.4, 0.0, 1.4), (0.0, -0.8, 0.02)):
        assert reach.posture(ARM.home_rad, np.array(place), 0.0) is None
