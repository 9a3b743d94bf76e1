# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ranking, hard negatives, answers with a latent, and sums of energies on the plane."""

import json

import numpy as np
import pytest
import torch

from ebm_core.__main__ import main
from ebm_core.commands.toy import _mean
from ebm_core.commands.training import fit
from ebm_core.sampling.langevin import Langevin, StepRange
from ebm_core.toy.conditional import compare
from ebm_core.toy.config import preset
from ebm_core.toy.curves import point_on
from ebm_core.toy.energy import PlaneLearner
from ebm_core.toy.figure import ranks
from ebm_core.toy.quality import ZeroSet, negatives, widths
from ebm_core.toy.recipe import PlaneRecipe
from ebm_core.toy.sums import FIRST, SECOND, half_plane, half_plane_gradient, product_of_gaussians


@pytest.fixture(scope='module')
def ranked():
    return fit(PlaneRecipe(preset('ranking', steps=200)))


def test_the_zero_set_of_a_ranked_energy_covers_the_spiral(ranked):
    zero_set = ZeroSet('spiral')
    torch.manual_seed(0)
    untrained = zero_set.coverage(PlaneLearner(preset('ranking').model).energy)
    assert zero_set.coverage(ranked.energy) > untrained + 0.2
    assert zero_set.coverage(ranked.energy) > 0.55
    points = torch.from_numpy(point_on('spiral', np.linspace(0, 1, 200)).astype(np.float32))
    with torch.no_grad():
        assert ranked.energy(points).abs().mean() < 0.5  # the margin is 1


def test_perfect_energy_covers_all_and_a_wrong_one_little():
    zero_set = ZeroSet('rings')
    rings = torch.from_numpy(point_on('rings', np.linspace(0, 1, 2000)).astype(np.float32))
    assert zero_set.coverage(lambda x: torch.cdist(x, rings).min(1).values[:, None]) > 0.98
    assert zero_set.coverage(lambda x: -torch.cdist(x, rings).min(1).values[:, None]) < 0.1


def test_hard_negatives_are_those_of_low_energy(ranked):
    torch.manual_seed(0)
    recipe = PlaneRecipe(preset('ranking', negatives='hard'))
    batch = recipe.draw(0, np.random.default_rng(0), torch.device('cpu'))
    hard = recipe.negatives(ranked, batch)
    random = PlaneRecipe(preset('ranking')).negatives(ranked, batch)
    assert hard.shape == random.shape == batch.shape
    with torch.no_grad():
        assert ranked.energy(hard).mean() < ranked.energy(random).mean() - 0.2


def test_an_odd_batch_has_as_many_hard_negatives(ranked):
    for batch, candidates in ((5, 1), (1, 1), (3, 3)):
        recipe = PlaneRecipe(
            preset('ranking', negatives='hard', batch=batch, candidates=candidates)
        )
        drawn = recipe.draw(0, np.random.default_rng(0), torch.device('cpu'))
        assert recipe.negatives(ranked, drawn).shape == drawn.shape


def test_equal_energies_have_the_colour_of_equals():
    energy = np.array([[3.0, 0.0], [0.0, 1.0]])
    assert ranks(energy).tolist() == [[0.75, 0.0], [0.0, 0.5]]


def test_one_seed_has_no_error():
    assert _mean([0.5]) == '50.0 %' and _mean([0.4, 0.6]) == '50.0 ± 10.0 %'


def test_negative_answers_keep_their_question(ranked):
    recipe = PlaneRecipe(preset('conditional'))
    batch = recipe.draw(0, np.random.default_rng(0), torch.device('cpu'))
    other = recipe.negatives(ranked, batch)
    assert torch.equal(other[:, 0], batch[:, 0]) and not torch.equal(other[:, 1], batch[:, 1])


def test_a_latent_finds_answers_that_the_mean_misses():
    found = compare(fit, 'rings', 0, questions=40, steps=120, batch=128)
    rows = {row['answers by']: row for row in found}
    mean, latent = rows['mean of the answers'], rows['F(x, y, z), z drawn']
    assert latent['found'] > mean['found'] + 0.3
    assert latent['right'] > 0.6  # a z with room for every y finds all, and is rarely right
    assert rows['F(x, y), y descended']['found'] > mean['found'] + 0.3


def test_a_sum_of_gaussians_is_sampled_as_the_closed_form_says():
    found = product_of_gaussians(20_000, seed=0)
    assert found['mean error'] < 0.02 and found['covariance error'] < 0.02
    # The closed form itself, against the energies' sum: it differs by a constant alone.
    x = torch.randn(50, 2)
    difference = FIRST(x) + SECOND(x) - FIRST.times(SECOND)(x)
    assert torch.allclose(difference, difference[:1].expand_as(difference), atol=1e-3)


def test_the_half_planes_gradient_is_its_energys():
    x = torch.tensor([[-0.5, 0.3], [0.4, -0.2]], requires_grad=True)
    (true,) = torch.autograd.grad(half_plane(x).sum(), x)
    assert torch.equal(true, half_plane_gradient(x.detach()))


def test_a_path_has_every_step_of_the_chain():
    chain = Langevin(4, {'point': StepRange(0.1, 0.1, 10.0)}).requires_grad_(False)
    start = torch.ones(3, 2)
    path = list(chain.path('point', start, lambda x: x, 0.0))
    assert len(path) == 5 and torch.equal(path[0], start)
    assert torch.equal(path[-1], chain.chain('point', start, lambda x: x, 0.0))


def test_experiments_count_every_seed():
    rows, learners = widths(fit, (2, 4), seeds=2, steps=2)
    assert [row['hidden'] for row in rows] == [2, 4] and len(learners) == 2
    assert all(len(row['coverage']) == 2 for row in rows)
    first, second = negatives(fit, seeds=2, goal=1.1, every=2, steps=4)
    assert first['reached_at_step'] == [None, None] and first['negatives'] == 'random'
    assert list(second['coverage'][0]) == [2, 4]


def test_results_are_a_section_with_picture_table_and_command(tmp_path, capsys):
    command = ['toy', 'sums', '--output', str(tmp_path), '--steps', '3', '--samples', '100']
    assert main(command) == 0
    page = (tmp_path / 'toy_sums.md').read_text()
    assert '![' in page and 'product of two Gaussians' in page and 'python -m ebm_core' in page
    assert (tmp_path / 'toy_sums.png').read_bytes().startswith(b'\x89PNG')
    assert json.loads((tmp_path / 'toy_sums.json').read_text())['cpu_s'] > 0
    assert main([*command[:1], 'widths', '--seeds', '0', '--output', str(tmp_path)]) == 2
    assert '--seeds: 0 is refused' in capsys.readouterr().err
