# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy field: derivatives, minimum, and a cost that knows no scale, offset or saturation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reaching import field_around

from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import FIELD_SIZE, EnergyField, InvalidField

GOAL = np.array([0.3, -0.25])
SHAPES = {
    'quadratic': np.square,
    'saturating': lambda r: r**2 / (0.05 + r**2),
    'like a root': lambda r: np.sqrt(r**2 + 0.01),
    'quartic': lambda r: r**4,
    'tiny with an offset': lambda r: 3.0 + 1e-6 * r**2,
}
PLATEAUS = {
    'flat': lambda r: np.minimum(r**2, 0.1),
    'noisy': lambda r: np.minimum(r**2, 0.1) + 1e-7 * np.sin(1e4 * r),
}


def points(count=200, within=1.0):
    return np.random.default_rng(0).uniform(-within, within, (count, 2))


@pytest.mark.parametrize('shape', SHAPES.values(), ids=SHAPES)
def test_cost_is_the_squared_distance_whatever_the_energy_makes_of_it(shape):
    field = field_around(GOAL, shape)
    squared = ((points() - GOAL) ** 2).sum(axis=1)
    near = squared < 0.4  # further out the square's edge cuts the level sets
    np.testing.assert_allclose(field.cost_value(points())[near], squared[near], atol=0.01)


@pytest.mark.parametrize('shape', SHAPES.values(), ids=SHAPES)
def test_minimum_is_found_to_a_few_hundredths_of_a_unit(shape):
    assert np.linalg.norm(field_around(GOAL, shape).minimum() - GOAL) < 0.03


@pytest.mark.parametrize('shape', SHAPES.values(), ids=SHAPES)
def test_the_distance_to_the_best_place_is_that_to_the_minimum_or_to_a_ring(shape):
    ring = field_around(GOAL, lambda r: shape(r - 0.4))
    for angle in np.arange(0.0, 6.0):
        outwards = np.array([np.cos(angle), np.sin(angle)])
        # The grid does not have it the same all around, and an area's root makes much of little.
        assert ring.distance_to_best(GOAL + 0.4 * outwards) < 0.14
        assert ring.distance_to_best(GOAL + 0.55 * outwards) > 0.14
    for point in points(20, within=0.5):
        here = np.linalg.norm(point - GOAL)
        assert field_around(GOAL, shape).distance_to_best(point) == pytest.approx(here, abs=0.04)


@pytest.mark.parametrize('shape', (SHAPES | PLATEAUS).values(), ids=SHAPES | PLATEAUS)
def test_cost_falls_all_the_way_to_the_goal(shape):
    field = field_around(GOAL, shape)
    for start in points(20):
        way = start + np.linspace(0.0, 1.0, 21)[:, None] * (GOAL - start)
        way = way[np.linalg.norm(way - GOAL, axis=1) > 0.1]
        assert (np.diff(field.cost_value(way)) < 0.0).all()


@pytest.mark.parametrize(
    'shape',
    [lambda r: np.maximum(r, 0.4), lambda r: np.where(r < 0.08, 0.0, 1.0), lambda r: -r],
    ids=['flat bottom', 'spike', 'lowest at a corner'],
)
def test_odd_energies_give_a_finite_cost_that_is_lowest_where_they_are(shape):
    field = field_around(GOAL, shape)
    sample = field.cost(points(within=1.5))
    for part in (sample.value, sample.gradient, sample.hessian):
        assert np.isfinite(part).all()
    found = field.energy(field.minimum())
    assert found <= field.energies.min() + 0.02 * np.ptp(field.energies)


@given(scale=st.floats(1e-9, 1e9), offset=st.floats(-10.0, 10.0))
@settings(max_examples=20)
def test_scale_and_offset_of_the_energy_do_not_matter(scale, offset):
    base = field_around(GOAL, lambda r: r**2 / (0.1 + r**2))
    other = field_around(GOAL, lambda r: scale * (r**2 / (0.1 + r**2) + offset))
    np.testing.assert_allclose(other.cost_value(points()), base.cost_value(points()), atol=1e-3)


def test_gradient_and_curvature_are_those_of_the_value():
    field = field_around(GOAL, lambda r: 1.0 - np.exp(-3.0 * r**2))
    inside, h = points(), 1e-5
    sample = field.cost(inside)
    shifts = h * np.eye(2)
    slopes = [field.cost_value(inside + d) - field.cost_value(inside - d) for d in shifts]
    np.testing.assert_allclose(sample.gradient, np.stack(slopes, axis=1) / (2 * h), atol=1e-6)
    np.testing.assert_allclose(sample.value, field.cost_value(inside))
    assert (np.linalg.eigvalsh(sample.hessian) >= -1e-9).all()


def test_outside_the_grid_the_cost_pulls_back_in():
    field = field_around(GOAL)
    far = np.array([[1.6, 0.2], [-1.4, -1.7]])
    sample = field.cost(far)
    np.testing.assert_array_less(0.0, sample.gradient[0, 0])
    assert (sample.gradient[1] < 0.0).all()
    assert np.isfinite(sample.value).all()
    off = np.linalg.norm(far - field.minimum(), axis=1)
    assert all(
        0.0 < field.distance_to_best(point) <= most for point, most in zip(far, off, strict=True)
    )


def test_energy_is_given_in_its_own_unit():
    field = field_around(GOAL, lambda r: 5.0 * r**2 - 2.0)
    expected = 5.0 * ((points() - GOAL) ** 2).sum(axis=1) - 2.0
    np.testing.assert_allclose(field.energy(points()), expected, atol=1e-9)
    np.testing.assert_allclose([field.energy_at(point) for point in points()], expected, atol=1e-9)


@pytest.mark.parametrize(
    ('energies', 'reason'),
    [
        (np.full((33, 33), np.nan), 'NaN'),
        (np.full((33, 33), np.inf), 'infinity'),
        (np.ones((33, 33)), 'same everywhere'),
        (np.ones((33, 3)), 'square'),
    ],
)
def test_a_field_that_leads_nowhere_is_refused(energies, reason):
    with pytest.raises(InvalidField, match=reason):
        EnergyField(energies, 1.25)


def test_energies_of_the_wrong_length_are_refused():
    with pytest.raises(InvalidField, match=str(FIELD_SIZE**2)):
        EnergyField.tabulate(lambda grid: grid[:5, 0])


def test_a_field_of_the_arrays_of_another_is_the_same():
    made = EnergyField(field_around(GOAL).energies, 1.25, 3.0).with_cost(
        field_around(-GOAL).energies, Circles(GOAL[None], np.array([0.1]), 0.2)
    )
    other = EnergyField.of_arrays(made.arrays())
    where = points()
    np.testing.assert_array_equal(other.cost(where).hessian, made.cost(where).hessian)
    np.testing.assert_array_equal(other.cost_value(where), made.cost_value(where))
    np.testing.assert_array_equal(other.energy(where), made.energy(where))
    np.testing.assert_array_equal(other.minimum(), made.minimum())
    assert other.keep_out.above_m == 0.2 and other.half_width == 1.25
