# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept asks of the effector by definition: distances, nearest places, the oracle."""

import numpy as np
import pytest
from reaching import midpoint_m, shipped_workspace

pytest.importorskip('rclpy', reason='scenes are converted as the nodes do')

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.oracle.true_goal import TrueGoal
from ebm_core.concepts import get_concept, spatial_concept_names
from ebm_core.world.scene import InvalidInput

WORKSPACE = shipped_workspace()
HOME_M = (0.3, 0.0)


def named_scene(seed, references):
    table = random_table_scene(seed, references, 'blue', WORKSPACE)
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (*HOME_M, 0.12), WORKSPACE
    )
    return cv.scene_from_message(message, WORKSPACE), table


def goal_of(name, seed=1):
    concept = get_concept(name)
    return TrueGoal.of(concept, named_scene(seed, concept.num_references)[0], 'blue', WORKSPACE)


@pytest.mark.parametrize('name', spatial_concept_names())
@pytest.mark.parametrize('seed', range(3))
def test_the_place_that_the_oracle_goes_to_satisfies_the_predicate(name, seed):
    goal = goal_of(name, seed)
    place_m = goal.place_m(goal.effector_m)
    scene = goal.named.scene
    positions = np.where(scene.movable[:, None], WORKSPACE.to_plane(place_m), scene.positions)
    assert goal.concept.holds(scene.with_positions(positions), goal.attention)
    assert goal.distance_m(place_m) < 1e-5
    np.testing.assert_allclose(WORKSPACE.to_base(goal.oracle().minimum()), place_m, atol=1e-3)


@pytest.mark.parametrize('name', [n for n in spatial_concept_names() if goal_of(n).has_distance])
def test_no_other_satisfied_place_is_nearer(name):
    """The distance to the place is the distance itself, whatever the start."""
    goal = goal_of(name)
    for start in np.random.default_rng(1).uniform(-1, 1, (20, 2)):
        start_m = WORKSPACE.to_base(start)
        gone_m = np.linalg.norm(goal.place_m(start_m) - start_m)
        assert gone_m == pytest.approx(goal.distance_m(start_m), abs=1e-5)


def test_from_a_circles_centre_it_goes_to_the_circle():
    goal = goal_of('circle')
    centre_m = WORKSPACE.to_base(np.zeros(2))
    radius_m = goal.concept.parameters[0] * WORKSPACE.metres_per_unit
    assert np.linalg.norm(goal.place_m(centre_m) - centre_m) == pytest.approx(radius_m, abs=1e-5)


def test_distances_are_in_metres():
    goal = goal_of('horizontal_line')  # at 0.4 particle units of 0.25 m
    assert goal.distance_m(np.array([0.3, 0.0])) == pytest.approx(0.1)
    assert goal.distance_m(np.array([0.6, 0.12])) == pytest.approx(0.02)


def test_proximity_holds_or_not_and_knows_no_distance():
    goal = goal_of('closest')
    scene = goal.named.scene
    reference = scene.positions[(goal.attention > 0.5) & ~scene.movable][0]
    assert not goal.has_distance
    assert goal.distance_m(WORKSPACE.to_base(reference)) == 0.0
    assert goal.distance_m(WORKSPACE.to_base(-reference / abs(reference).max())) == np.inf
    np.testing.assert_allclose(goal.place_m(np.zeros(2)), WORKSPACE.to_base(reference))


@pytest.mark.parametrize('seed', range(3))
def test_between_is_the_midpoint_of_the_blue_ones(seed):
    named, table = named_scene(seed, 2)
    goal = TrueGoal.of(get_concept('between'), named, 'blue', WORKSPACE)
    np.testing.assert_allclose(goal.place_m(np.zeros(2)), midpoint_m(table), atol=1e-6)


@pytest.mark.parametrize('name', ['north', 'closest'])
def test_another_number_of_references_is_refused(name):
    with pytest.raises(InvalidInput, match=rf'{name} needs 1 reference entities, 2 are blue'):
        TrueGoal.of(get_concept(name), named_scene(1, 2)[0], 'blue', WORKSPACE)


def test_what_refers_to_nothing_minds_no_colour():
    goal = TrueGoal.of(get_concept('circle'), named_scene(1, 2)[0], 'blue', WORKSPACE)
    assert goal.attention.sum() == 1
