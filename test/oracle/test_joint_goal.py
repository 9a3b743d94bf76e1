# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Two concepts at once by definition: where both hold, and what is said where they cannot."""

import numpy as np
import pytest
from reaching import shipped_workspace

pytest.importorskip('rclpy', reason='scenes are converted as the nodes do')

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.oracle.joint_goal import goal_of
from ebm_core.concepts import get_concept

WORKSPACE = shipped_workspace()
PLACES = {'blue_0': (0.5, 0.1), 'blue_1': (0.5, -0.1), 'red_0': (0.35, 0.15)}


def joint(*names_and_colours, weights=(1.0, 1.0), places=PLACES):
    table = TableScene(
        entities=tuple(
            TableEntity(id=name, position_in_base_m=place, colour=name.split('_')[0])
            for name, place in places.items()
        )
    )
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.3, 0.0, 0.12), WORKSPACE
    )
    named = cv.scene_from_message(message, WORKSPACE)
    names, colours = zip(*names_and_colours, strict=True)
    return goal_of([get_concept(name) for name in names], colours, weights, named, WORKSPACE)


def test_two_lines_hold_together_where_they_cross():
    goal = joint(('horizontal_line', 'blue'), ('vertical_line', 'blue'))
    crossing_m = WORKSPACE.to_base(np.array([-0.3, 0.4]))
    np.testing.assert_allclose(goal.place_m(goal.effector_m), crossing_m, atol=1e-4)
    np.testing.assert_allclose(WORKSPACE.to_base(goal.oracle().minimum()), crossing_m, atol=1e-3)
    assert goal.attention.tolist() == [0, 0, 0, 1]


def test_the_distance_is_to_the_one_that_is_violated_more():
    goal = joint(('horizontal_line', 'blue'), ('vertical_line', 'blue'))
    off_m = WORKSPACE.to_base(np.array([-0.3, 0.4])) + np.array([0.03, -0.01])
    assert goal.distance_m(off_m) == pytest.approx(0.03)


def test_where_one_knows_no_distance_it_holds_or_the_place_is_out_of_reach():
    goal = joint(('closest', 'red'), ('vertical_line', 'blue'))
    assert goal.has_distance
    place_m = goal.place_m(goal.effector_m)
    assert goal.distance_m(place_m) < 1e-4
    assert (
        goal.distance_m(place_m - np.array([0.0, 0.3])) == np.inf
    )  # on the line, closest to another
    assert goal.attention.tolist() == [0, 0, 1, 1]


def test_what_cannot_hold_together_is_refused_by_name():
    with pytest.raises(ValueError, match='between and north'):
        goal = joint(('between', 'blue'), ('north', 'red'))
        goal.place_m(goal.effector_m)


def test_what_has_no_weight_is_not_asked_for():
    goal = joint(('between', 'blue'), ('north', 'red'), weights=(0.0, 0.5))
    assert goal.concept.name == 'north'
    np.testing.assert_allclose(goal.place_m(goal.effector_m), (0.35, 0.225), atol=1e-6)


def test_a_place_beside_the_nearest_of_each_is_found_too():
    """Going back and forth between circle and farthest corner passes by where both hold."""
    at = {'red_0': (0.8, 0.1), 'blue_0': (-0.56, 0.25)}
    places = {name: tuple(WORKSPACE.to_base(place).tolist()) for name, place in at.items()}
    goal = joint(('farthest', 'red'), ('circle', 'blue'), places=places)
    from_m = WORKSPACE.to_base(np.array([0.5, -0.5]))
    assert goal.distance_m(goal.place_m(from_m)) < 0.01
