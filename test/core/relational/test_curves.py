# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which curve demonstrations lie on follows from five of them, and of what lies on none, none."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.relational.curve_search import infer_curves
from ebm_core.relational.curves import (
    FEATURES,
    WHERE,
    Context,
    Curves,
    context_of,
    features,
)
from ebm_core.relational.energy import Energy
from ebm_core.relational.inputs import Inputs
from ebm_core.relational.sampler import Sampler
from ebm_core.world.scene import MOVABLE, NUM_FEATURES, POSITION

CURVES = Curves()
SHOWN = 5
seeds = st.integers(0, 10_000)


def length(v):
    return np.linalg.norm(v, axis=-1)


def off_line(p, a, b):
    (x, y), (dx, dy) = (p - a).T, (b - a).T
    return (x * dy - y * dx) / length(b - a)


# By name: how many references, and by how much a place is off the curve (of several: both).
ON = {
    'on a line': (0, lambda p, s: [0.6 * p[:, 0] - 0.8 * p[:, 1] + 0.1]),
    'a step of 0.4 anywhere': (0, lambda p, s: [length(p - s) - 0.4]),
    'on a ring round the middle': (0, lambda p, s: [length(p) - 0.6]),
    'at either side of the middle': (0, lambda p, s: [np.abs(p[:, 0]) - 0.5]),
    'to the left or right of it': (1, lambda p, s, a: [np.abs(p - a)[:, 0] - 0.3]),
    'on a ring': (1, lambda p, s, a: [length(p - a) - 0.3]),
    'on a square': (1, lambda p, s, a: [np.abs(p - a).max(-1) - 0.35]),
    'as far from it as from a line': (1, lambda p, s, a: [length(p - a) - (p[:, 1] + 0.9)]),
    'on a line through it': (1, lambda p, s, a: [(p - a) @ (0.5, -0.866)]),
    'in line': (2, lambda p, s, a, b: [off_line(p, a, b)]),
    'equally far': (2, lambda p, s, a, b: [length(p - a) - length(p - b)]),
    'twice as far': (2, lambda p, s, a, b: [length(p - a) - 2 * length(p - b)]),
    'nearer by 0.2': (2, lambda p, s, a, b: [length(p - a) - length(p - b) - 0.2]),
    'on an ellipse': (2, lambda p, s, a, b: [length(p - a) + length(p - b) - 1.5]),
    'under a right angle': (2, lambda p, s, a, b: [length(p - (a + b) / 2) - length(a - b) / 2]),
    'from one as far as both are apart': (2, lambda p, s, a, b: [length(p - a) - length(a - b)]),
    'equally far from three': (
        3,
        lambda p, s, a, b, c: [
            length(p - a) - length(p - b),
            length(p - b) - length(p - c),
        ],
    ),
    'at the foot of a perpendicular': (
        3,
        lambda p, s, a, b, c: [
            off_line(p, a, b),
            ((p - c) * (b - a)).sum(-1) / length(b - a),
        ],
    ),
}


def away(p, *points):
    return np.min([length(p - q) for q in points], 0)


def shown(rng, name, number):
    """Starts, references and places on the curve, of so many events: (E, 2), (E, K, 2), (E, 2)."""
    k, off = ON[name]
    out = []
    while len(out) < number:
        start, *where = rng.uniform(-1, 1, (1 + k, 2))
        if k > 1 and min(length(a - b) for i, a in enumerate(where) for b in where[:i]) < 0.4:
            continue
        p = rng.uniform(-1, 1, (100, 2))
        about = [np.broadcast_to(q, p.shape) for q in (start, *where)]
        for _ in range(12):  # Newton's steps onto the curve
            r = np.stack(off(p, *about), -1)
            slope = np.stack(
                [
                    (np.stack(off(p + h, *about), -1) - np.stack(off(p - h, *about), -1)) / 2e-6
                    for h in np.eye(2) * 1e-6
                ],
                -1,
            )
            p = p - np.einsum('...xr,...r->...x', np.linalg.pinv(slope, rcond=1e-3), r)
        good = (np.abs(np.stack(off(p, *about), -1)).max(-1) < 1e-6) & (np.abs(p).max(-1) < 1)
        good &= length(p - start) > 0.15
        if good.any():
            out.append((start, np.reshape(where, (k, 2)), p[rng.choice(np.flatnonzero(good))]))
    return tuple(np.stack(part) for part in zip(*out, strict=True))


def about(start, where):
    """What curves are about, of events (E, …)."""
    start, where = (torch.tensor(part, dtype=torch.float32) for part in (start, where))
    return context_of(where, torch.ones(where.shape[:-1]), start, None)


def inferred(start, where, place):
    """The code and whether there is a curve, of one set of demonstrations."""
    one = Context(*(part[None] for part in about(start, where)))
    code, evidence = infer_curves(torch.tensor(place, dtype=torch.float32)[None], one)
    return code, evidence.isfinite()


def without_where(code):
    """The code (1, SIZE) without where on the curve it was shown."""
    out = code.clone()
    out[:, 3:].unflatten(-1, (-1, FEATURES))[:, WHERE] = 0.0
    return out


