# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy is what eq. 4 promises, and its closed-form gradients are right."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.relational.energy import Energy
from ebm_core.relational.inputs import Inputs
from ebm_core.relational.layers import SOFTENING
from ebm_core.relational.state_energy import StateEnergy
from ebm_core.world.scene import (
    LAST_STEP,
    MOVABLE,
    NUM_FEATURES,
    NUM_INPUTS,
    POSITION,
)

seeds = st.integers(0, 10_000)
few = settings(max_examples=20)
PLAIN = Inputs()
layouts = st.sampled_from([PLAIN, Inputs(roles=3), Inputs(roles=3, displacement=True)])
STIFFNESS = 20.0**0.5


def problem(seed, batch=3, n=5, times=2, relational=True, inputs=PLAIN, maps=False):
    torch.manual_seed(seed)
    size = {'hidden': 16, 'residuals': 3, 'code_size': 4}
    maps = maps and relational
    energy = Energy(**size, relational=relational, inputs=inputs, maps=maps).double()
    # Biases, and the weight of distances, are zero to begin with: nothing of them could be wrong.
    for parameter in energy.parameters():
        torch.nn.init.normal_(parameter, std=parameter.shape[0] ** -0.5)
    x = torch.randn(batch, times, n, inputs.number, dtype=torch.double)
    gates = torch.rand(batch, n, dtype=torch.double)
    w = torch.randn(batch, energy.code_size, dtype=torch.double)
    return energy, x, gates, w


@given(seed=seeds)
@few
def test_never_negative(seed):
    energy, x, gates, w = problem(seed)
    assert (energy.energy(x, gates, w) >= 0).all()


@given(seed=seeds)
@few
def test_the_order_of_entities_does_not_matter(seed):
    energy, x, gates, w = problem(seed)
    order = torch.randperm(x.shape[2])
    torch.testing.assert_close(
        energy.energy(x[:, :, order], gates[:, order], w), energy.energy(x, gates, w)
    )


@given(seed=seeds)
@few
def test_what_is_not_attended_to_does_not_matter(seed):
    energy, x, gates, w = problem(seed)
    gates[:, -1] = 0
    torch.testing.assert_close(
        energy.energy(x[:, :, :-1], gates[:, :-1], w), energy.energy(x, gates, w)
    )
    x[:, :, -1] += 3
    torch.testing.assert_close(
        energy.energy(x[:, :, :-1], gates[:, :-1], w), energy.energy(x, gates, w)
    )


def residuals_of_maps(x, gates, v):
    """What a code says of the mover's place and of how many take part, times how many can move."""
    gated = x * gates[:, None, :, None]
    movable = gated[..., MOVABLE].sum(-1)  # (B, T)
    parts = [x[..., MOVABLE], *x[..., NUM_INPUTS:].unbind(-1)]

    def total(part, of):
        return (movable * (gates[:, None] * part * of).sum(-1)).sum(1)

    place, start = x[..., POSITION], x[..., POSITION] - x[..., LAST_STEP]
    others = [(parts[0], start), *((part, place) for part in parts[1:])]
    number = len(parts)
    map_on, coefficients, offset, counts = v.split((1, 4 * number, 2, number), 1)
    coefficients = coefficients.unflatten(1, (number, 2, 2))
    rows = []
    for axis in (0, 1):
        row = map_on[:, 0] * total(parts[0], place[..., axis]) - offset[:, axis]
        for entity, (part, where) in enumerate(others):
            for column in (0, 1):
                c = coefficients[:, entity, axis, column]
                row = row - c * total(part, where[..., column])
        rows.append(row)
    for k, part in enumerate(parts):
        rows.append(map_on[:, 0] * total(part, torch.ones_like(part)) - counts[:, k])
    return STIFFNESS * torch.stack(rows, 1)


def reference_energy(energy, x, gates, w):
    """Eq. 4 time by time and pair by pair, from the parameters alone."""
    silu = torch.nn.functional.silu
    total, count = 0, 0
    for i in range(x.shape[2]):
        for j in range(x.shape[2]):
            if not energy.relational and i != j:
                continue
            gate = gates[:, i] * gates[:, j] if energy.relational else gates[:, i]
            for t in range(x.shape[1]):
                u = x[:, t, i] @ energy.g_first + x[:, t, j] @ energy.g_second + energy.g_bias
                offset = (x[:, t, i] - x[:, t, j])[:, POSITION]
                distance = (offset.square().sum(1, keepdim=True) + SOFTENING**2).sqrt()
                u = u + distance * energy.g_distance
                h = silu(silu(u) @ energy.g_hidden + energy.g_hidden_bias)
                total = total + gate[:, None] * h
            count = count + gate
    t = silu(total @ energy.f_in + count[:, None] * energy.f_count + energy.f_bias)
    t = silu(t @ energy.f_hidden + energy.f_hidden_bias) @ energy.f_out + energy.f_out_bias
    size = energy.network_code
    t = t.reshape(len(x), energy.residuals, size + 1)
    network = w[:, size, None] if energy.maps else 1.0
    residual = (t[..., :-1] @ w[:, :size, None])[..., 0] + t[..., -1] * network
    if energy.maps:
        of_maps = residuals_of_maps(x, gates, w[:, size + 1 :])
        residual = torch.cat((residual, of_maps), 1)
    return residual.square().sum(-1)


