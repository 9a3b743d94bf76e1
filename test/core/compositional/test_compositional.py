# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies of attributes: what training fits, what sums of them mean, and what the judge sees."""

import json
import math

import numpy as np
import pytest
import torch
from processes import CPU, assert_same_checkpoint
from torch import nn

from ebm_core.__main__ import main
from ebm_core.compositional.config import preset
from ebm_core.compositional.energy import AttributeEnergy, load_attribute_energy
from ebm_core.compositional.judge import judge
from ebm_core.compositional.recipe import AttributeRecipe
from ebm_core.compositional.requests import every_request, measure, told
from ebm_core.compositional.sums import Asked, Sampling, sample, summed
from ebm_core.datasets.shapes import ATTRIBUTES, COUNTS, draw_images, draw_values
from ebm_core.errors import InvalidInput
from ebm_core.training.loop import train

FEW = ['--device', 'cpu', '--set', 'steps=2']


class Known(nn.Module):
    """The exact energy of noisy images, of which there are 40 with known values."""

    def __init__(self, attribute, values, images):
        super().__init__()
        self.config = preset('tiny', attribute=attribute).model
        self.own, self.images = values[:, list(ATTRIBUTES).index(attribute)], images.flatten(1)

    def forward(self, x, y, sigma):
        away = torch.cdist(x.flatten(1), self.images).square() / (2 * sigma[:, None].square())
        other = (y[:, None] > 0) & (self.own != y[:, None] - 1)
        logs = torch.where(other, -math.inf, -away)
        count = torch.isfinite(logs).sum(1).clamp_min(1)  # none has the value: rare, never asked
        return count.log() - torch.logsumexp(logs, 1)


@pytest.fixture(scope='module')
def known():
    rng = np.random.default_rng(0)
    values = torch.from_numpy(draw_values(40, rng))
    jitter = torch.from_numpy(rng.uniform(-1, 1, (40, 5)).astype(np.float32))
    images = draw_images(values, jitter)
    return values, images, {name: Known(name, values, images) for name in ATTRIBUTES}


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    directory = tmp_path_factory.mktemp('shapes')
    for attribute in ATTRIBUTES:
        command = ['shapes', 'train', '--preset', 'tiny', '--attribute', attribute]
        assert main([*command, '--output', str(directory / attribute), *FEW]) == 0
    return directory


def test_the_judge_sees_what_was_drawn_and_no_shape_in_noise(known):
    values, images, _ = known
    torch.manual_seed(0)
    verdict = judge((images[:20] + 0.03 * torch.randn(20, *images.shape[1:])).clamp(0, 1))
    assert torch.equal(verdict.values, values[:20]) and verdict.is_shape.all()
    two = (images[:1] + images[1:2]).clamp(0, 1)
    assert not judge(torch.cat((torch.rand_like(two), torch.zeros_like(two), two))).is_shape.any()


def test_training_lowers_what_denoising_loses(tmp_path):
    recipe = AttributeRecipe(preset('tiny', steps=40, learning_rate=0.02, warmup_steps=5))
    losses = []

    class Noted(AttributeRecipe):
        def losses(self, module, batch, step):
            made = super().losses(module, batch, step)
            losses.append(float(made.total.detach()))
            return made

    train(Noted(recipe.preset), tmp_path, device=CPU, quiet=True)
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])


def test_the_exact_energy_loses_the_least(known):
    values, images, energies = known
    torch.manual_seed(0)
    recipe = AttributeRecipe(preset('tiny'))
    few = images[:32]
    sigma = torch.linspace(0.05, 2, 32)
    batch = (few, 1 + values[:32, 0], sigma, torch.randn_like(few))
    exact = recipe.losses(energies['shape'], batch, 0).total
    other = recipe.losses(AttributeEnergy(recipe.preset.model), batch, 0).total
    assert exact < 0.3 * other


def test_sums_of_exact_energies_have_all_that_is_asked(known):
    values, _, energies = known
    asked = values[:6]
    for common_once in (True, False):
        how = Sampling(levels=40, steps=3, common_once=common_once)
        verdict = judge(sample(energies, told(asked, (0, 2, 3)), how, seed=1))
        right = (verdict.values == asked)[:, [0, 2, 3]].all(1) & verdict.is_shape
        assert right.sum() >= 5  # a chain may end between two of the few images


