# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrangements by name: what is shown of them, and how they are judged."""

from dataclasses import replace

import numpy as np
import pytest
from grasping_setup import WORKSPACE, block

from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.sensed import SeenBlocks
from ebm_concept_ros.oracle.arrangement_judge import ArrangementJudge
from ebm_concept_ros.oracle.arrangements import (
    ARRANGEMENTS,
    can_be_asked,
    colours_of,
    demonstrations,
    only_place,
)
from ebm_core import COLOURS, SHAPES, Scene

SQUARE, BETWEEN = ARRANGEMENTS['square'], ARRANGEMENTS['between']
SIDE_M = 0.5 * WORKSPACE.metres_per_unit


@pytest.mark.parametrize('name', ARRANGEMENTS)
def test_what_is_shown_ends_as_the_concept_has_it_and_colours_tell_who_takes_part(name):
    concept = ARRANGEMENTS[name]
    shown = demonstrations(concept, np.random.default_rng(1), 3, 'green')
    assert len(shown) == 3
    for each in shown:
        before, after = each.states
        part = concept.num_participants
        assert concept.violation(before.positions[:part]) >= 0.2
        assert concept.violation(after.positions[:part]) < 1e-9
        assert before.movable.sum() == concept.movers and each.attention.sum() == part
        looks = [COLOURS[colour] for colour in colours_of(concept, 'green')]
        np.testing.assert_allclose(before.colours[:part], looks)
        others = before.colours[part:]
        assert not any(np.allclose(other, look) for other in others for look in looks)


def test_what_holds_or_has_no_room_between_references_is_not_asked():
    apart = np.array([[0.0, 0.5], [-0.4, 0.0], [0.4, 0.0]])
    np.testing.assert_allclose(only_place(BETWEEN, apart), (0.0, 0.0))
    assert can_be_asked(BETWEEN, apart)
    assert not can_be_asked(BETWEEN, np.array([[0.0, 0.1], [-0.4, 0.0], [0.4, 0.0]]))
    assert not can_be_asked(BETWEEN, np.array([[0.0, 0.5], [-0.3, 0.0], [0.3, 0.0]]))
    assert only_place(SQUARE, np.zeros((4, 2))) is None


def seen(places, colours):
    """Return cubes of 4 cm at (N, 2) m."""
    blocks = [
        block(f'{colour}_{i}', *place)
        for i, (place, colour) in enumerate(zip(places, colours, strict=True))
    ]
    z = WORKSPACE.table_height_in_base_m + 0.02
    poses = {each.id: Pose(np.array([*each.position_in_base_m, z]), np.eye(3)) for each in blocks}
    scene = Scene(
        WORKSPACE.to_plane(np.array(places)),
        [COLOURS[colour] for colour in colours],
        [SHAPES.index('square')] * len(blocks),
        [False] * len(blocks),
    )
    return SeenBlocks(0, BlockTable(blocks=tuple(blocks)), poses, scene)


def test_a_square_is_judged_by_its_sides_and_by_whom_else_was_moved():
    judge = ArrangementJudge(SQUARE, 'blue', WORKSPACE)
    corners = [(0.4, 0.0), (0.4 + SIDE_M, 0.0), (0.4 + SIDE_M, SIDE_M), (0.4, SIDE_M)]
    colours = ['blue'] * 4 + ['red']
    first = seen([*corners[:3], (0.3, 0.25), (0.5, -0.2)], colours)
    assert judge.off_m(first) > 0.05
    assert 'mm off, at most 20 mm are allowed' in judge.why_not(first, first, 0.02)
    last = seen([*corners, (0.5, -0.2)], colours)
    assert judge.off_m(last) < 1e-9 and judge.why_not(first, last, 0.02) == ''
    left = seen(corners, colours[:4])
    assert judge.why_not(first, left, 0.02) == "'red_4' is there no more"
    touched = seen([*corners, (0.5, -0.212)], colours)
    assert judge.why_not(first, touched, 0.02) == "'red_4', which was not asked for, was moved"
    high = dict(last.poses)
    high['blue_1'] = Pose(high['blue_1'].position_m + np.array([0.0, 0.0, 0.04]), np.eye(3))
    stacked = replace(last, poses=high)
    assert judge.why_not(first, stacked, 0.02) == "'blue_1' does not stand on the table"
    assert judge.off_m(seen(corners[:3], colours[:3])) == np.inf
    assert [each.colour for each in judge.coloured(last).blocks] == colours
