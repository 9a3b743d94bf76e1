# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is linear in where everybody is follows from five demonstrations, and nothing else does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core import get_concept
from ebm_core.__main__ import main
from ebm_core.model_files import SHIPPED
from ebm_core.relational.affine import joined
from ebm_core.relational.config import preset
from ebm_core.relational.energy import Energy
from ebm_core.relational.inputs import Inputs
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import load_model, save_model
from ebm_core.relational.sampler import Sampler
from ebm_core.world.scene import MOVABLE, NUM_FEATURES, POSITION

ENERGY = Energy(
    hidden=8, residuals=2, code_size=3, inputs=Inputs(roles=3, displacement=True), maps=True
)
SAMPLER = Sampler(ridge=True)
seeds = st.integers(0, 10_000)
few = settings(max_examples=10)


def turned(v):
    return np.stack((-v[:, 1], v[:, 0]), -1)


# By name: how many references, whether they are alike, and where the mover goes.
LINEAR = {
    'a place': (0, False, lambda x0: np.array([0.5, -0.3]) + 0 * x0),
    'a step': (0, False, lambda x0: x0 + np.array([0.3, -0.2])),
    'beside it': (1, False, lambda x0, a: a + np.array([0.0, 0.31])),
    'mirrored': (1, False, lambda x0, a: 2 * a - x0),
    'a third of the way': (2, False, lambda x0, a, b: a + (b - a) / 3),
    'south of the middle': (2, True, lambda x0, a, b: (a + b) / 2 - np.array([0.0, 0.25])),
    'the middle of three': (3, True, lambda x0, a, b, c: (a + b + c) / 3),
    'a parallelogram': (3, False, lambda x0, a, b, c: a - b + c),
    'an equilateral triangle': (2, False, lambda x0, a, b: a + (b - a) / 2 + 0.866 * turned(b - a)),
    'opposite': (0, False, lambda x0: -x0),
}
OTHERS = {
    'on a circle': (
        1,
        False,
        lambda x0, a: a + 0.3 * (x0 - a) / np.linalg.norm(x0 - a, axis=1)[:, None],
    ),
    'on a line': (0, False, lambda x0: np.stack((x0[:, 0], 0 * x0[:, 1] + 0.2), -1)),
    'into a half-plane': (0, False, lambda x0: np.stack((np.minimum(x0[:, 0], 0.1), x0[:, 1]), -1)),
    'anywhere': (1, False, lambda x0, a: np.random.default_rng(5).uniform(-1, 1, x0.shape)),
    'nowhere else': (1, False, lambda x0, a: x0),
}


def shown(rng, references, alike, where_to, number=5, noise=0.0):
    """Return states (number, 2, N, F) and roles (number, N, 3), the mover first."""
    n = 1 + references
    start = rng.uniform(-1, 1, (number, n, 2))
    end = start.copy()
    end[:, 0] = where_to(*np.moveaxis(start, 1, 0)) + noise * rng.normal(size=(number, 2))
    states = rng.uniform(0, 1, (number, 2, n, NUM_FEATURES))
    states[..., POSITION] = np.stack((start, end), 1)
    states[..., MOVABLE] = np.arange(n) == 0
    roles = np.zeros((number, n, 3))
    for k in range(references):
        roles[:, 1 + k, 0 if alike else k] = 1.0
    return torch.tensor(states, dtype=torch.float32), torch.tensor(roles, dtype=torch.float32)


def affine_of(states, roles, gates=None):
    x = ENERGY.inputs(states[:, 1:], states[:, 0], roles)
    return ENERGY.affine(x, torch.ones(x.shape[0], x.shape[2]) if gates is None else gates)


@torch.no_grad()
def code_of(states, roles):
    return SAMPLER.infer_code(ENERGY, affine_of(states, roles).each(lambda part: part[None]))


def is_map(code):
    return float(code[0, ENERGY.network_code]) == 0.0


@torch.no_grad()
def energy_of(code, states, roles, gates=None):
    x = ENERGY.inputs(states[:, 1:], states[:, 0], roles)
    gates = torch.ones(x.shape[0], x.shape[2]) if gates is None else gates
    return ENERGY.energy(x, gates, code.expand(len(x), -1))