def test_negation_and_either_or(known):
    _, _, energies = known
    how = Sampling(levels=25, steps=2)
    either = Asked('colour', torch.tensor([[0, 3]] * 24))
    colours = judge(sample(energies, [either], how)).values[:, 3]
    assert set(colours.tolist()) == {0, 3}
    denied = Asked('colour', torch.full((12, 1), 2), negated=True)
    how = how._replace(denial=1.0)
    assert (judge(sample(energies, [denied], how)).values[:, 3] != 2).all()


def test_the_sum_counts_what_is_common_once(known):
    values, images, energies = known
    x, sigma = images[:3] + 0.1, torch.full((3,), 0.5)
    request = told(values[:3], (0, 3))
    untold = energies['shape'](x, torch.zeros(3, dtype=torch.long), sigma)
    once, plain = (
        summed(energies, request, x, sigma, Sampling(common_once=c)) for c in (True, False)
    )
    assert torch.allclose(plain - once, untold, rtol=1e-4)


def test_a_resumed_run_goes_on_exactly(tmp_path):
    recipe = AttributeRecipe(preset('tiny', steps=4, checkpoint_every=2))
    train(recipe, tmp_path / 'whole', device=CPU, quiet=True)

    def stop(module, step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / 'parts', device=CPU, quiet=True, report=stop)
    train(recipe, tmp_path / 'parts', device=CPU, quiet=True)
    assert_same_checkpoint(tmp_path / 'whole', tmp_path / 'parts')


def test_requests_ask_for_what_their_name_says():
    made = every_request(50, np.random.default_rng(0), CPU)
    assert [len(r) for r in made['2 attributes']] == [2] * 10
    for name, requests in made.items():
        assert 50 <= sum(len(r[0].values) for r in requests) <= 60, name
        for part in (part for request in requests for part in request):
            assert (part.values < COUNTS[list(ATTRIBUTES).index(part.attribute)]).all()
    (either,) = made['shape, either of two colours']
    assert (either[1].values[:, 0] != either[1].values[:, 1]).all()


def test_shares_are_of_images_that_have_all(known):
    values, _, energies = known
    wrong = values[:6].clone()
    wrong[:3, 3] = (wrong[:3, 3] + 1) % 6
    asked = [*told(values[:6], (0, 2)), Asked('colour', wrong[:, 3:4], negated=True)]
    exact = {**energies, 'colour': energies['shape']}  # says nothing of colours
    share, _, seen = measure(exact, [asked], Sampling(levels=2, steps=1, denial=0.0), 0)
    right = (seen[:, 0] == values[:6, 0]) & (seen[:, 2] == values[:6, 2])
    right &= seen[:, 3] != wrong[:, 3]
    assert share.images == 6 and share.has_all == pytest.approx(right.float().mean().item())
    assert list(share.each) == ['shape', 'position', 'not colour']
    assert share.chance == pytest.approx(5 / 6 / 4 / 9)


def test_results_are_a_section(models, tmp_path):
    _, card = load_attribute_energy(models / 'turn')
    assert card['model']['attribute'] == 'turn' and card['provenance']['step'] == 2
    few = ['--number', '1', '--levels', '1', '--steps', '1', '--device', 'cpu']
    command = ['shapes', 'generate', '--models', str(models), '--output', str(tmp_path), *few]
    assert main(command) == 0
    assert (tmp_path / 'shapes_sums.png').read_bytes().startswith(b'\x89PNG')
    numbers = json.loads((tmp_path / 'shapes_sums.json').read_text())
    assert numbers['4 attributes, never seen together']['chance'] == pytest.approx(1 / 648)


def test_what_is_wrong_is_named(models, tmp_path, capsys):
    with pytest.raises(InvalidInput, match=r'least_noise: 2 is refused: below most_noise, 1'):
        preset('tiny', least_noise=2.0, most_noise=1.0)
    with pytest.raises(InvalidInput, match="attribute: 'taste' is refused"):
        preset('tiny', attribute='taste')
    assert main(['shapes', 'generate', '--models', str(tmp_path)]) == 2
    (tmp_path / 'shape').symlink_to(models / 'turn')
    assert main(['shapes', 'generate', '--models', str(tmp_path)]) == 2
    assert main(['shapes', 'generate', '--models', str(models), '--number', '0']) == 2
    said = capsys.readouterr().err
    assert 'an energy of turn' in said and '--number: 0 is refused: at least 1' in said
