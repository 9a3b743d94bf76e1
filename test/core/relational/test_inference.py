# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The shipped model: inference recovers what was demonstrated, and the samplers descend."""

import numpy as np
import pytest
import torch

from ebm_core.concepts import get_concept, goal_concept_names
from ebm_core.concepts.placement import Placement
from ebm_core.concepts.region import Region
from ebm_core.evaluation.composition import evaluate_sum
from ebm_core.evaluation.contexts import evaluate_concept
from ebm_core.relational.affine import joined
from ebm_core.relational.kept import kept
from ebm_core.relational.model import ModelError
from ebm_core.relational.sampler import Sampler, starts
from ebm_core.world.scene import NUM_FEATURES, POSITION, WORKSPACE_LIMIT, InvalidInput


def demonstrations(name, seed, count=5, colour='blue'):
    return get_concept(name).demonstrations(np.random.default_rng(seed), count, colour)


@pytest.mark.parametrize('name', goal_concept_names())
def test_five_demonstrations_are_re_enacted_elsewhere(model, name):
    """Known concept in, its predicate satisfied in arrangements of another seed."""
    concept, held, right = get_concept(name), 0, 0
    for seed in range(20):
        inferred = model.infer(demonstrations(name, seed), seed)
        novel = demonstrations(name, 1000 + seed, 1)[0]
        attention = model.identify(novel.before, inferred.argument_code, seed)
        right += np.array_equal(attention > 0.5, novel.attention > 0.5)
        after = model.generate(novel.before, novel.attention, inferred.action_code)
        held += concept.holds(after, novel.attention)
    assert held >= 18
    assert right >= 18


def test_a_point_of_ones_own_is_recovered(model):
    concept = Region('point', (-0.55, 0.6))
    rng = np.random.default_rng(5)
    code = model.infer(concept.demonstrations(rng, 5)).action_code
    novel = concept.demonstrations(rng, 1)[0]
    after = model.generate(novel.before, novel.attention, code)
    assert np.linalg.norm(after.positions[0] - (-0.55, 0.6)) < 0.1


@pytest.mark.parametrize('offset', [(-0.21, 0.21), (0.3, 0.3), (0.0, 0.15)])
def test_a_place_beside_the_reference_that_was_never_trained_is_found(model, offset):
    concept = Placement('beside', 1, offset)
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(20):
        code = model.infer(concept.demonstrations(rng, 5)).action_code
        novel = concept.demonstrations(rng, 1)[0]
        held += concept.holds(model.generate(novel.before, novel.attention, code), novel.attention)
    assert held >= 17


def test_the_colour_that_was_shown_is_the_one_that_is_meant(model):
    rng = np.random.default_rng(8)
    concept = get_concept('between')
    for colour in ('red', 'green', 'blue', 'yellow'):
        code = model.infer(concept.demonstrations(rng, 5, colour)).argument_code
        novel = concept.demonstrations(rng, 1, colour)[0]
        attention = model.identify(novel.before, code)
        np.testing.assert_array_equal(attention > 0.5, novel.attention > 0.5)


def test_energies_of_the_demonstrations_fall_below_those_of_the_start(model):
    shown = demonstrations('between', 3)
    inferred = model.infer(shown)
    for demonstration, energy in zip(shown, inferred.action_energies, strict=True):
        before = model.actor_energy(
            demonstration.before,
            demonstration.attention,
            inferred.action_code,
            demonstration.before.positions[:1],
        )
        assert energy < 0.2 * before[0]


def inputs(scene):
    x = torch.from_numpy(scene.features())[None, None]
    return torch.nn.functional.pad(x, (0, 4))


def test_code_chain_descends(model):
    shown = demonstrations('north', 4)
    affine = joined(
        [
            model.energy.affine(
                inputs(d.after), torch.tensor(d.attention, dtype=torch.float32)[None]
            )
            for d in shown
        ]
    ).each(lambda part: part[None])
    energies = []
    sampler = type(model.sampler)(model.sampler.steps)
    sampler.load_state_dict(model.sampler.state_dict())
    for steps in range(model.sampler.steps + 1):
        sampler.steps = steps
        generator = torch.Generator().manual_seed(0)
        w = sampler.infer_code(model.energy, affine, generator=generator)
        of_each = model.energy.energy_of_affine(affine, w[:, None])
        energies.append(float(of_each.mean().detach()))
    assert energies[-1] < 0.2 * energies[0]
    assert energies[-1] <= min(energies[:-1]) * 1.5