@pytest.mark.parametrize('name', ON)
def test_five_places_tell_their_curve(name):
    rng = np.random.default_rng(0)
    right = []
    for _ in range(4):
        start, where, place = shown(rng, name, 2 * SHOWN)
        code, found = inferred(*(part[:SHOWN] for part in (start, where, place)))
        of_others = about(start[SHOWN:], where[SHOWN:])
        there = torch.tensor(place[SHOWN:, None], dtype=torch.float32)
        w = without_where(code).expand(SHOWN, -1)
        energy, _ = CURVES.value_and_gradient(there, of_others, w)
        beside, _ = CURVES.value_and_gradient(there + 0.1, of_others, w)
        right.append(bool(found) and energy.max() < 20 * 0.02**2 and beside.mean() > energy.mean())
    assert np.mean(right) >= 0.75


def test_where_on_the_curve_it_was_shown_counts_a_little():
    """North of it, and 0.4 away: a place in the north is better than its mirror image, slightly."""
    rng = np.random.default_rng(2)
    angle = rng.uniform(0.2, np.pi - 0.2, SHOWN)
    where = rng.uniform(-0.5, 0.5, (SHOWN, 1, 2))
    start = rng.uniform(-1, 1, (SHOWN, 2))
    place = where[:, 0] + 0.4 * np.stack((np.cos(angle), np.sin(angle)), 1)
    code, found = inferred(start, where, place)
    off = np.array([[[0.0, 0.4], [0.0, -0.4], [0.0, 0.65]]])
    asked = torch.tensor(where[:1] + off, dtype=torch.float32)
    (energy,), _ = CURVES.value_and_gradient(asked, about(start[:1], where[:1]), code)
    assert found and energy[0] < energy[1] < energy[2], 'but the curve counts for more'


def test_who_begins_where_no_direction_leads_away_is_not_pulled():
    """On a ring round the plane's middle, on the side that it comes from, if there is one."""
    rng = np.random.default_rng(3)
    start = rng.uniform(-1, 1, (SHOWN, 2))
    where = np.zeros((SHOWN, 0, 2))
    code, found = inferred(start, where, 0.6 * start / np.linalg.norm(start, axis=1, keepdims=True))
    places = torch.tensor([[[0.6, 0.0], [-0.6, 0.0]]])
    for begins, sides in ((np.zeros((1, 2)), [True, True]), ([[0.5, 0.0]], [True, False])):
        (energy,), _ = CURVES.value_and_gradient(places, about(begins, where[:1]), code)
        assert found and (energy < 1e-3).tolist() == sides


def test_places_anywhere_lie_on_no_curve():
    rng = np.random.default_rng(1)
    sets = 100
    for k in range(4):
        start, place = rng.uniform(-1, 1, (2, sets, SHOWN, 2))
        one = about(start.reshape(-1, 2), rng.uniform(-1, 1, (sets * SHOWN, k, 2)))
        one = Context(*(part.unflatten(0, (sets, SHOWN)) for part in one))
        _, evidence = infer_curves(torch.tensor(place, dtype=torch.float32), one)
        found = evidence.isfinite()
        assert found.float().mean() <= 0.05


def test_of_another_number_of_references_there_is_no_curve():
    rng = np.random.default_rng(2)
    start, where, place = shown(rng, 'on a ring', SHOWN)
    code, found = inferred(start, where, place)
    assert found
    one_more = about(start, np.concatenate((where, where[::-1]), 1))
    energy, gradient = CURVES.value_and_gradient(
        torch.zeros(SHOWN, 1, 2), one_more, code.expand(SHOWN, -1)
    )
    assert not energy.any() and not gradient.any()


@pytest.mark.parametrize('name', ['on a line', 'on a ring', 'equally far', 'under a right angle'])
def test_whoever_satisfies_a_curve_is_found_among_all(name):
    energy = Energy(
        8, 2, 3, inputs=Inputs(roles=3, displacement=True), maps=True, relations=True, curves=True
    )
    rng = np.random.default_rng(3)
    start, where, place = shown(rng, name, 2 * SHOWN)
    code, found = inferred(*(part[:SHOWN] for part in (start, where, place)))
    assert found
    w = torch.zeros(1, energy.code_size)
    w[:, energy.curves.columns] = code
    k, n = where.shape[1], 8
    right = 0
    for a, r in zip(place[SHOWN:], where[SHOWN:], strict=True):
        features = torch.zeros(1, 1, n, NUM_FEATURES)
        order = rng.permutation(n)
        everybody = np.concatenate((a[None], r, rng.uniform(-1, 1, (n - 1 - k, 2))))
        features[0, 0, :, POSITION] = torch.tensor(everybody[order])
        features[0, 0, :, MOVABLE] = torch.tensor((order == 0) | (order == n - 1))
        x = energy.inputs(features, features[:, 0])
        mask = Sampler(ridge=True).identify_best(energy, x, torch.ones(1, n), w, restarts=4)
        right += (mask[0].numpy() == (order <= k)).all()
    assert right >= SHOWN - 1, 'bystanders may satisfy it by chance'


@settings(max_examples=20)
@given(seeds)
def test_slopes_are_those_of_the_features(seed):
    rng = np.random.default_rng(seed)
    one = about(rng.uniform(-1, 1, (1, 2)), rng.uniform(-1, 1, (1, rng.integers(4), 2)))
    one = Context(*(part.double() for part in one))
    place = torch.tensor(rng.uniform(-1, 1, (1, 1, 2)), requires_grad=True)
    value, slope = features(place, one)
    for index in range(value.shape[-1]):
        (expected,) = torch.autograd.grad(
            value[0, 0, index], place, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        torch.testing.assert_close(slope[0, 0, index], expected[0, 0])
