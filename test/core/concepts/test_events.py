# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every generated event satisfies its concept, and still scenes have one answer."""

import itertools
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.concepts import FAMILIES, concept_names, get_concept, goal_concept_names
from ebm_core.concepts.arrangement import AMBIGUITY_MARGIN, Arrangement
from ebm_core.concepts.particles import PALETTE
from ebm_core.concepts.placement import SIDE_DISTANCE
from ebm_core.concepts.temporal import _violation as temporal_violation
from ebm_core.world.scene import COLOUR, COLOURS, MOVABLE, POSITION, InvalidInput

seeds = st.integers(0, 10_000)
few = settings(max_examples=25)
few_of_each = settings(max_examples=5)
GENERATING = [n for n in concept_names() if get_concept(n).generates]
ARRANGEMENTS = [n for n in concept_names() if isinstance(get_concept(n), Arrangement)]


def drawn(name, seed):
    rng = np.random.default_rng(seed)
    return get_concept(name).variant(rng), rng


def test_every_concept_is_found_by_its_name_and_is_of_the_family_that_lists_it():
    listed = [(family, concept) for family in FAMILIES for concept in FAMILIES[family]]
    assert all(concept.family == family for family, concept in listed)
    assert sorted(concept.name for _, concept in listed) == sorted(set(concept_names()))
    assert all(get_concept(concept.name) == concept for _, concept in listed)


def test_unknown_concept_lists_the_known():
    with pytest.raises(InvalidInput, match=r"'under' is unknown.*between"):
        get_concept('under')


@pytest.mark.parametrize('name', GENERATING)
@given(seed=seeds)
@few_of_each
def test_generated_events_satisfy_the_concept_and_change_only_what_is_free(seed, name):
    concept, rng = drawn(name, seed)
    events = concept.generation(rng, 4, reference_colour=1)
    assert concept.satisfied(events).all()
    assert (events.attention.sum(1) == concept.num_participants).all()
    assert (events.attention <= events.present).all()
    moving = np.abs(np.diff(events.states, axis=1)).sum(1) > 0
    bystanders = 1 - events.attention[..., None]
    if concept.steps == 1:
        assert not (moving * (1 - events.mutable)).any()
    else:
        assert not (moving[..., MOVABLE:] + moving[..., COLOUR].any(-1, keepdims=True)).any()
    assert not (events.mutable * bystanders).any()
    assert (np.abs(events.states[:, -1][events.attention > 0.5][:, POSITION]) <= 1.3).all()


@pytest.mark.parametrize('name', GENERATING)
@given(seed=seeds)
@few_of_each
def test_the_predicate_refuses_what_is_far_off(seed, name):
    concept, rng = drawn(name, seed)
    events = concept.generation(rng, 4)
    states = events.states.copy()
    if concept.family == 'proximity':  # as near as (as far as) somebody else is not enough
        states[:, 1, 0, POSITION] = states[:, 1, 2, POSITION]
    else:
        aside = events.mutable * (1 - 2 * (states[:, -1] > 0.5))
        aside[:, 1:] = 0
        states[:, 1:] += 1.9 * aside[:, None]
    spoilt = replace(events, states=states)
    assert not concept.satisfied(spoilt).any()


def still_scenes(name, seed, size):
    concept, rng = drawn(name, seed)
    batch = concept.identification(rng, 2, size)
    for event in range(2):
        yield concept, batch, event, int(batch.present[event].sum())


@pytest.mark.parametrize('name', ARRANGEMENTS)
@given(seed=seeds)
@few_of_each
def test_still_arrangements_have_one_answer(seed, name):
    for concept, batch, event, n in still_scenes(name, seed, (3, 7)):
        state = batch.after[event]
        movable = state[:, MOVABLE] > 0.5
        answers = []
        for movers in itertools.combinations(np.flatnonzero(movable[:n]), concept.movers):
            for references in itertools.combinations(
                np.flatnonzero(~movable[:n]), concept.num_references
            ):
                violation = concept.violation(state[[*movers, *references], POSITION])
                if violation < AMBIGUITY_MARGIN - 1e-5:
                    answers.append({*movers, *references})
        assert answers == [set(np.flatnonzero(batch.attention[event]))]


@given(seed=seeds, name=st.sampled_from(['closest', 'farthest']))
@few
def test_the_closest_and_the_farthest_are_so(seed, name):
    for _, batch, event, n in still_scenes(name, seed, (3, 8)):
        position = batch.after[event][:n, POSITION]
        distance = np.linalg.norm(position[1:] - position[0], axis=1)
        extreme = distance.argmin() if name == 'closest' else distance.argmax()
        assert set(np.flatnonzero(batch.attention[event])) == {0, 1 + extreme}
        assert (batch.after[event][:, MOVABLE] > 0.5).sum() == 1