@pytest.mark.parametrize('name', LINEAR)
@given(seed=seeds)
@few
def test_five_demonstrations_of_a_linear_place_tell_it_anywhere(name, seed):
    rng = np.random.default_rng(seed)
    code = code_of(*shown(rng, *LINEAR[name]))
    assert is_map(code)
    states, roles = shown(rng, *LINEAR[name], number=20)
    assert energy_of(code, states, roles).max() < 1e-3
    # The energy is that of the distance, in any direction and from any place.
    aside = torch.tensor(rng.uniform(-1, 1, (20, 2)), dtype=torch.float32)
    states[:, 1, 0, POSITION] += aside
    torch.testing.assert_close(
        energy_of(code, states, roles), 20.0 * aside.square().sum(-1), rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize('name', OTHERS)
def test_what_is_not_linear_is_left_to_the_network(name):
    rng = np.random.default_rng(0)
    maps = [is_map(code_of(*shown(rng, *OTHERS[name]))) for _ in range(50)]
    assert np.mean(maps) <= 0.1


def test_who_contradicts_the_others_leaves_no_map():
    rng = np.random.default_rng(1)
    for name in LINEAR:
        states, roles = shown(rng, *LINEAR[name])
        states[3, 1, 0, POSITION] += torch.tensor([0.3, -0.4])
        assert not is_map(code_of(states, roles)), name


def test_a_little_noise_leaves_the_map_and_much_does_not():
    rng = np.random.default_rng(2)
    assert is_map(code_of(*shown(rng, *LINEAR['beside it'], noise=0.01)))
    assert not is_map(code_of(*shown(rng, *LINEAR['beside it'], noise=0.2)))


def test_one_demonstration_is_no_map():
    rng = np.random.default_rng(3)
    states, roles = shown(rng, *LINEAR['a place'], number=1)
    code = code_of(states, roles)
    assert not is_map(code) and code.isfinite().all()


def test_who_is_missing_or_too_many_costs_as_much_as_a_unit_of_distance():
    rng = np.random.default_rng(4)
    states, roles = shown(rng, *LINEAR['a third of the way'])
    code = code_of(states, roles)
    for left_out in range(3):
        gates = torch.ones(5, 3)
        gates[:, left_out] = 0.0
        assert energy_of(code, states, roles, gates).min() > 10.0
    assert energy_of(code, states, roles, torch.zeros(5, 3)).min() > 10.0


def test_several_movers_and_ways_through_time_are_left_to_the_network():
    rng = np.random.default_rng(6)
    states, roles = shown(rng, *LINEAR['beside it'])
    states[:, :, 1, MOVABLE] = 1.0
    assert not is_map(code_of(states, roles))
    states, roles = shown(rng, *LINEAR['beside it'])
    assert not is_map(code_of(torch.cat((states, states[:, 1:]), 1), roles))


def test_many_sets_at_once_are_as_each_alone():
    rng = np.random.default_rng(7)
    sets = [shown(rng, *LINEAR[name]) for name in ('beside it', 'mirrored')]
    sets.append(shown(rng, *OTHERS['on a circle']))
    with torch.no_grad():
        each = [affine_of(*one).each(lambda part: part[None]) for one in sets]
        codes = SAMPLER.infer_code(ENERGY, joined(each))
    for code, one in zip(codes, sets, strict=True):
        torch.testing.assert_close(code[None], code_of(*one), rtol=1e-4, atol=1e-5)


def test_trained_weights_take_maps_as_they_are(tmp_path, capsys):
    plain = preset('open_small_no_maps')
    save_model(tmp_path / 'plain', Learner(plain.model), plain, {'seed': 3})
    out = ['--output', str(tmp_path / 'with')]
    assert main(['add-maps', '--model', str(tmp_path / 'plain'), *out]) == 0
    before, after = load_model(tmp_path / 'plain'), load_model(tmp_path / 'with')
    assert before.sha256 != after.sha256, 'codes of the one are none of the other'
    assert after.code_size > before.code_size and after.card['provenance']['seed'] == 3
    rng = np.random.default_rng(0)
    shown = get_concept('join').demonstrations(rng, 5)
    plain_code, code = (m.infer(shown).action_code for m in (before, after))
    np.testing.assert_allclose(code[: len(plain_code)], plain_code, rtol=1e-5)
    assert main(['add-maps', '--model', str(SHIPPED / 'concepts'), *out]) == 2
    assert 'maps need relational and displacement' in capsys.readouterr().err
