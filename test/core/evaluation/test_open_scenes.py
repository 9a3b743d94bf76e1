# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes of the evaluation on concepts that nobody trained on."""

from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest

from ebm_core import InvalidInput
from ebm_core.evaluation.open.appearance import COLOUR_GAP, Telling, dressed, far_colours
from ebm_core.evaluation.open.concepts import CONCEPTS
from ebm_core.evaluation.open.holding import AMBIGUITY_MARGIN, can_hold, holding
from ebm_core.evaluation.open.scenes import Conditions, drawn_until, generation
from ebm_core.evaluation.open.who import CASTS, CLEAR_MARGIN, RELATIONS, argument
from ebm_core.world.scene import ACTOR_COLOUR, COLOUR, MOVABLE, POSITION, SHAPE

JITTERED = 0.3  # within a group: two jitters of 0.08 in each of three components
by_name = pytest.mark.parametrize('concept', CONCEPTS, ids=lambda c: c.name)


def same(one, other):
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


@by_name
def test_events_are_within_the_square_and_change_only_what_is_free(concept):
    events = generation(np.random.default_rng(0), concept, 4, 6, Conditions())
    assert events.states.shape[:3] == (4, 6, 2)
    assert np.abs(events.states[..., POSITION]).max() <= 1
    changed = (events.after != events.before) & (events.mutable == 0)
    assert not changed.any()
    assert (events.attention.sum(-1) == concept.movers + concept.references).all()
    assert events.before[:, :, : concept.movers, MOVABLE].all()
    assert (events.present.sum(-1) > events.attention.sum(-1)).all()
    roles = events.roles[:, :, concept.movers : concept.movers + concept.references]
    assert (roles == concept.roles).all()
    assert events.roles.sum() == roles.sum()
    for one, set_ in enumerate(events.present):
        events.demonstration((one, len(set_) - 1))  # which checks what it is given


def test_as_many_entities_as_asked_for():
    events = generation(np.random.default_rng(0), CONCEPTS[0], 20, 6, Conditions(5, (4, 9)))
    assert set(np.unique(events.present.sum(-1))) == set(range(4, 10))


def test_a_seed_gives_the_same_scenes():
    def drawn(seed):
        rng = np.random.default_rng(seed)
        return [
            *(generation(rng, c, 2, 3, Conditions()) for c in CONCEPTS[::7]),
            *(subject.draw(rng, 2, 3, Conditions()) for subject in (*CASTS, *RELATIONS)),
            holding(rng, CONCEPTS[0], 5, Conditions()),
        ]

    assert all(same(a, b) for a, b in zip(drawn(1), drawn(1), strict=True))
    assert not any(same(a, b) for a, b in zip(drawn(1), drawn(2), strict=True))


def alike(events, one, other, told_by):
    """Tell (S, E) whether two entities are the same by what tells the cast's groups."""
    state = events.before
    gap = np.linalg.norm(state[:, :, one, COLOUR] - state[:, :, other, COLOUR], axis=-1)
    shape = (state[:, :, one, SHAPE] == state[:, :, other, SHAPE]).all(-1)
    return {'colour': gap < JITTERED, 'shape': shape, 'both': (gap < JITTERED) & shape}[told_by]


@pytest.mark.parametrize('cast', CASTS, ids=lambda c: c.name)
def test_who_takes_part_can_be_told_and_nobody_else_looks_like_it(cast):
    events = cast.draw(np.random.default_rng(0), 50, 6, Conditions())
    part = range(1, 1 + len(cast.roles))
    for one, other in combinations(part, 2):
        expected = cast.roles[one - 1] == cast.roles[other - 1]
        # Jitter seldom brings two groups' colours closer.
        assert (alike(events, one, other, cast.told_by) == expected).mean() > 0.98
    for one in part:
        for bystander in range(1 + len(cast.roles), events.present.shape[-1]):
            seen = events.present[:, :, bystander]
            assert alike(events, one, bystander, cast.told_by)[seen].mean() < 0.02
    actor = events.before[:, :, 0]
    assert np.abs(actor[..., COLOUR] - ACTOR_COLOUR).max() < 0.09
    assert actor[..., SHAPE.start].all()


def test_bystanders_mislead_where_both_tell():
    rng = np.random.default_rng(0)
    colours, shapes = dressed(rng, (0, 1), Telling.by('both', 100), 4, 8)
    gap = np.linalg.norm(colours[:, :, 2:] - colours[:, :, 1:2], axis=-1)
    same_colour, same_shape = gap < 1e-9, shapes[:, :, 2:] == shapes[:, :, 1:2]
    assert not (same_colour & same_shape).any()
    assert (same_colour | same_shape).mean() > 0.75
    assert same_colour.mean() > 0.3
    assert gap[~same_colour].min() >= COLOUR_GAP