@given(seed=seeds, name=st.sampled_from(list(COLOURS)))
@few
def test_all_of_a_colour_are_attended_to(seed, name):
    for concept, batch, event, n in still_scenes(name, seed, (3, 8)):
        rgb = batch.after[event][:n, COLOUR]
        nearest = np.linalg.norm(rgb[:, None] - PALETTE, axis=-1).argmin(1)
        np.testing.assert_array_equal(
            nearest == concept.index, batch.attention[event][:n].astype(bool)
        )


@given(seed=seeds, name=st.sampled_from(['one', 'two', 'three', 'more_than_three']))
@few
def test_quantities_say_how_many(seed, name):
    concept, rng = drawn(name, seed)
    batch = concept.identification(rng, 5)
    number = batch.attention.sum(1)
    assert ((number >= concept.fewest) & (number <= concept.most)).all()
    assert concept.satisfied(batch).all()
    with pytest.raises(NotImplementedError, match='not generated'):
        concept.generation(rng, 1)


@given(seed=seeds)
@few
def test_one_follows_and_waits_for_its_leader(seed):
    for _, batch, event, n in still_scenes('follow', seed, (3, 8)):
        path = batch.states[event][:, :n, POSITION].swapaxes(0, 1)
        movable = batch.after[event][:n, MOVABLE] > 0.5
        answers = [
            {follower, leader}
            for follower in np.flatnonzero(movable)
            for leader in np.flatnonzero(~movable)
            if temporal_violation(path[follower], path[leader]) < 0.25 - 1e-5
        ]
        assert answers == [{0, 1}]


def test_following_before_the_leader_moves_does_not_count():
    leader = np.zeros((5, 2))
    leader[2:, 0] = (0.2, 0.4, 0.6)
    follower = np.full((5, 2), -0.5)
    follower[3:] = leader[3:]
    assert temporal_violation(follower, leader) == 0
    follower[1] = (0, 0)
    assert temporal_violation(follower, leader) > 0.5


@pytest.mark.parametrize('name', goal_concept_names())
@given(seed=seeds)
@few_of_each
def test_demonstrations_show_the_concept_by_colour(seed, name):
    concept = get_concept(name)
    for demonstration in concept.demonstrations(np.random.default_rng(seed), 3, 'green'):
        after, attention = demonstration.after, demonstration.attention
        assert concept.holds(after, attention)
        references = (attention > 0.5) & ~after.movable
        assert references.sum() == concept.num_references
        distance = np.linalg.norm(after.colours - np.array(COLOURS['green']), axis=1)
        assert (distance[references] < 0.3).all()
        assert (distance[~references] > 0.3).all()
        actor = after.positions[after.movable & (attention > 0.5)]
        np.testing.assert_allclose(actor[0], concept.goal(after, attention), atol=1e-5)


@pytest.mark.parametrize('name', concept_names())
def test_every_concept_can_be_demonstrated(name):
    shown = get_concept(name).demonstrations(np.random.default_rng(0), 5)
    assert len(shown) == 5
    assert len(shown[0].states) == get_concept(name).steps + 1


@pytest.mark.parametrize(
    ('name', 'direction'),
    [('north', (0, 1)), ('south', (0, -1)), ('east', (1, 0)), ('west', (-1, 0))],
)
def test_sides_are_where_the_compass_says(name, direction):
    after = get_concept(name).demonstrations(np.random.default_rng(0), 1)[0].after
    offset = after.positions[0] - after.positions[1]
    np.testing.assert_allclose(offset, SIDE_DISTANCE * np.array(direction), atol=1e-6)


@pytest.mark.parametrize('name', concept_names())
def test_a_seed_makes_the_same_events(name):
    def make():
        concept, rng = drawn(name, 3)
        return concept.identification(rng, 4)

    np.testing.assert_array_equal(make().states, make().states)


def test_a_goal_needs_the_right_number_of_references():
    concept = get_concept('between')
    after = concept.demonstrations(np.random.default_rng(0), 1)[0].after
    with pytest.raises(InvalidInput, match='between needs 2 reference entities, 0 are attended'):
        concept.goal(after, np.zeros(len(after)))


def test_unknown_reference_colour_lists_the_known():
    with pytest.raises(InvalidInput, match=r"'mauve' is unknown; known are red"):
        get_concept('north').demonstrations(np.random.default_rng(0), 1, 'mauve')


def test_a_family_of_ones_own_is_a_short_class():
    """What docs/concepts.md shows."""

    @dataclass(frozen=True)
    class Diagonal(Arrangement):
        family: ClassVar[str] = 'diagonal'

        def arrange(self, rng, count):
            return np.repeat(rng.uniform(-1, 1, (count, 1, 1)), 2, axis=2)

        def violation(self, participants):
            return np.abs(participants[..., 0, 0] - participants[..., 0, 1]) / 2**0.5

    concept, rng = Diagonal('diagonal'), np.random.default_rng(0)
    assert concept.satisfied(concept.generation(rng, 8)).all()
    assert concept.satisfied(concept.identification(rng, 8)).all()
