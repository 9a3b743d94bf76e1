# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The hand's way: from rest to rest, turned the way round that was chosen, also after a break."""

import numpy as np
import pytest

from ebm_concept_ros.grasping.blocks import Pose
from ebm_concept_ros.grasping.motion import straight

GOAL_M = np.array([0.5, 0.1, 0.2])


def pose(yaw_rad, x_m=0.4):
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    turned = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return Pose(np.array([x_m, 0.1, 0.2]), turned)


@pytest.mark.parametrize(
    ('yaw_rad', 'goal_yaw_rad', 'hint_rad', 'turned_rad', 'left_rad'),
    [
        (2.6, 4.0 - 2 * np.pi, -4.88, -1.0, -3.88),  # the longer way round, as a wrist may need
        (2.6, 4.0 - 2 * np.pi, -4.88, 0.1, -4.98),  # pushed back a little
        (0.0, 0.5, 0.0, 0.3, 0.2),
        (0.0, 0.5, 0.0, 0.52, -0.02),  # it is past it
        (0.0, 0.0, 0.0, 0.05, -0.05),  # nothing was to be turned
        (1.0, -2.0, 3.28, 3.2, 0.08),
    ],
)
def test_after_a_break_it_turns_on_the_same_way_round(
    yaw_rad, goal_yaw_rad, hint_rad, turned_rad, left_rad
):
    path = straight(0.0, pose(yaw_rad), GOAL_M, goal_yaw_rad, 0.1, hint_rad)
    after = path.from_here(3.0, pose(yaw_rad + turned_rad, x_m=0.45))
    assert after.turn_rad == pytest.approx(left_rad, abs=0.01)
    sides = after.reference(np.array([3.0, 60.0])).sides
    np.testing.assert_allclose(
        sides[1, :2], [np.cos(goal_yaw_rad), np.sin(goal_yaw_rad)], atol=1e-2
    )
    np.testing.assert_allclose(after.reference(np.array([60.0])).places_m[0], GOAL_M)
