# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whoever leads all others by a relation follows from a few scenes; what looks tell, looks tell."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core import Demonstration, Scene
from ebm_core.evaluation.open.scenes import Conditions
from ebm_core.evaluation.open.who import CASTS, argument
from ebm_core.model_files import SHIPPED
from ebm_core.relational.leaders import Leaders
from ebm_core.relational.leading import infer_relation
from ebm_core.relational.model import load_model
from ebm_core.world.scene import COLOUR, MOVABLE, NUM_FEATURES, POSITION, SHAPE

LEADERS = Leaders()
SHOWN = 5  # scenes, of which a relation follows
LEAST_LEAD = 0.15  # particle units
seeds = st.integers(0, 10_000)


def off(places, to):
    return np.linalg.norm(places - places[to], axis=1)


def nearest_other(places):
    others = places[1:]
    apart = np.linalg.norm(others[:, None] - others, axis=-1) + 9 * np.eye(len(others))
    return np.concatenate(([0], apart.min(1)))


# By name: whether there is an anchor, how many lead, whether only triangles can, and the lead of
# each of the places (N, 2): the actor's, the anchor's, the others'.
RELATIONS = {
    'closest to the anchor': (True, 1, False, lambda p: -off(p, 1)),
    'farthest from the anchor': (True, 1, False, lambda p: off(p, 1)),
    'the two closest to the actor': (False, 2, False, lambda p: -off(p, 0)),
    'farthest from the actor': (False, 1, False, lambda p: off(p, 0)),
    'southernmost': (False, 1, False, lambda p: -p[:, 1]),
    'farthest towards 30°': (False, 1, False, lambda p: p @ (0.866, 0.5)),
    'the triangle that is closest to the anchor': (True, 1, True, lambda p: -off(p, 1)),
    'the easternmost triangle': (False, 1, True, lambda p: p[:, 0]),
    'the one by itself': (False, 1, False, nearest_other),
    'closest to where anchor and actor meet': (
        True,
        1,
        False,
        lambda p: -np.linalg.norm(p - (p[0] + p[1]) / 2, axis=1),
    ),
}


def scene(rng, name, n=None):
    """A scene's features and attention: an actor, then the anchor or another one, then others."""
    anchor, number, triangles, lead = RELATIONS[name]
    n = n or rng.integers(5 + 2 * triangles, 9 + 2 * triangles)
    while True:
        places = rng.uniform(-1, 1, (n, 2))
        shapes = rng.integers(1, 4, n)  # circle, square, triangle
        if triangles:
            shapes[2:5] = 3
        can = np.arange(n) >= 1 + anchor
        can &= ~np.array(triangles) | (shapes == 3)
        ahead = np.where(can, lead(places), -np.inf)
        order = np.argsort(-ahead)
        if ahead[order[number - 1]] - ahead[order[number]] > LEAST_LEAD:
            break
    shapes[0] = 0
    if anchor:
        shapes[1] = 0  # the only cross that stays
    x = np.zeros((n, NUM_FEATURES), np.float32)
    x[:, POSITION], x[:, 2:5] = places, rng.uniform(0, 1, (n, 3))
    x[np.arange(n), 5 + shapes] = 1.0
    x[0, MOVABLE] = 1.0
    meant = np.zeros(n, np.float32)
    meant[[0, *order[:number], *([1] if anchor else [])]] = 1.0
    return x, meant


def stacked(scenes):
    """The scenes of one set, or of several, padded to one size: x, attention, present."""
    n = max(len(meant) for _, meant in scenes)
    x = torch.zeros(len(scenes), n, NUM_FEATURES)
    meant, present = torch.zeros(len(scenes), n), torch.zeros(len(scenes), n)
    for i, (features, attention) in enumerate(scenes):
        x[i, : len(attention)] = torch.from_numpy(features)
        meant[i, : len(attention)], present[i, : len(attention)] = torch.from_numpy(attention), 1
    return x, meant, present


