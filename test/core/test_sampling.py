# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Langevin steps on any energy, and the buffer in which chains go on."""

import pytest
import torch

from ebm_core.sampling.langevin import Langevin, StepRange
from ebm_core.sampling.replay import ReplayBuffer


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_a_chain_descends_and_its_steps_are_bounded():
    langevin = Langevin(40, {'v': StepRange(0.1, 0.1, clip=0.5)})
    start = torch.tensor([[100.0, 0.0], [0.3, -0.2]])
    step = langevin.step('v', 0, start, 2 * start, 0.0)
    # However steep it is far out, a step is at most its size times the radius.
    assert (step - start).norm(dim=-1)[0].item() == pytest.approx(0.1 * 0.5, rel=0.01)
    end = langevin.chain('v', start[1:], lambda v: 2 * v, 0.0)
    assert end.norm() < 0.01


def test_noise_has_the_spread_asked_for():
    langevin = Langevin(1, {'v': StepRange(0.1, 0.1, clip=1.0)})
    moved = langevin.step('v', 0, torch.zeros(20_000, 2), torch.zeros(20_000, 2), 0.3)
    assert moved.std().item() == pytest.approx(0.3, rel=0.03)


def test_step_sizes_and_radii_are_learned():
    langevin = Langevin(3, {'v': StepRange(0.3, 0.1, clip=1.0)})
    langevin.chain('v', torch.ones(5, 2), lambda v: 2 * v, 0.0).square().sum().backward()
    assert all((p.grad != 0).all() for p in langevin.parameters())
    steps = langevin.log_step['v'].exp()
    assert steps[0].item() == pytest.approx(0.3) and steps[-1].item() == pytest.approx(0.1)


def test_chains_go_on_where_they_ended():
    buffer = ReplayBuffer(torch.zeros(10, 2), restart_share=0.0)
    _, places = buffer.draw(torch.ones(4, 2))
    assert len(set(places.tolist())) == 4
    buffer.put(places, torch.full((4, 2), 7.0))
    starts, _ = buffer.draw(torch.ones(10, 2))
    assert sorted(starts[:, 0].tolist()) == [0.0] * 6 + [7.0] * 4


def test_a_share_of_chains_begins_anew():
    buffer = ReplayBuffer(torch.zeros(4000, 2), restart_share=0.05)
    starts, _ = buffer.draw(torch.ones(4000, 2))
    assert starts[:, 0].mean() == pytest.approx(0.05, abs=0.01)
    assert torch.equal(starts[:, 0], starts[:, 1])  # whole samples


def test_a_chain_that_diverged_is_not_kept():
    buffer = ReplayBuffer(torch.zeros(2, 2), restart_share=0.0)
    buffer.put(torch.tensor([0, 1]), torch.tensor([[torch.nan, 0.0], [1.0, 2.0]]))
    assert buffer.samples.tolist() == [[0.0, 0.0], [1.0, 2.0]]


def test_the_buffer_is_saved_with_the_model():
    one, other = ReplayBuffer(torch.rand(3, 2)), ReplayBuffer(torch.zeros(3, 2))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.samples, other.samples)
