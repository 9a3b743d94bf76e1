# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The concepts written by hand mean what their names say."""

import numpy as np
import pytest

from ebm_core.concepts import concept_names
from ebm_core.evaluation.open import geometry
from ebm_core.evaluation.open.concept import Place
from ebm_core.evaluation.open.concepts import CONCEPTS, GROUPS
from ebm_core.evaluation.open.geometry import length
from ebm_core.evaluation.open.scenes import LEAST_CHANGE, placed

COUNT = 400
# Their goal depends on where the actor was.
RELATIVE = {
    'mirrored through A',
    'halfway to A',
    'twice as far from A as it was',
    'a step of 0.4 west',
    '0.25 behind A, from where it came',
    'mirrored at the line x = 0',
    'mirrored at the line of two',
}
by_name = pytest.mark.parametrize('concept', CONCEPTS, ids=lambda c: c.name)
by_place = pytest.mark.parametrize(
    'concept',
    [c for c in CONCEPTS if isinstance(c, Place) and c.name not in RELATIVE],
    ids=lambda c: c.name,
)


def named(name):
    return next(c for c in CONCEPTS if c.name == name)


def where_held(name):
    """Return places (COUNT, 2) where the concept holds, and its references, (COUNT, 2) each."""
    _, end, where = placed(np.random.default_rng(2), named(name), COUNT)
    return end[:, 0], *np.moveaxis(where, 1, 0)


def test_there_are_enough_of_them_and_none_is_a_named_one():
    names = [c.name for c in CONCEPTS]
    assert len(names) >= 44
    assert len(set(names)) == len(names)
    assert not set(names) & set(concept_names())
    assert sum(c.held_out for c in CONCEPTS) >= 10
    assert {c.name for c in CONCEPTS if c.held_out} == {c.name for c in GROUPS['kinds held out']}


@by_name
def test_a_demonstrator_brings_about_what_the_predicate_says(concept):
    rng = np.random.default_rng(0)
    start, end, where = placed(rng, concept, COUNT)
    low, high = concept.bounds
    assert end.min() >= low
    assert end.max() <= high
    assert concept.violation(end, start, where).max() < 1e-6
    assert concept.violation(start, start, where).min() >= LEAST_CHANGE


@by_name
def test_anywhere_else_it_does_not_hold(concept):
    rng = np.random.default_rng(1)
    start, end, where = placed(rng, concept, COUNT)
    anywhere = rng.uniform(*concept.bounds, end.shape)
    holds = concept.violation(anywhere, start, where) <= 0.1
    assert holds.mean() < (0.93 if getattr(concept, 'region', False) else 0.2)


@by_name
def test_references_of_one_role_may_be_exchanged(concept):
    rng = np.random.default_rng(3)
    start, end, where = placed(rng, concept, COUNT)
    somewhere = end + rng.normal(0, 0.2, end.shape)
    one = concept.violation(somewhere, start, where)
    other = concept.violation(somewhere, start, np.roll(where, 1, axis=1))
    if concept.alike:
        np.testing.assert_allclose(one, other, atol=1e-6)
    else:
        assert np.abs(one - other).max() > 0.1


@by_place
def test_a_demonstrator_goes_to_the_nearest_place(concept):
    rng = np.random.default_rng(4)
    _, _, where = placed(rng, concept, COUNT)
    references = np.moveaxis(where, 1, 0)
    x = rng.uniform(-1, 1, (COUNT, 2))
    nearest = concept.place(x, *references)
    for _ in range(20):
        another = concept.place(rng.uniform(-1.2, 1.2, (COUNT, 2)), *references)
        assert (length(x - nearest) <= length(x - another) + 0.01).all()
    # Curves are sampled, and an intersection is as far as the farther of two.
    assert (concept.off(x, x, *references) <= length(x - nearest) + 1e-6).all()


def test_distances_are_what_the_names_of_curves_say():
    x, a, b = where_held('the distances to two sum up to 1.2')
    np.testing.assert_allclose(length(x - a) + length(x - b), 1.2)
    x, a, b = where_held('0.2 nearer to A than to B')
    np.testing.assert_allclose(length(x - b) - length(x - a), 0.2)
    x, a, b = where_held('twice as far from A as from B')
    np.testing.assert_allclose(length(x - a), 2 * length(x - b))
    x, a, b = where_held('equally far from two')
    np.testing.assert_allclose(length(x - a), length(x - b))
    x, a, b, c = where_held('equally far from three')
    np.testing.assert_allclose([length(x - a)] * 2, [length(x - b), length(x - c)])
    x, a, b = where_held('where two are seen under a right angle')
    np.testing.assert_allclose(geometry.dot(x - a, x - b), 0, atol=1e-9)
    x, a = where_held('as far from A as from the line y = −0.9')
    np.testing.assert_allclose(length(x - a), x[:, 1] + 0.9)
    x, a = where_held('on a square of side 0.8 round A')
    np.testing.assert_allclose(np.abs(x - a).max(-1), 0.4)


def test_what_is_relative_is_relative_to_where_the_actor_was():
    for name, share in (
        ('mirrored through A', -1),
        ('halfway to A', 0.5),
        ('twice as far from A as it was', 2),
    ):
        start, end, where = placed(np.random.default_rng(2), named(name), COUNT)
        np.testing.assert_allclose(end - where, share * (start - where))
    start, end, _ = placed(np.random.default_rng(2), named('a step of 0.4 west'), COUNT)
    np.testing.assert_allclose(end - start, np.broadcast_to((-0.4, 0), end.shape))


def test_frames_turn_with_their_references():
    x, a, b = where_held('the third corner of an equilateral triangle')
    np.testing.assert_allclose(length(x - a), length(b - a))
    np.testing.assert_allclose(length(x - b), length(b - a))
    assert (geometry.beside(x, a, b - a) > 0).all()
    x, a, b = where_held('left of A, seen towards B, as far as B is')
    np.testing.assert_allclose(geometry.dot(x - a, b - a), 0, atol=1e-9)
    np.testing.assert_allclose(geometry.beside(x, a, b - a), length(b - a))


def test_formations_may_be_turned_and_their_movers_exchanged():
    rng = np.random.default_rng(5)
    for concept in GROUPS['several movers, and colours']:
        if concept.movers == 1:
            continue
        start, end, where = placed(rng, concept, 20)
        centre = end.mean(1, keepdims=True)
        other = centre + geometry.turned(end - centre, 77)[:, rng.permutation(concept.movers)]
        assert concept.violation(other, start, where).max() < 1e-6
        assert concept.violation(1.4 * other, start, where).min() > 0.05
