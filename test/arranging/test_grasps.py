# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Fingers keep off neighbours: the gaps by points on them, and what is chosen by these gaps."""

import math
import re

import numpy as np
import pytest

from ebm_concept_ros.arranging.footprints import Footprint, Grip, Standing, wrapped
from ebm_concept_ros.arranging.grasps import carried, finger_gaps_m
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea

ROOM = HandRoom()
BOX, CAN = Footprint('box', 0.04, 0.05), Footprint('cylinder', 0.04)


def fingers(place, grip, yaw):
    """Return points (P, 2) of the three rectangles in the base frame, m."""
    x_low, x_high, y_low, y_high = ROOM.rectangles(grip.width_m)
    x, y = np.array([math.cos(yaw), math.sin(yaw)]), np.array([math.sin(yaw), -math.cos(yaw)])
    points = []
    for each in range(3):
        for a in np.linspace(x_low[each], x_high[each], 30):
            for b in np.linspace(y_low[each], y_high[each], 30):
                points.append(place + (grip.ahead_m + a) * x + b * y)
    return np.array(points)


@pytest.mark.parametrize('seed', range(8))
def test_gaps_are_those_of_the_rectangles(seed):
    rng = np.random.default_rng(seed)
    place, yaw = rng.uniform(-0.1, 0.1, 2), rng.uniform(-np.pi, np.pi)
    grip = Grip(yaw, 0.04, rng.choice([0.0, 0.01]))
    others = [Standing('a', CAN, tuple(rng.uniform(-0.12, 0.12, 2))) for _ in range(3)]
    found = finger_gaps_m(place, grip, np.array([yaw]), others, ROOM)[0]
    points = fingers(place, grip, yaw)
    true = min(np.linalg.norm(points - o.place, axis=-1).min() - 0.02 for o in others)
    assert found == pytest.approx(true, abs=0.0015)


@pytest.mark.parametrize('seed', range(20))
def test_what_is_chosen_is_clear_where_it_picks_and_where_it_places(seed):
    rng = np.random.default_rng(seed)
    shape = rng.choice(['box', 'cylinder', 'prism'])
    thing = Standing('it', Footprint(shape, 0.045), (0.4, 0.0), rng.uniform(-3, 3))
    place = np.array([0.5, 0.2])
    others = [
        Standing('a', CAN, tuple(at + 0.085 * np.array([math.cos(t), math.sin(t)])))
        for at in (thing.place, place)
        for t in rng.uniform(-np.pi, np.pi, 1)
    ]
    carry = carried(thing, place, others, ROOM)
    assert carry is not None
    grips = thing.footprint.grips(thing.yaw_rad, ROOM.widest_m)
    grip = min(grips, key=lambda g: abs(wrapped(g.yaw_rad - carry.pick_yaw_rad)))
    assert wrapped(grip.yaw_rad - carry.pick_yaw_rad) == pytest.approx(0, abs=1e-9)
    for where, yaw in ((thing.place, carry.pick_yaw_rad), (place, carry.place_yaw_rad)):
        assert finger_gaps_m(where, grip, np.array([yaw]), others, ROOM)[0] >= ROOM.clearance_m


def test_walled_in_there_is_no_way():
    ring = [
        Standing('a', CAN, (0.4 + 0.05 * math.cos(t), 0.05 * math.sin(t)))
        for t in np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ]
    assert carried(Standing('it', CAN, (0.4, 0.0)), np.array([0.6, 0.2]), ring, ROOM) is None


def test_too_wide_has_no_grip_but_the_narrow_side_has():
    assert not Footprint('box', 0.08, 0.09).grips(0.0, ROOM.widest_m)
    wide = Footprint('box', 0.1, 0.05)
    assert {round(g.width_m, 3) for g in wide.grips(0.0, ROOM.widest_m)} == {0.05}
    assert wide.narrowest_m == 0.05


@pytest.mark.parametrize(
    ('ring', 'says'),
    [
        ({'nearest_m': 0.7}, 'nearest_m: 0.7 refused, less than farthest_m 0.66 is allowed'),
        ({'centre_in_base_m': (math.nan, 0.0)}, 'Input should be a finite number'),
    ],
)
def test_a_reach_that_is_no_ring_is_refused(ring, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        ReachArea(**ring)


def test_alone_nothing_turns():
    carry = carried(Standing('it', BOX, (0.4, 0.0), 0.3), np.array([0.5, 0.1]), [], ROOM)
    assert carry.pick_yaw_rad == carry.place_yaw_rad == pytest.approx(0.3)