def test_colours_are_anywhere_but_near():
    rng = np.random.default_rng(0)
    groups = rng.uniform(0, 1, (200, 3, 3))
    drawn = far_colours(rng, groups, (200, 5, 4))
    gaps = np.linalg.norm(drawn[..., None, :] - groups[:, None, None], axis=-1)
    assert gaps.min() >= COLOUR_GAP
    assert drawn.min() < 0.02
    assert drawn.max() > 0.98


@pytest.mark.parametrize('relation', RELATIONS, ids=lambda r: r.name)
def test_the_one_that_a_relation_means_leads_all_others(relation):
    events = relation.draw(np.random.default_rng(0), 50, 6, Conditions())
    places = events.before[..., POSITION].astype(float)
    part = 3 if relation.anchor else 2
    measure = {
        'whichever is closest to the cross': lambda p: -np.linalg.norm(p - p[:, :, 2:3], axis=-1),
        'whichever is farthest from the cross': lambda p: np.linalg.norm(p - p[:, :, 2:3], axis=-1),
        'whichever is closest to the one of a colour': lambda p: (
            -np.linalg.norm(p - p[:, :, 2:3], axis=-1)
        ),
        'whichever is closest to the actor': lambda p: -np.linalg.norm(p - p[:, :, :1], axis=-1),
        'the northernmost': lambda p: p[..., 1],
        'the leftmost': lambda p: -p[..., 0],
    }[relation.name](places)
    others = np.where(events.present, measure, -np.inf)[:, :, part:].max(-1)
    assert (measure[:, :, 1] - others >= CLEAR_MARGIN - 1e-6).all()
    crosses = events.before[:, :, 1:, SHAPE.start].sum(-1)
    assert (crosses == (relation.anchor == 'cross')).all()
    assert events.before[:, :, 2, SHAPE.start].all() or relation.anchor != 'cross'


def test_an_argument_is_the_actor_and_one_role_without_saying_so():
    cast = next(c for c in CASTS if c.roles == (1, 2, 3) and c.told_by == 'colour')
    events = cast.draw(np.random.default_rng(0), 3, 4, Conditions())
    second = argument(events, 2)
    # Roles are not told: all that stays plays the first.
    np.testing.assert_array_equal(second.roles, second.before[..., MOVABLE] < 0.5)
    assert (second.attention.sum(-1) == 2).all()
    assert (second.attention[..., :2] == 1).all()
    np.testing.assert_array_equal(second.before[:, :, 0], events.before[:, :, 0])
    np.testing.assert_array_equal(second.before[:, :, 1], events.before[:, :, 2])
    everyone = argument(events, None)
    np.testing.assert_array_equal(everyone.attention, events.attention)


@pytest.mark.parametrize('concept', [c for c in CONCEPTS if can_hold(c)], ids=lambda c: c.name)
def test_a_still_scene_holds_of_one_choice_alone(concept):
    scenes = holding(np.random.default_rng(0), concept, 12, Conditions())[:, 0]
    movers, part = concept.movers, concept.movers + concept.references
    np.testing.assert_array_equal(scenes.before, scenes.after)
    for i in range(12):
        state = scenes.before[i][scenes.present[i]].astype(float)
        positions, movable = state[:, POSITION], state[:, MOVABLE] > 0.5
        assert len(state) > part
        holds = []
        for m in combinations(np.flatnonzero(movable), movers):
            for r in combinations(np.flatnonzero(~movable), concept.references):
                end = positions[list(m)][None]
                if concept.violation(end, end, positions[list(r)][None])[0] < AMBIGUITY_MARGIN:
                    holds.append((*m, *r))
        assert holds == [tuple(range(part))]
        if concept.references:
            assert (scenes.roles[i][scenes.present[i]] == ~movable).all()


def test_noise_is_of_each_state_and_of_the_size_asked_for():
    conditions = Conditions(position_noise=0.05, colour_noise=0.1)
    plain = generation(np.random.default_rng(0), CONCEPTS[0], 50, 6, Conditions())
    noisy = generation(np.random.default_rng(0), CONCEPTS[0], 50, 6, conditions)
    error = (noisy.states - plain.states)[np.broadcast_to(plain.present[:, :, None], (50, 6, 2, 8))]
    assert error[:, POSITION].std() == pytest.approx(0.05, rel=0.05)
    assert 0.07 < error[:, COLOUR].std() <= 0.1  # clipped to what is a colour
    assert not error[:, SHAPE].any()
    moved = noisy.after[:, :, 1, POSITION] - noisy.before[:, :, 1, POSITION]
    assert moved.std() == pytest.approx(0.05 * 2**0.5, rel=0.1)
    assert not noisy.states[~np.broadcast_to(plain.present[:, :, None], (50, 6, 2, 8))].any()


def test_scenes_that_cannot_be_drawn_are_said():
    with pytest.raises(InvalidInput, match=r"entities: 3 of 3 scenes of 'full' could not be drawn"):
        drawn_until(lambda rows: np.zeros(len(rows), bool), 3, 'full')