@given(seed=seeds, relational=st.booleans(), maps=st.booleans(), inputs=layouts)
@few
def test_equals_the_sum_over_pairs(seed, relational, maps, inputs):
    energy, x, gates, w = problem(seed, relational=relational, inputs=inputs, maps=maps)
    expected = reference_energy(energy, x, gates, w)
    torch.testing.assert_close(energy.energy(x, gates, w), expected)
    of_gates = energy.energy_of_gates(energy.pair_sums(x), gates[:, None], energy.with_code(w))
    torch.testing.assert_close(of_gates[:, 0], expected)


@given(seed=seeds, relational=st.booleans(), maps=st.booleans(), inputs=layouts)
@few
def test_gate_gradient_is_autograds(seed, relational, maps, inputs):
    energy, x, gates, w = problem(seed, relational=relational, inputs=inputs, maps=maps)
    gates.requires_grad_()
    (expected,) = torch.autograd.grad(energy.energy(x, gates, w).sum(), gates)
    value, gradient = energy.energy_and_gate_gradient(
        energy.pair_sums(x), gates[:, None], energy.with_code(w)
    )
    torch.testing.assert_close(value[:, 0], energy.energy(x, gates, w))
    torch.testing.assert_close(gradient[:, 0], expected)


@given(
    seed=seeds,
    relational=st.booleans(),
    times=st.sampled_from([1, 4]),
    movers=st.integers(1, 3),
    inputs=layouts,
    maps=st.booleans(),
)
@few
def test_state_energy_is_the_energy_and_its_gradient_is_autograds(
    seed, relational, times, movers, inputs, maps
):
    energy, _, gates, w = problem(seed, n=3, relational=relational, inputs=inputs, maps=maps)
    roles = torch.randn(3, 3, inputs.roles, dtype=torch.double)
    before = torch.randn(3, 3, NUM_FEATURES, dtype=torch.double)
    x = torch.randn(3, times, 3, NUM_FEATURES, dtype=torch.double)
    candidates = x[:, None].repeat(1, 2, 1, 1, 1)
    candidates[..., :movers, :] = torch.randn(3, 2, times, movers, NUM_FEATURES).double()
    candidates.requires_grad_()
    states = StateEnergy(energy, before, x, gates, w, movers, roles)
    value, gradient = states.value_and_gradient(candidates)
    expected = torch.stack(
        [energy.energy(energy.inputs(candidates[:, m], before, roles), gates, w) for m in range(2)],
        1,
    )
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(states(candidates), expected)
    (by_autograd,) = torch.autograd.grad(expected.sum(), candidates)
    torch.testing.assert_close(gradient[..., :movers, :], by_autograd[..., :movers, :])
    assert not gradient[..., movers:, :].any()


def test_the_order_of_states_matters():
    energy, _, gates, w = problem(5)
    before, x = torch.randn(3, 5, NUM_FEATURES), torch.randn(3, 4, 5, NUM_FEATURES)
    there = energy.energy(energy.inputs(x.double(), before.double()), gates, w)
    back = energy.energy(energy.inputs(x.double().flip(1), before.double()), gates, w)
    assert ((there - back).abs() > 1e-6).all()


def test_quadratic_in_the_code():
    energy, x, gates, w = problem(1)
    first, second = w, torch.randn_like(w)
    t = torch.linspace(-1, 2, 4, dtype=torch.double)
    values = torch.stack([energy.energy(x, gates, first + step * (second - first)) for step in t])
    third_difference = values[3] - 3 * values[2] + 3 * values[1] - values[0]
    torch.testing.assert_close(third_difference, torch.zeros_like(third_difference))


def test_frozen_shares_values_and_takes_no_gradient():
    energy, x, gates, w = problem(2)
    frozen = energy.frozen()
    torch.testing.assert_close(frozen.energy(x, gates, w), energy.energy(x, gates, w))
    assert not frozen.energy(x, gates, w).requires_grad
    x.requires_grad_()
    frozen.energy(x, gates, w).sum().backward()
    assert x.grad is not None and all(p.grad is None for p in energy.parameters())


@pytest.mark.parametrize(('n', 'maps'), [(2, False), (6, False), (3, True)])
def test_training_differentiates_through_a_gradient_step(n, maps):
    energy, _, gates, w = problem(3, n=n, maps=maps)
    x = torch.randn(3, 1, n, NUM_FEATURES, dtype=torch.double)
    states = StateEnergy(energy, x[:, 0], x, gates, w, movers=1)
    stepped = x[:, None] - 0.1 * states.value_and_gradient(x[:, None])[1]
    states(stepped).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in energy.parameters())


def test_without_distances_nothing_of_them_is_learned():
    energy = Energy(hidden=16, residuals=3, code_size=4, distances=False).double()
    x = torch.randn(1, 1, 3, NUM_INPUTS, dtype=torch.double)
    one = torch.ones(1, 3, dtype=torch.double)
    energy.energy(x, one, torch.randn(1, 4, dtype=torch.double)).sum().backward()
    assert energy.g_distance.grad is None and not energy.g_distance.any()
    assert energy.g_first.grad is not None
