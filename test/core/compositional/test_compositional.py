# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies of attributes: what training fits, what sums of them mean, and what the judge sees."""

import json

import numpy as np
import pytest
import torch
from processes import CPU, assert_same_checkpoint
from torch import nn

from ebm_core.__main__ import main
from ebm_core.compositional.config import preset
from ebm_core.compositional.energy import energy_of, load_energy
from ebm_core.compositional.judge import judge
from ebm_core.compositional.recipe import AttributeRecipe
from ebm_core.compositional.requests import every_request, measure, told
from ebm_core.compositional.sums import Asked, Sampling, sample, summed
from ebm_core.datasets.shapes import ATTRIBUTES, COUNTS, SHAPE, draw_images, draw_values
from ebm_core.errors import InvalidInput
from ebm_core.training.loop import train

FEW = ['--device', 'cpu', '--set', 'steps=2']


class Known(nn.Module):
    """The exact energies of noisy images of which there are 40: of all, or of an attribute."""

    def __init__(self, attribute, values, images):
        super().__init__()
        self.config = preset('tiny', attribute=attribute).model
        self.images, self.own = images.flatten(1), None
        if attribute != 'any':
            place = list(ATTRIBUTES).index(attribute)
            self.own = torch.eye(COUNTS[place])[values[:, place]]

    def forward(self, x, sigma):
        logs = -torch.cdist(x.flatten(1), self.images).square() / (2 * sigma[:, None].square())
        if self.own is None:
            return -torch.logsumexp(logs, 1)
        return -(torch.softmax(logs, 1) @ self.own).clamp_min(1e-30).log()


@pytest.fixture(scope='module')
def known():
    rng = np.random.default_rng(0)
    values = torch.from_numpy(draw_values(40, rng))
    jitter = torch.from_numpy(rng.uniform(-1, 1, (40, 5)).astype(np.float32))
    images = draw_images(values, jitter)
    return values, images, {name: Known(name, values, images) for name in ('any', *ATTRIBUTES)}


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    directory = tmp_path_factory.mktemp('shapes')
    for attribute in ('any', *ATTRIBUTES):
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


@pytest.mark.parametrize('attribute', ['any', 'turn'])
def test_training_lowers_what_is_lost(attribute, tmp_path):
    rates = {'learning_rate': 0.05, 'naming_rate': 0.5}
    recipe = AttributeRecipe(preset('tiny', attribute=attribute, steps=60, **rates))
    batch = recipe.with_training(preset('tiny', batch=200).training).draw(
        0, np.random.default_rng(9), CPU
    )

    def lost(module):
        return float(recipe.losses(module, batch, 0).total.detach())

    torch.manual_seed(recipe.run.seed)
    before = lost(recipe.build())
    assert lost(train(recipe, tmp_path, device=CPU, quiet=True)[0]) < 0.9 * before


def test_the_exact_energies_lose_the_least(known):
    values, images, energies = known
    few, sigma = images[:32], torch.linspace(0.05, 2, 32)
    for attribute, told_ in (('any', ()), ('shape', (values[:32, 0],))):
        torch.manual_seed(0)
        recipe = AttributeRecipe(preset('tiny', attribute=attribute))
        batch = (few, sigma, torch.randn_like(few), *told_)
        exact = recipe.losses(energies[attribute], batch, 0).total
        other = recipe.losses(energy_of(recipe.preset.model), batch, 0).total
        assert exact < 0.3 * other


def test_sums_of_exact_energies_have_all_that_is_asked(known):
    values, _, energies = known
    asked = values[:8]
    verdict = judge(sample(energies, told(asked, range(5)), 8, seed=1))
    assert (verdict.values == asked).all(1).float().mean() > 0.8 and verdict.is_shape.all()