@pytest.mark.parametrize('name', RELATIONS)
def test_a_relation_follows_from_five_scenes(name):
    rng = np.random.default_rng(0)
    sets = 40
    x, meant, present = (
        part.unflatten(0, (sets, SHOWN + 1))
        for part in stacked([scene(rng, name) for _ in range(sets * (SHOWN + 1))])
    )
    code, found = infer_relation(*(part[:, :SHOWN] for part in (x, meant, present)))
    mask = LEADERS.masks(x[:, SHOWN], present[:, SHOWN], code)
    right = (mask == meant[:, SHOWN]).all(1) & found
    # Five scenes leave a direction open by some fifteen degrees.
    assert right.float().mean() >= (0.75 if 'towards' in name else 0.9)


@settings(max_examples=15)
@given(seeds, st.sampled_from(sorted(RELATIONS)))
def test_neither_order_nor_absence_matters(seed, name):
    rng = np.random.default_rng(seed)
    x, meant, present = stacked([scene(rng, name) for _ in range(SHOWN)])
    code, found = infer_relation(x[None], meant[None], present[None])
    order = rng.permutation(x.shape[1] + 2)
    more = [torch.nn.functional.pad(part, (0, 0, 0, 2)) for part in (x,)]
    more += [torch.nn.functional.pad(part, (0, 2)) for part in (meant, present)]
    other_x, other_meant, other_present = (part[:, order] for part in more)
    other, other_found = infer_relation(other_x[None], other_meant[None], other_present[None])
    assert found == other_found
    if found:
        codes = code.expand(SHOWN, -1), other.expand(SHOWN, -1)
        masks = LEADERS.masks(more[0], more[2], codes[0])[:, order]
        torch.testing.assert_close(masks, LEADERS.masks(other_x, other_present, codes[1]))


@pytest.mark.parametrize('cast', CASTS, ids=lambda cast: cast.name)
@pytest.mark.parametrize('noise', [0.0, 0.1])
def test_whoever_is_told_by_looks_needs_no_relation(cast, noise):
    conditions = Conditions(colour_noise=noise)
    events = cast.draw(np.random.default_rng(3), 20, SHOWN, conditions)
    for role in cast.asked:
        shown = argument(events, role)
        parts = (shown.before, shown.attention, shown.present.astype(np.float32))
        assert not infer_relation(*map(torch.from_numpy, parts))[1].any()


def test_without_an_actor_or_with_another_number_each_time_it_is_no_relation():
    rng = np.random.default_rng(4)
    x, meant, present = stacked([scene(rng, 'southernmost') for _ in range(SHOWN)])
    assert infer_relation(x[None], meant[None], present[None])[1]
    still = x.clone()
    still[..., MOVABLE] = 0.0
    assert not infer_relation(still[None], meant[None], present[None])[1]
    meant[0, 1:3] = 1.0
    assert not infer_relation(x[None], meant[None], present[None])[1]


def test_a_model_finds_who_is_closest_to_the_cross():
    model = load_model(SHIPPED / 'open')
    rng = np.random.default_rng(5)
    name = 'closest to the anchor'

    def of(features):
        shapes = features[:, SHAPE].argmax(1)
        return Scene(features[:, POSITION], features[:, COLOUR], shapes, features[:, MOVABLE] > 0)

    def demonstration():
        x, meant = scene(rng, name)
        after = of(x).with_positions(np.where(np.arange(len(x))[:, None] == 0, 0.5, x[:, :2]))
        return Demonstration((of(x), after), meant)

    code = model.infer([demonstration() for _ in range(SHOWN)]).argument_code
    for _ in range(10):
        x, meant = scene(rng, name)
        np.testing.assert_array_equal(model.identify(of(x), code), meant)
        roles = model.identify_roles(of(x), code)
        assert roles[1] == 2 and (roles[2:] == meant[2:]).all(), 'the anchor is told by its looks'
