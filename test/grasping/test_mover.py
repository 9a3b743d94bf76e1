# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm as whoever carries a plan out: what stands where, and what came of a move."""

import math

import numpy as np
import pytest
from grasping_setup import block, simulation_of

from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.mover import BlockMover


def test_it_says_what_stands_where_before_and_after_a_move():
    seen = []
    mover = BlockMover(
        simulation_of(
            block('red_0', 0.32, 0.05),
            block('blue_0', 0.5, 0.2, shape='prism', width_m=0.05, yaw_rad=0.3),
        ),
        seen.append,
    )
    red, blue = mover.standing()
    assert (red.id, blue.id) == ('red_0', 'blue_0')
    np.testing.assert_allclose(red.place, (0.32, 0.05), atol=1e-3)
    np.testing.assert_allclose(blue.place, (0.5, 0.2), atol=1e-3)
    assert blue.yaw_rad == pytest.approx(0.3, abs=0.01)
    assert blue.footprint.shape == 'prism' and blue.footprint.width_m == 0.05
    yaw_rad = mover.hand_yaw_rad
    assert yaw_rad == pytest.approx(-math.pi / 2, abs=0.2)
    outcome = mover.move(Move('red_0', (0.36, -0.04), yaw_rad, yaw_rad))
    assert outcome.success and seen
    np.testing.assert_allclose(mover.standing()[0].place, (0.36, -0.04), atol=4e-3)


def test_a_move_that_is_refused_has_failed():
    mover = BlockMover(simulation_of(block('red_0', 0.32, 0.05)))
    outcome = mover.move(Move('green_0', (0.36, -0.04), 0.0, 0.0))
    assert not outcome.success and "'green_0' is unknown" in outcome.reason
    assert mover.simulation.time_s == 0.0