def test_chains_go_down_the_gradient_of_a_scalar():
    # A chain that takes no step returns its beginning without noise: down the sum's gradient.
    torch.manual_seed(0)
    chosen = {name: preset('tiny', attribute=name, most_noise=1.0) for name in ('any', 'turn')}
    energies = {
        name: AttributeRecipe(one).build().requires_grad_(False) for name, one in chosen.items()
    }
    energies['turn'].names.normal_(std=3)
    asked, how = torch.full((24, 1), 3), Sampling(levels=1, steps=1, step=0.0, emphasis=20.0)
    found = sample(energies, [Asked.one_of('turn', asked[:1])], 1, how, seed=4).flatten()
    begun = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(4))
    inside = ((found > 0) & (found < 1)).nonzero().flatten()[:12]  # as [0, 1] clamps the others
    away = 0.05 * torch.eye(found.numel())[inside].view(12, *SHAPE)
    both = torch.cat((begun + away, begun - away))
    told_ = [Asked.one_of('turn', asked)]
    up, down = summed(energies, told_, both, torch.ones(24), how.emphasis).split(12)
    expected = begun.flatten()[inside] - (up - down) / 0.1
    assert torch.allclose(found[inside], expected, atol=4e-3)
    without = sample(energies, [], 1, how, seed=4).flatten()
    assert (without - found)[inside].abs().max() > 0.05  # the attribute's energy has its part


def test_negation_and_either_or(known):
    _, _, energies = known
    either = Asked.one_of('colour', torch.tensor([[0, 3]] * 24))
    how = Sampling(levels=25, steps=2)
    colours = judge(sample(energies, [either], 24, how)).values[:, 3]
    assert set(colours.tolist()) == {0, 3}
    denied = Asked.none_of('colour', torch.full((12, 1), 2))
    assert (judge(sample(energies, [denied], 12, how)).values[:, 3] != 2).all()


def test_the_sum_is_the_energy_of_what_has_the_values(known):
    values, images, energies = known
    x, sigma = images[:3] + 0.1, torch.full((3,), 0.5)
    one = summed(energies, told(values[:3], (3,)), x, sigma)
    for i in range(3):
        own = Known('any', values, images[values[:, 3] == values[i, 3]])
        assert torch.allclose(one[i], own(x, sigma)[i], rtol=1e-3)
    none = summed(energies, [], x, sigma)
    anything = Asked.none_of('colour', torch.zeros(3, 0, dtype=torch.long))
    assert torch.allclose(summed(energies, [anything], x, sigma), none, atol=1e-3)


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
        assert 50 <= sum(len(r[0].allowed) for r in requests) <= 60, name
        for attribute, allowed in (asked for request in requests for asked in request):
            many = len(ATTRIBUTES[attribute])
            number = many - 1 if f'not a {attribute}' in name else 1
            number = 2 if f'either of two {attribute}s' in name else number
            assert (allowed.sum(1) == number).all() and allowed.shape[1] == many


def test_shares_are_of_images_that_have_all(known):
    values, _, energies = known
    denied = Asked.none_of('colour', torch.arange(6)[:, None])
    asked = [*told(values[:6], (0, 2)), denied]
    how = Sampling(levels=10, steps=1, emphasis=0.0)  # attributes are asked for in vain
    share, _, seen = measure(energies, [asked], how, 0)
    right = (seen[:, 0] == values[:6, 0]) & (seen[:, 2] == values[:6, 2])
    right &= seen[:, 3] != torch.arange(6)
    assert share.images == 6 and share.has_all == pytest.approx(right.float().mean().item())
    assert share.each['colour'] == pytest.approx((seen[:, 3] != torch.arange(6)).float().mean())
    assert share.chance == pytest.approx(5 / 6 / 4 / 9)


def test_results_are_a_section(models, tmp_path):
    _, card = load_energy(models / 'turn')
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
    (tmp_path / 'any').symlink_to(models / 'turn')
    assert main(['shapes', 'generate', '--models', str(tmp_path)]) == 2
    assert main(['shapes', 'generate', '--models', str(models), '--number', '0']) == 2
    assert main(['shapes', 'generate', '--models', str(models), '--emphasis', 'nan']) == 2
    said = capsys.readouterr().err
    assert '--emphasis: nan is refused' in said
    assert 'an energy of turn' in said and '--number: 0 is refused: at least 1' in said


def test_a_model_stands_under_the_attribute_that_it_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = ['--preset', 'tiny', '--set', 'steps=1', '--set', 'attribute=size']
    assert main(['shapes', 'train', *quick]) == 0
    assert [path.name for path in (tmp_path / 'out/train/tiny').iterdir()] == ['size']
