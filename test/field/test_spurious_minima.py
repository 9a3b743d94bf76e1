# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hollows that are no goals: descent ends in a goal from everywhere, and goals stay as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, minimum_filter

from ebm_concept_ros.field.energy_field import EnergyField, grid_points
from ebm_concept_ros.field.spurious_minima import distances_to, without_spurious_minima
from ebm_core import get_concept, load_model
from ebm_core.model_files import SHIPPED

SIZE, HALF_WIDTH = 33, 1.25
GOAL, HOLLOW = np.array([0.7, 0.0]), np.array([-0.6, 0.1])


def wells(depth_of_hollow):
    """Two wells in a plain that is 10 high: the goal's is 10 deep."""
    points = grid_points(HALF_WIDTH, SIZE)
    goal, hollow = (((points - c) ** 2).sum(1) for c in (GOAL, HOLLOW))
    energy = 10 - 10 * np.exp(-goal / 0.1) - depth_of_hollow * np.exp(-hollow / 0.1) + 0.1 * goal
    return energy.reshape(SIZE, SIZE)


def descend(field, point):
    for _ in range(400):
        gradient = field.cost(point[None]).gradient[0]
        point = point - 0.01 * gradient / max(np.linalg.norm(gradient), 1e-9)
    return point


def test_the_arm_would_stay_in_the_hollow_and_with_it_filled_comes_to_the_goal():
    beside = HOLLOW + np.array((-0.1, 0.05))
    assert np.linalg.norm(descend(EnergyField(wells(6), HALF_WIDTH), beside) - HOLLOW) < 0.1
    led = EnergyField(wells(6), HALF_WIDTH, goal_margin=3.0)
    assert np.linalg.norm(descend(led, beside) - GOAL) < 0.1


def test_what_is_about_as_good_is_a_goal_of_its_own():
    beside = HOLLOW + np.array((-0.1, 0.05))
    field = EnergyField(wells(9), HALF_WIDTH, goal_margin=3.0)
    assert np.linalg.norm(descend(field, beside) - HOLLOW) < 0.1


@given(seed=st.integers(0, 2**32 - 1), goal_margin=st.floats(0.0, 2.0))
@settings(max_examples=30)
def test_only_goals_are_left_as_minima_and_they_are_unchanged(seed, goal_margin):
    energies = np.random.default_rng(seed).normal(size=(17, 17))
    result = without_spurious_minima(energies, goal_margin)
    goals = energies <= energies.min() + goal_margin
    assert (result[goals] == energies[goals]).all()
    assert (result >= energies).all()
    around = np.ones((3, 3), bool)
    around[1, 1] = False
    lower = minimum_filter(result, footprint=around, mode='nearest') < result
    assert (lower | goals).all()


def test_on_an_energy_with_narrow_valleys_the_arm_comes_to_the_goal_from_everywhere():
    # Of these starts 61 % ended in a ripple of the spline, beside the foot of a wall.
    rng = np.random.default_rng(0)
    *shown, asked = get_concept('north').variant(rng).demonstrations(rng, 6)
    model = load_model(SHIPPED / 'open')
    code = model.infer(shown).action_code

    def energy(points):
        return model.actor_energy(asked.before, asked.attention, code, points)

    raw = EnergyField.tabulate(energy, HALF_WIDTH)
    field = EnergyField(raw.energies, HALF_WIDTH, goal_margin=3.0)
    assert np.linalg.norm(field.minimum() - raw.minimum()) < 0.01, 'the goal stays where it is'
    at = np.random.default_rng(1).uniform(-1.1, 1.1, (80, 2))
    for _ in range(600):
        gradient = field.cost(at).gradient
        at = at - 0.02 * gradient / np.maximum(np.linalg.norm(gradient, axis=1), 0.3)[:, None]
    assert np.linalg.norm(at - field.minimum(), axis=1).max() < 0.05


@pytest.mark.parametrize('share', [0.0, 0.01, 0.5])
def testdistances_to_to_the_nearest_goal_are_those_of_scipy(share):
    rng = np.random.default_rng(0)
    goals = rng.random((33, 33)) < share
    goals[5, 30] = True
    np.testing.assert_array_equal(distances_to(goals), distance_transform_edt(~goals))
