# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Training by the grammar: draws that depend on the step alone, and runs that go on exactly."""

import numpy as np
import pytest
import torch

from ebm_core.errors import InvalidInput, ModelError
from ebm_core.model_files import read_model
from ebm_core.relational.config import Preset, preset
from ebm_core.relational.model import save_model
from ebm_core.relational.open_recipe import OpenRecipe, recipe_of
from ebm_core.training.loop import train

CPU = torch.device('cpu')
RNG = np.random.default_rng(0)


def few_steps(**changes):
    return preset('tiny_open', **{'steps': 4, 'checkpoint_every': 2, 'warmup_steps': 1, **changes})


def states(tasks):
    return [task.shown.states for task in tasks] + [t.argument.states for t in tasks if t.argument]


@pytest.mark.parametrize('workers', [0, 2])
def test_a_step_is_the_same_whoever_draws_it_and_after_whatever(workers):
    first, second = OpenRecipe(few_steps()), OpenRecipe(few_steps(workers=workers))
    first.draw(0, RNG, CPU)
    torch.rand(3)
    for one, other in zip(
        states(first.draw(3, RNG, CPU)), states(second.draw(3, RNG, CPU)), strict=True
    ):
        assert torch.equal(one, other)


def test_a_run_goes_on_exactly_where_its_checkpoint_is(tmp_path):
    whole, _ = train(recipe_of(few_steps()), tmp_path / 'whole', device=CPU)
    recipe = recipe_of(few_steps())

    def interrupted(_module, step):
        if step == 2:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / 'parts', device=CPU, report=interrupted)
    resumed, run = train(recipe_of(few_steps()), tmp_path / 'parts', device=CPU)
    assert run['resumed_at_step'] == 2
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_run_begins_with_the_weights_that_it_is_given(tmp_path):
    chosen = few_steps(steps=1)
    recipe = recipe_of(chosen)
    torch.manual_seed(5)
    given = recipe.build()
    save_model(tmp_path / 'given', given, chosen, {})
    begin = read_model(tmp_path / 'given').load_into
    # A rate that moves nothing: the weights that the run ends with are those it began with.
    slow = recipe_of(few_steps(steps=1, learning_rate=1e-12, bias_learning_rate=1e-12))
    trained, _ = train(slow, tmp_path / 'run', device=CPU, begin=begin)
    torch.testing.assert_close(trained.energy.g_first, given.energy.g_first)


def test_weights_without_maps_begin_an_energy_that_has_them(tmp_path):
    chosen = few_steps()
    without = dict.fromkeys(('maps', 'relations', 'curves'), False)
    plain = Preset(model=chosen.model.model_copy(update=without), training=chosen.training)
    given, begun = recipe_of(plain).build(), recipe_of(chosen).build()
    save_model(tmp_path, given, plain, {})
    read_model(tmp_path).begin(begun)
    x, gates = torch.randn(2, 1, 3, begun.energy.inputs.number), torch.ones(2, 3)
    w = torch.randn(2, chosen.model.code_size)
    nothing_else = torch.zeros(2, begun.energy.code_size - w.shape[1] - 1)
    of_network = torch.cat((w, torch.ones(2, 1), nothing_else), 1)
    torch.testing.assert_close(
        begun.energy.energy(x, gates, of_network), given.energy.energy(x, gates, w)
    )
    save_model(tmp_path, begun, chosen, {})
    with pytest.raises(ModelError, match=r'nothing takes .*maps'):
        read_model(tmp_path).begin(given)


def test_processes_draw_all_concepts_among_them_and_none_alike():
    whole = OpenRecipe(few_steps(concepts={'region': 2, 'formation': 2}))
    shares = [whole.share(rank, 2) for rank in range(2)]
    for key in ('concepts', 'grammar'):
        numbers = [getattr(share.run, key) for share in shares]
        assert {k: numbers[0][k] + numbers[1][k] for k in numbers[0]} == getattr(whole.run, key)
    drawn = [states(share.draw(0, RNG, CPU))[-1] for share in shares]
    assert not torch.equal(drawn[0][:1], drawn[1][:1])
    with pytest.raises(InvalidInput, match='too few'):
        whole.share(0, 9)
