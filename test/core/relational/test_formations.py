# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How several stand to one another follows from five demonstrations, and can be brought about."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.relational.affine import joined
from ebm_core.relational.energy import Energy
from ebm_core.relational.formation_search import FormationOfStates
from ebm_core.relational.formations import Formations
from ebm_core.relational.inputs import Inputs
from ebm_core.relational.sampler import Sampler
from ebm_core.relational.state_energy import StateEnergy
from ebm_core.world.scene import MOVABLE, NUM_FEATURES, NUM_INPUTS, POSITION

FORMATIONS = Formations(roles=3)
seeds = st.integers(0, 10_000)
few = settings(max_examples=5)


def template(rng, number):
    """Return places (number, 2) around their centre, none nearer than 0.2 to another."""
    while True:
        places = rng.uniform(-0.6, 0.6, (number, 2))
        apart = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(number)
        if apart.min() > 0.2:
            return places - places.mean(0)


def placed(rng, places, number, *, turned=True, around=True):
    """Return inputs (number, N, I) of movers in a formation, and a reference in its centre.

    Movers stand in any order; around: whether the reference is in the centre, or anywhere.
    """
    n = len(places)
    turn = rng.uniform(0, 2 * np.pi, (number, 1)) if turned else np.zeros((number, 1))
    any_order = rng.permuted(np.tile(np.arange(n), (number, 1)), axis=1)
    at = (places @ (1, 1j))[any_order] * np.exp(1j * turn)
    centre = rng.uniform(-1, 1, (number, 1, 2))
    reference = centre if around else rng.uniform(-1, 1, centre.shape)
    x = torch.zeros(number, n + 1, NUM_INPUTS + 3)
    movers = np.stack((at.real, at.imag), -1) + centre
    x[..., POSITION] = torch.tensor(np.concatenate((movers, reference), 1), dtype=torch.float32)
    x[:, :n, MOVABLE] = 1.0
    x[:, n, NUM_INPUTS] = 1.0
    return x


def code_of(x):
    sums = FORMATIONS.pairs(x).sum((-2, -3))
    return FORMATIONS.infer(FORMATIONS.matrix(sums)[None])


def missed(code, x, gates=None):
    """Return how far (B,) inputs (B, N, I) are from what a code says, in units of distance."""
    gates = torch.ones(x.shape[:2]) if gates is None else gates
    some = FormationOfStates(FORMATIONS.layout, x, gates, x.shape[1] - 1, code.expand(len(x), -1))
    return some.residuals(x[:, None, None, :, POSITION]).norm(dim=-1).squeeze(1)


@given(seed=seeds, movers=st.integers(2, 5), turned=st.booleans(), around=st.booleans())
@few
def test_five_demonstrations_tell_any_formation(seed, movers, turned, around):
    rng = np.random.default_rng(seed)
    places = template(rng, movers)
    how = {'turned': turned, 'around': around}
    code = code_of(placed(rng, places, 5, **how))
    assert missed(code, placed(rng, places, 20, **how)).max() < 0.02
    # Whoever is aside is missed by about as much; so is another shape, size, turn or centre.
    aside = placed(rng, places, 20, **how)
    aside[:, 0, POSITION] += 0.2
    assert missed(code, aside).min() > 0.02
    assert missed(code, placed(rng, 1.3 * places, 20, **how)).min() > 0.03
    if around:
        assert missed(code, placed(rng, places, 20, turned=turned, around=False)).median() > 0.1
    if not turned and movers == 2:
        assert missed(code, placed(rng, places, 20, turned=True, around=around)).median() > 0.1


@given(seed=seeds, movers=st.integers(2, 5), turned=st.booleans(), around=st.booleans())
@few
def test_from_anywhere_there_is_a_way_into_it(seed, movers, turned, around):
    rng = np.random.default_rng(seed)
    places, how = template(rng, movers), {'turned': turned, 'around': around}
    code = code_of(placed(rng, places, 5, **how))
    x = placed(rng, places, 1, **how)
    some = FormationOfStates(FORMATIONS.layout, x, torch.ones(1, movers + 1), movers, code)
    start = x[:, None, None, :, POSITION].repeat(1, 24, 1, 1, 1)
    anywhere = rng.uniform(-1, 1, start[..., :movers, :].shape)
    start[..., :movers, :] = torch.tensor(anywhere, dtype=torch.float32)
    ends = some.reached(start, 20)
    assert some.residuals(ends).norm(dim=-1).min() < 0.02
    torch.testing.assert_close(ends[..., movers:, :], start[..., movers:, :])


