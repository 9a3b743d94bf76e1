# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is seen with noise is told by what does not move, and follows a map or a curve all the same.

σ is 0.05 particle units, independent in each state and of each entity.
"""

import numpy as np
import pytest
import torch

from ebm_core.relational.curves import context_of
from ebm_core.relational.energy import Energy
from ebm_core.relational.explanations import with_curves
from ebm_core.relational.inputs import Inputs
from ebm_core.relational.sampler import Sampler
from ebm_core.relational.sight import (
    changes_colour,
    noise_of_places,
    noise_seen,
    seen_twice,
    settled,
)
from ebm_core.world.scene import COLOUR, MOVABLE, NUM_FEATURES, POSITION, Demonstration, Scene

SIGMA = 0.05
SETS, SHOWN = 30, 5
ENERGY = Energy(
    hidden=8,
    residuals=2,
    code_size=3,
    inputs=Inputs(roles=3, displacement=True),
    maps=True,
    curves=True,
    relations=True,
    formations=True,
)
SAMPLER = Sampler(ridge=True)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


# By name: how many references, each of a role of its own, and where the mover goes.
LINEAR = {
    'the place (0.5, −0.3)': (0, lambda x0: np.array([0.5, -0.3]) + 0 * x0),
    'a step': (0, lambda x0: x0 + np.array([0.3, -0.2])),
    'beside it': (1, lambda x0, a: a + np.array([0.0, 0.31])),
    'a third of the way': (2, lambda x0, a, b: a + (b - a) / 3),
    'left of it': (2, lambda x0, a, b: a + np.stack(((a - b)[..., 1], (b - a)[..., 0]), -1)),
}
CURVED = {
    'on a ring': (1, lambda x0, a: a + 0.4 * unit(x0 - a)),
    'equally far': (
        2,
        lambda x0, a, b: (
            x0 - ((x0 - (a + b) / 2) * unit(b - a)).sum(-1, keepdims=True) * unit(b - a)
        ),
    ),
}
DIRECTED = {
    'left of it, seen towards another': (
        2,
        lambda x0, a, b: a + 0.3 * np.stack((-unit(b - a)[..., 1], unit(b - a)[..., 0]), -1),
    ),
    'behind it': (1, lambda x0, a: a + 0.25 * unit(a - x0)),
    'mirrored at x = 0': (0, lambda x0: x0 * np.array([-1.0, 1.0])),
}
NEITHER = {
    'anywhere': (1, lambda x0, a: np.random.default_rng(5).uniform(-1, 1, x0.shape)),
    'nowhere else': (1, lambda x0, a: x0),
}


def events(rng, references, where_to, noise=SIGMA):
    """States (SETS, SHOWN + 1, 2, N, F), the mover first, and roles; the last of a set is exact."""
    n = 1 + references
    start = rng.uniform(-1, 1, (SETS, SHOWN + 1, n, 2))
    end = start.copy()
    end[:, :, 0] = where_to(*np.moveaxis(start, 2, 0))
    states = rng.uniform(0, 1, (SETS, SHOWN + 1, 1, n, NUM_FEATURES)).repeat(2, 2)
    states[..., POSITION] = np.stack((start, end), 2)
    states[:, :SHOWN, ..., POSITION] += noise * rng.normal(size=(SETS, SHOWN, 2, n, 2))
    states[..., MOVABLE] = np.arange(n) == 0
    roles = np.zeros((SETS, SHOWN + 1, n, 3))
    for k in range(references):
        roles[:, :, 1 + k, k] = 1.0
    return torch.tensor(states, dtype=torch.float32), torch.tensor(roles, dtype=torch.float32)


@torch.no_grad()
def codes_of(states, roles, seen):
    """The codes of what SHOWN demonstrations of each set follow."""
    states, roles = seen_twice(states[:, :SHOWN]), roles[:, :SHOWN]
    x = ENERGY.inputs(states[:, :, 1:], states[:, :, 0], roles)
    gates = torch.ones(states.shape[:2] + states.shape[3:4])
    codes = SAMPLER.infer_code(ENERGY, ENERGY.affine(x, gates), seen=seen)
    return with_curves(ENERGY, codes, states, gates, roles, seen)


def is_map(codes):
    return (codes[:, ENERGY.network_code] == 0) & (codes[:, ENERGY.maps.columns.start] > 0.5)


def is_curve(codes):
    return codes[:, ENERGY.curves.columns.start] > 0.5


@pytest.mark.parametrize('name', LINEAR)
def test_noisy_demonstrations_of_a_linear_place_tell_it(name):
    states, roles = events(np.random.default_rng(0), *LINEAR[name])
    codes = codes_of(states, roles, torch.full((SETS,), SIGMA))
    assert is_map(codes).float().mean() >= 0.9
    x = ENERGY.inputs(states[:, -1, 1:], states[:, -1, 0], roles[:, -1])
    off = (ENERGY.energy(x, torch.ones(x.shape[0], x.shape[2]), codes) / 20).sqrt()
    assert (off[is_map(codes)] < 0.1).float().mean() >= 0.8
    exact = codes_of(states, roles, torch.zeros(SETS))
    assert is_map(exact).float().mean() <= 0.5, 'noise that is not known of is taken for meant'


@pytest.mark.parametrize('name', CURVED)
def test_noisy_demonstrations_of_a_curve_tell_it(name):
    states, roles = events(np.random.default_rng(1), *CURVED[name])
    codes = codes_of(states, roles, torch.full((SETS,), SIGMA))
    assert is_curve(codes).float().mean() >= 0.8 and is_map(codes).float().mean() <= 0.1


@pytest.mark.parametrize('name', DIRECTED)
def test_noisy_demonstrations_of_a_place_that_directions_tell_tell_it(name):
    states, roles = events(np.random.default_rng(3), *DIRECTED[name])
    codes = codes_of(states, roles, torch.full((SETS,), SIGMA))
    assert is_curve(codes).float().mean() >= 0.8
    place = states[:, -1, :, :, POSITION]
    about = context_of(
        *(place[:, 0, 1:], torch.ones(SETS, place.shape[2] - 1), place[:, 0, 0]),
        roles[:, -1, 1:],
    )
    energy, _ = ENERGY.curves.value_and_gradient(place[:, 1, :1], about, codes)
    found = ENERGY.curves.alone(codes, about)
    assert (energy[found, 0] < 20 * 0.1**2).float().mean() >= 0.8


@pytest.mark.parametrize('name', NEITHER)
def test_noise_makes_no_map_of_what_is_none(name):
    states, roles = events(np.random.default_rng(2), *NEITHER[name])
    codes = codes_of(states, roles, torch.full((SETS,), SIGMA))
    assert (is_map(codes) | is_curve(codes)).float().mean() <= 0.1


def test_who_changes_colour_goes_nowhere():
    states, _ = events(np.random.default_rng(3), *NEITHER['nowhere else'])
    states[:, :, 1, 0, COLOUR] = torch.rand(SETS, SHOWN + 1, 3)
    assert changes_colour(states).all()
    states, _ = events(np.random.default_rng(3), *LINEAR['beside it'])
    states[..., COLOUR] += 0.1 * torch.randn(states[..., COLOUR].shape)
    assert not changes_colour(states).any()


def test_what_stays_shows_the_noise():
    rng = np.random.default_rng(4)
    stays = torch.ones(SETS, SHOWN, 4, dtype=torch.bool)
    stays[..., 0] = False
    for noise in (0.0, 0.02, SIGMA):
        states, _ = events(rng, 3, lambda x0, a, b, c: a, noise)
        seen = noise_of_places(states[:, :SHOWN], stays)
        assert float(seen.mean()) == pytest.approx(noise, rel=0.1, abs=1e-6)
    # Nor is it, where one of them was carried away.
    states[:, :, 1, 1, POSITION] += 0.8
    seen = noise_of_places(states[:, :SHOWN], stays)
    assert float(seen.mean()) == pytest.approx(SIGMA, rel=0.15)
    assert not noise_of_places(states[:, :1], stays[:, :1] & False).any()


def test_who_cannot_move_is_where_both_sights_of_it_are_in_the_mean():
    positions = np.array(
        [[[0.0, 0.0], [0.5, 0.5], [-0.5, 0.0]], [[0.4, 0.0], [0.6, 0.5], [0.5, 0.0]]]
    )
    movable = np.array([True, False, False])
    scenes = [Scene(p, np.full((3, 3), 0.5), np.zeros(3, int), movable) for p in positions]
    one = settled(scenes)
    for state, place in zip(one, positions, strict=True):
        np.testing.assert_allclose(state.positions[1], [0.55, 0.5], atol=1e-6)
        np.testing.assert_array_equal(state.positions[[0, 2]], place[[0, 2]].astype(np.float32))
    assert settled([scenes[0]] * 2)[0] is scenes[0]
    assert settled([*scenes, scenes[1]])[0] is scenes[0], 'on the way, references move'
    shown = [Demonstration(tuple(scenes), np.array([1.0, 1.0, 0.0]))] * 4
    # Of eight differences, what was carried away by 1.0 is none, and the others are 0.1 and 0.
    assert noise_seen(shown) < 0.1 and not noise_seen([]).any()


def test_a_noisy_pair_is_a_pair_where_noise_is_known_of():
    rng = np.random.default_rng(6)
    angle = rng.uniform(0, 2 * np.pi, (SETS, SHOWN))
    half = 0.3 * np.stack((np.cos(angle), np.sin(angle)), -1)
    middle = rng.uniform(-0.7, 0.7, half.shape)
    place = np.stack((middle + half, middle - half), 2) + SIGMA * rng.normal(
        size=(SETS, SHOWN, 2, 2)
    )
    states = torch.zeros(SETS, SHOWN, 1, 2, NUM_FEATURES)
    states[..., POSITION] = torch.tensor(place[:, :, None], dtype=torch.float32)
    states[..., MOVABLE] = 1.0
    gates, roles = torch.ones(SETS, SHOWN, 2), torch.zeros(SETS, SHOWN, 2, 3)
    affine = ENERGY.affine(ENERGY.inputs(states, states[:, :, 0], roles), gates)

    def agreed(seen):
        return ENERGY.formations.infer(affine.formations, seen).any(-1).float().mean()

    assert agreed(torch.full((SETS,), SIGMA)) >= 0.8
    assert agreed(None) <= 0.2
