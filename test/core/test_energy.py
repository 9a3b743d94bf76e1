"""The energy is what eq. 4 promises, and its closed-form gradients are right."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.energy import ActorEnergy, Energy, with_one
from ebm_core.scene import NUM_FEATURES, POSITION

seeds = st.integers(0, 10_000)
few = settings(max_examples=20, deadline=None)


def problem(seed, batch=3, n=5):
    torch.manual_seed(seed)
    energy = Energy(hidden=16, residuals=3, code_size=4).double()
    x = torch.randn(batch, n, NUM_FEATURES, dtype=torch.double)
    gates = torch.rand(batch, n, dtype=torch.double)
    w = torch.randn(batch, 4, dtype=torch.double)
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
    order = torch.randperm(x.shape[1])
    torch.testing.assert_close(
        energy.energy(x[:, order], gates[:, order], w), energy.energy(x, gates, w)
    )


@given(seed=seeds)
@few
def test_what_is_not_attended_to_does_not_matter(seed):
    energy, x, gates, w = problem(seed)
    gates[:, -1] = 0
    torch.testing.assert_close(
        energy.energy(x[:, :-1], gates[:, :-1], w), energy.energy(x, gates, w)
    )
    x[:, -1] += 3
    torch.testing.assert_close(
        energy.energy(x[:, :-1], gates[:, :-1], w), energy.energy(x, gates, w)
    )


def reference_energy(energy, x, gates, w):
    """Eq. 4 pair by pair, from the parameters alone."""
    silu = torch.nn.functional.silu
    total, count = 0, 0
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            u = x[:, i] @ energy.g_first + x[:, j] @ energy.g_second + energy.g_bias
            h = silu(silu(u) @ energy.g_hidden + energy.g_hidden_bias)
            gate = gates[:, i] * gates[:, j]
            total, count = total + gate[:, None] * h, count + gate
    t = silu(total @ energy.f_in + count[:, None] * energy.f_count + energy.f_bias)
    t = silu(t @ energy.f_hidden + energy.f_hidden_bias) @ energy.f_out + energy.f_out_bias
    t = t.reshape(len(x), energy.residuals, energy.code_size + 1)
    residual = (t[..., :-1] @ w[..., None])[..., 0] + t[..., -1]
    return residual.square().sum(-1)


@given(seed=seeds)
@few
def test_equals_the_sum_over_pairs(seed):
    energy, x, gates, w = problem(seed)
    torch.testing.assert_close(energy.energy(x, gates, w), reference_energy(energy, x, gates, w))


@given(seed=seeds)
@few
def test_gate_gradient_is_autograds(seed):
    energy, x, gates, w = problem(seed)
    gates.requires_grad_()
    (expected,) = torch.autograd.grad(energy.energy(x, gates, w).sum(), gates)
    value, gradient = energy.energy_and_gate_gradient(energy.pairs(x), gates, with_one(w))
    torch.testing.assert_close(value, energy.energy(x, gates, w))
    torch.testing.assert_close(gradient, expected)


@given(seed=seeds)
@few
def test_actor_energy_is_the_energy_and_its_gradient_is_autograds(seed):
    energy, x, gates, w = problem(seed)
    position = torch.randn(len(x), 2, 2, dtype=torch.double, requires_grad=True)
    actor = ActorEnergy(energy, x, gates, w)
    value, gradient = actor.value_and_gradient(position)
    for m in range(position.shape[1]):
        moved = x.clone()
        moved[:, 0, POSITION] = position[:, m]
        torch.testing.assert_close(value[:, m], energy.energy(moved, gates, w))
    torch.testing.assert_close(actor(position), value)
    (expected,) = torch.autograd.grad(value.sum(), position)
    torch.testing.assert_close(gradient, expected)


def test_an_actor_alone_has_an_energy():
    energy, x, gates, w = problem(0, n=1)
    actor = ActorEnergy(energy, x, gates, w)
    torch.testing.assert_close(actor(x[:, :, POSITION])[:, 0], energy.energy(x, gates, w))


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


@pytest.mark.parametrize('n', [2, 6])
def test_training_differentiates_through_a_gradient_step(n):
    energy, x, gates, w = problem(3, n=n)
    position = x[:, None, 0, POSITION]
    actor = ActorEnergy(energy, x, gates, w)
    stepped = position - 0.1 * actor.value_and_gradient(position)[1]
    actor(stepped).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in energy.parameters())