def test_what_demonstrations_do_not_agree_on_is_no_formation():
    rng = np.random.default_rng(0)
    places = template(rng, 3)
    shown = placed(rng, places, 5)
    assert code_of(shown).any()
    one_wrong = shown.clone()
    one_wrong[2, 0, POSITION] += 0.3
    sizes = torch.cat([placed(rng, s * places, 1) for s in (0.5, 0.7, 1.0, 1.2, 1.4)])
    one_mover = shown.clone()
    one_mover[:, 1:, MOVABLE] = 0.0
    for others in (one_wrong, sizes, one_mover, shown[:1]):
        assert not code_of(others).any()


def test_who_is_missing_costs_as_much_as_a_third_of_a_unit_of_distance():
    rng = np.random.default_rng(1)
    places = template(rng, 4)
    code, x = code_of(placed(rng, places, 5)), placed(rng, places, 5)
    for left_out in range(5):
        gates = torch.ones(5, 5)
        gates[:, left_out] = 0.0
        assert missed(code, x, gates).min() > 0.25


@pytest.mark.parametrize('movers', [2, 3])
def test_energies_and_gradients_of_states_are_those_of_pairs(movers):
    torch.manual_seed(0)
    inputs = Inputs(roles=3, displacement=True)
    size = {'hidden': 8, 'residuals': 2, 'code_size': 3}
    energy = Energy(**size, inputs=inputs, maps=True, formations=True).double()
    before = torch.rand(2, 5, NUM_FEATURES, dtype=torch.double)
    before[..., MOVABLE] = (torch.arange(5) < movers).double()
    roles = torch.nn.functional.one_hot(torch.tensor([[0, 0, 1, 2, 2]] * 2), 3).double()
    gates, w = torch.rand(2, 5).double(), torch.randn(2, energy.code_size).double()
    states = before[:, None, None].repeat(1, 4, 1, 1, 1)
    states[..., :movers, POSITION] = torch.rand(2, 4, 1, movers, 2).double()
    states.requires_grad_()
    of_states = StateEnergy(energy, before, before[:, None], gates, w, movers, roles)
    each = [energy.energy(inputs(s, before, roles), gates, w) for s in states.unbind(1)]
    torch.testing.assert_close(of_states(states), torch.stack(each, 1))
    value, gradient = of_states.value_and_gradient(states.detach())
    torch.testing.assert_close(value, of_states(states))
    (right,) = torch.autograd.grad(value_sum := of_states(states).sum(), states)
    assert value_sum > 0
    moved = (..., slice(movers), POSITION)
    torch.testing.assert_close(gradient[moved], right[moved])
    place = states.detach()[..., POSITION]
    jacobian = torch.autograd.functional.jacobian(
        lambda p: of_states.formation.residuals(p).sum((0, 1)), place
    )
    found = of_states.formation.jacobian(place)
    torch.testing.assert_close(found, jacobian.permute(1, 2, 0, 3, 4, 5)[..., :movers, :])


@torch.no_grad()
def test_codes_of_many_events_are_as_each_alone_and_leave_the_networks_as_it_was():
    torch.manual_seed(1)
    inputs = Inputs(roles=3, displacement=True)
    size = {'hidden': 8, 'residuals': 2, 'code_size': 3, 'inputs': inputs, 'maps': True}
    energy, sampler = Energy(**size, formations=True), Sampler(ridge=True)
    plain = Energy(**size)
    plain.load_state_dict(energy.state_dict())
    rng = np.random.default_rng(2)
    places = template(rng, 2)
    sets = torch.stack([placed(rng, places, 5), placed(rng, places, 5, around=False)])
    sets[1, 3, 0, POSITION] += 0.4
    gates = torch.ones(5, 3)

    def of_one(energy, x):
        return energy.affine(x[:, None], gates).each(lambda part: part[None])

    together = sampler.infer_code(energy, joined([of_one(energy, x) for x in sets]))
    for one, code in zip(sets, together, strict=True):
        alone = sampler.infer_code(energy, of_one(energy, one))[0]
        torch.testing.assert_close(alone, code, rtol=1e-4, atol=1e-5)
        of_plain = sampler.infer_code(plain, of_one(plain, one))[0]
        torch.testing.assert_close(of_plain, code[: plain.code_size], rtol=1e-4, atol=1e-5)
    formation = together[:, plain.code_size :]
    assert formation[0].any() and not formation[1].any()