def test_generation_descends(model):
    inferred = model.infer(demonstrations('between', 6))
    novel = demonstrations('between', 7, 1)[0]
    after = model.generate(novel.before, novel.attention, inferred.action_code)
    places = np.stack((novel.before.positions[0], after.positions[0]))
    start, end = model.actor_energy(novel.before, novel.attention, inferred.action_code, places)
    assert end < 0.05 * start


@pytest.mark.parametrize('name', goal_concept_names())
def test_meets_the_bar_on_novel_scenes(model, name):
    row = evaluate_concept(model, name, scenes=40, num_entities=(3, 6), seed=11)
    assert row['generation'] >= 0.95
    assert row['identification'] >= 0.95
    assert row['argument'] >= 0.95


@pytest.mark.parametrize('pair', [('between', 'north'), ('north', 'east')])
def test_a_sum_of_energies_is_solved_by_both(model, pair):
    row = evaluate_sum(model, pair, scenes=20, seed=13)
    assert row['both'] >= 0.8


def test_methods_are_deterministic(model):
    shown = demonstrations('east', 9)
    first, second = model.infer(shown, seed=4), model.infer(shown, seed=4)
    np.testing.assert_array_equal(first.action_code, second.action_code)
    scene = shown[0].before
    np.testing.assert_array_equal(
        model.identify(scene, first.argument_code, seed=2),
        model.identify(scene, first.argument_code, seed=2),
    )


def test_bad_arguments_are_refused_by_name(model):
    shown = demonstrations('between', 10)
    scene, attention = shown[0].before, shown[0].attention
    code = model.infer(shown).action_code
    with pytest.raises(InvalidInput, match='demonstrations: none'):
        model.infer([])
    with pytest.raises(InvalidInput, match='code: shape'):
        model.identify(scene, code[:-1])
    with pytest.raises(InvalidInput, match='code: contains NaN'):
        model.identify(scene, code * np.nan)
    with pytest.raises(InvalidInput, match='attention: shape'):
        model.generate(scene, attention[:-1], code)
    with pytest.raises(InvalidInput, match='no movable entity'):
        model.generate(scene, attention * ~scene.movable, code)


def test_a_chain_that_leaves_the_workspace_ends_at_its_border(model, monkeypatch):
    """What a chain does is no mistake of the caller's."""
    shown = demonstrations('between', 10)
    code = model.infer(shown).action_code
    scene, attention = shown[0].before, shown[0].attention

    def generate(end):
        monkeypatch.setattr(
            model.sampler, 'generate_best', lambda _, states, *__, **___: states * 0 + end
        )
        return model.generate(scene, attention, code)

    assert (generate(7.0).positions[scene.movable] == WORKSPACE_LIMIT).all()
    with pytest.raises(ModelError, match='did not stay finite'):
        generate(float('nan'))


class _Triangle:
    """Twice how far three are from a triangle of side 0.8, squared and summed."""

    def __call__(self, states):
        place = states[:, :, 0, :, POSITION]
        i, j = (0, 1, 2), (1, 2, 0)
        sides = (place[..., i, :] - place[..., j, :]).square().sum(-1).add(1e-6).sqrt()
        return 2 * (sides - 0.8).square().sum(-1)

    def value_and_gradient(self, states):
        with torch.enable_grad():
            states = states.detach().requires_grad_()
            value = self(states)
            (gradient,) = torch.autograd.grad(value.sum(), states)
        return value.detach(), gradient


def test_where_several_move_the_best_chains_go_on():
    generator = torch.Generator().manual_seed(0)
    energy, sampler = _Triangle(), Sampler()
    states = torch.zeros(20, 1, 3, NUM_FEATURES)
    states[..., POSITION] = torch.rand((20, 1, 3, 2), generator=generator)
    mutable = torch.zeros(20, 3, NUM_FEATURES)
    mutable[..., POSITION] = 1.0
    with torch.no_grad():
        first = starts(states, mutable, 32, torch.Generator().manual_seed(1))
        ends = energy(sampler.generate(energy, first, mutable)[-1]).min(1).values
        best = sampler.generate_best(
            energy, states, mutable, restarts=32, generator=torch.Generator().manual_seed(1)
        )
    found = energy(best.unsqueeze(1)).squeeze(1)
    assert (found <= ends).all()
    assert found.median() < 0.5 * ends.median()


def test_what_is_kept_in_inference_mode_can_be_trained_through():
    made = kept(torch.ones)
    with torch.inference_mode():
        assert made(3) is made(3)
    x = torch.ones(3, requires_grad=True)
    (made(3) * x).sum().backward()
    assert x.grad.tolist() == [1.0] * 3
