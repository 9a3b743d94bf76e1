# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Outlines and colours that are remembered, the energies of both, and where levels of noise lie."""

import math

import numpy as np
import pytest
import torch

from ebm_core.compositional.config import preset
from ebm_core.compositional.energy import AttributeEnergy, ImageEnergy
from ebm_core.compositional.levels import level
from ebm_core.datasets.shapes import ATTRIBUTES, draw_images, draw_values


def shapes(values):
    return draw_images(torch.as_tensor(values), torch.zeros(len(values), 5))


def energy_of_all(images, **sizes):
    energy = ImageEnergy(preset('tiny', **sizes).model).requires_grad_(False)
    energy.memory.begin(images)
    return energy


def test_the_energy_is_of_every_outline_in_every_colour():
    torch.manual_seed(0)
    energy = ImageEnergy(preset('tiny', outlines=3, colours=2).model).requires_grad_(False)
    memory, x, sigma = energy.memory, torch.rand(4, 3, 24, 24), torch.tensor([3.0, 4.0, 5.0, 6.0])
    memory.outline_logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
    drawn = memory.outlines[:, None, None, :] * memory.colours[None, :, :, None]
    away = (x.flatten(2)[:, None, None] - drawn).square().sum((3, 4)) / (2 * sigma**2)[
        :, None, None
    ]
    often = memory.outline_logits.softmax(0)[:, None] / 2
    expected = -(often * torch.exp(-away)).sum((1, 2)).log()
    assert torch.allclose(energy(x, sigma), expected, rtol=1e-4)


def test_down_its_gradient_lies_the_mean_of_what_may_be_under_the_noise():
    one, other = images = shapes([[0, 2, 4, 0, 0], [0, 2, 4, 3, 0]])  # red and cyan
    energy = energy_of_all(images, outlines=2, colours=2)
    x = ((one + other) / 2)[None].requires_grad_()
    sigma = torch.tensor([2.0])
    (slope,) = torch.autograd.grad(energy(x, sigma).sum(), x)
    assert torch.allclose(x - sigma**2 * slope, (one + other) / 2, atol=1e-3)


def test_an_outline_is_as_likely_in_a_colour_that_it_was_never_seen_in():
    red, green = 0, ATTRIBUTES['colour'].index('green')
    seen = shapes([[0, 2, 4, red, 0], [1, 1, 0, green, 3]])
    energy, sigma = energy_of_all(seen, outlines=2, colours=2), torch.full((2,), 0.1)
    unseen = shapes([[0, 2, 4, green, 0], [1, 1, 0, red, 3]])
    assert torch.allclose(energy(unseen, sigma), energy(seen, sigma), atol=0.1)
    assert energy(seen, sigma).max() < math.log(4) + 0.1  # each is one of four
    others = shapes([[2, 2, 4, red, 0], [1, 1, 1, green, 3]])
    assert energy(others, sigma).min() > 100


def test_memory_begins_with_all_six_colours():
    rng = np.random.default_rng(0)
    energy = energy_of_all(shapes(draw_values(60, rng)), outlines=60, colours=6)
    pure = shapes([[0, 2, 4, hue, 0] for hue in range(6)]).amax((2, 3))
    nearest = torch.cdist(pure, energy.memory.colours).argmin(1)
    assert sorted(nearest.tolist()) == list(range(6))


def test_an_attribute_is_called_what_it_was_told_and_names_alone_are_learned():
    values = torch.tensor([[0, 2, 4, 0, 0], [1, 1, 0, 2, 3], [3, 0, 8, 4, 5]])
    sizes = {'outlines': 3, 'colours': 3}
    for attribute in ('turn', 'colour'):
        energy = AttributeEnergy(preset('tiny', attribute=attribute, **sizes).model)
        told = values[:, list(ATTRIBUTES).index(attribute)]
        energy.begin(shapes(values), told)
        learned = [name for name, weights in energy.named_parameters() if weights.requires_grad]
        assert learned == ['names']
        clear = energy(shapes(values), torch.full((3,), 0.1))
        assert torch.equal(clear.argmin(1), told) and clear.amin(1).max() < 1e-3
        # An outline in another's colour keeps its turn, and has the other's colour.
        mixed = values.clone()
        mixed[:, 3] = mixed[[1, 2, 0], 3]
        expected = mixed[:, list(ATTRIBUTES).index(attribute)]
        assert torch.equal(energy(shapes(mixed), torch.full((3,), 0.1)).argmin(1), expected)
        hidden = energy(shapes(values), torch.full((3,), 1e4)).exp().reciprocal()
        share = torch.nn.functional.one_hot(told, hidden.shape[1]).float().mean(0)
        assert torch.allclose(hidden, share.expand(3, -1), atol=1e-3)


def test_levels_are_densest_between_the_ends():
    found = np.log(level(np.linspace(0, 1, 1001), 0.05, 5.0))
    assert found[[0, -1]] == pytest.approx(np.log([0.05, 5.0]))
    gaps = np.diff(found)
    assert (gaps > 0).all() and gaps[0] == pytest.approx(3 * gaps[500], rel=1e-3)
