# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fingers' torques: balanced, centred, within limits, and never far from the one before."""

import numpy as np
import pytest
from grasping_setup import HAND, arm_and_hand

from ebm_concept_ros.grasping.grip import Fingers, Grip, Open, gripping_nm, now_as

PERIOD_S = 0.002
LEVEL, RATE_NM_S, LIMIT_NM = np.full(3, 0.9), 20.0, 3.0


def test_the_thumb_presses_as_hard_as_both_others():
    np.testing.assert_allclose(gripping_nm(HAND, LEVEL, 0.8), [1.6, 0.8, 0.8])


def test_who_is_ahead_presses_less():
    thumb_ahead = gripping_nm(HAND, np.add(LEVEL, [0.05, 0, 0]), 0.8)
    np.testing.assert_allclose(thumb_ahead, [1.6 - 0.3, 0.8 + 0.15, 0.8 + 0.15])
    second_ahead = gripping_nm(HAND, np.add(LEVEL, [0, 0.02, -0.02]), 0.8)
    np.testing.assert_allclose(second_ahead, [1.6, 0.8 - 0.08, 0.8 + 0.08])


def test_a_gripper_of_two_slides_is_no_other_law_and_pulls_as_its_joints_decrease():
    hand = arm_and_hand('panda')[1]
    assert hand.opening_joint(0.025) == hand.half_width_m(0.025) == pytest.approx(0.025)
    np.testing.assert_allclose(gripping_nm(hand, np.full(2, 0.02), 15.0), [-15.0, -15.0])
    # The left one is further open than the other by a millimetre: it presses more.
    np.testing.assert_allclose(
        gripping_nm(hand, np.array([0.021, 0.02]), 15.0), [-15.0 - 4.0, -15.0 + 4.0]
    )


def test_a_grip_changes_as_it_is_said_to():
    grip = Grip(0.35, 1.0, wait_s=0.4, ramp_s=0.2)
    assert [grip.at(t) for t in (0.0, 0.4, 0.5, 0.6, 9.0)] == pytest.approx(
        [0.35, 0.35, 0.675, 1.0, 1.0]
    )
    assert now_as(grip, 0.5).at(0.0) == now_as(grip, 0.5).at(7.0) == pytest.approx(0.675)
    assert now_as(Open(0.3), 5.0) == Open(0.3)


def test_torques_never_jump_whatever_is_asked_for():
    rng = np.random.default_rng(0)
    fingers, former = Fingers(HAND, PERIOD_S), np.zeros(3)
    seen = []
    for _ in range(400):
        target = rng.choice([Open(0.15), Open(1.3), Grip(0.0, 0.0), Grip(1.0, 1.0)])
        for _ in range(int(rng.integers(1, 60))):
            torque = fingers.effort_nm(
                target, rng.uniform(0.15, 1.35, 3), rng.normal(0, 1, 3), former
            )
            assert (np.abs(torque - former) <= RATE_NM_S * PERIOD_S + 1e-12).all()
            assert (np.abs(torque) <= LIMIT_NM).all()
            former = torque
            seen.append(torque)
    assert np.ptp(seen) > 2.0, 'what is hardly asked for is no test'


def test_the_opening_servo_goes_no_faster_than_it_is_told():
    fingers, joints = Fingers(HAND, PERIOD_S), np.full(3, 1.0)
    torques = [np.zeros(3)]
    for _ in range(100):
        torques.append(fingers.effort_nm(Open(0.4), joints, np.zeros(3), torques[-1]))
    # Fingers that do not move see the servo go ahead at 0.8 rad/s, and 8 N·m for each rad of it.
    assert torques[-1] == pytest.approx(np.full(3, -8.0 * 0.8 * 100 * PERIOD_S), rel=1e-6)
