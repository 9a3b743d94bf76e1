# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies over transitions: trained by the shared loop, planned with, learned online."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from processes import CPU, assert_same_checkpoint

from ebm_core.__main__ import main
from ebm_core.errors import InvalidInput, ModelError
from ebm_core.training import loop
from ebm_core.training.loop import train
from ebm_core.trajectory import evaluation as ev
from ebm_core.trajectory.config import PRESETS, RECORDED, PairConfig, preset
from ebm_core.trajectory.energy import load_network
from ebm_core.trajectory.points import Particle
from ebm_core.trajectory.quality import auroc, futures, quality
from ebm_core.trajectory.recipe import PairRecipe
from ebm_core.trajectory.transitions import Transitions
from ebm_core.trajectory.worlds import WORLDS


@pytest.fixture(scope='module')
def directory(tmp_path_factory):
    made = tmp_path_factory.mktemp('trajectory')
    command = ['trajectory', 'train', '--preset', 'tiny', '--output', str(made)]
    assert main([*command, '--device', 'cpu']) == 0
    return made


@pytest.fixture(scope='module')
def energy(directory):
    return load_network(directory, 'energy', 'particle')


def test_steps_that_are_too_long_are_dear(energy):
    assert quality(energy, WORLDS['particle'], seed=1)['too_long'] > 0.97
    assert auroc(np.zeros(10), np.ones(10)) == 1 and auroc(np.ones(10), np.zeros(10)) == 0


@pytest.mark.parametrize('config', [ev.LANGEVIN, ev.MPPI], ids=lambda config: config.method)
def test_plans_over_states_reach_the_goal(energy, config):
    torch.manual_seed(0)
    found = ev.episode(Particle(), ev.planned(Particle(), energy, config), cap=30)
    assert found.reached.all() and found.scores[0] > -8


def test_an_obstacle_that_was_never_seen_is_gone_around(energy):
    world = ev.with_obstacle()
    nodes = Particle().draw(300, np.random.default_rng(0))
    planner = ev.routed(world, energy, lambda *_: nodes)
    found = ev.episode(world, planner, cap=60)
    assert found.reached.all()
    # Straight on is where the wall is.
    assert not ev.episode(world, ev.planned(world, energy, ev.LANGEVIN), cap=25).reached.any()


def test_an_energy_has_many_futures_and_nearly_all_of_them_can_be(energy):
    found = futures(energy, Particle(), np.zeros(2), steps=20, number=50, seed=0)
    world = futures(None, Particle(), np.zeros(2), steps=20, number=50, seed=0)
    assert world.possible == 1
    assert found.possible > 0.8
    assert 0.6 * world.spread < found.spread < 1.5 * world.spread


class Stopped(Exception):
    pass


@pytest.mark.parametrize('source', ['noise', 'langevin', 'mppi'])
def test_a_resumed_run_is_the_same(tmp_path, monkeypatch, source):
    recipe = PairRecipe(
        preset('tiny', steps=6, checkpoint_every=3, source=source, transitions=100, chain_steps=2)
    )
    train(recipe, tmp_path / 'whole', device=CPU)
    step = loop.train_step

    def stop(recipe, module, optimizer, index, *rest):
        if index == 5:
            raise Stopped
        return step(recipe, module, optimizer, index, *rest)

    monkeypatch.setattr(loop, 'train_step', stop)
    with pytest.raises(Stopped):
        train(recipe, tmp_path / 'parts', device=CPU)
    monkeypatch.undo()
    train(recipe, tmp_path / 'parts', device=CPU)
    assert_same_checkpoint(tmp_path / 'whole', tmp_path / 'parts')


def test_what_does_not_fit_is_refused_by_name(directory, tmp_path):
    with pytest.raises(InvalidInput, match="preset: 'moon' is unknown; known are particle"):
        preset('moon')
    with pytest.raises(ModelError, match="world 'particle' is refused: 'maze' is needed"):
        load_network(directory, 'energy', 'maze')
    with pytest.raises(ModelError, match="kind 'energy' is refused: 'forward' is needed"):
        load_network(directory, 'forward', 'particle')
    arm = WORLDS['reacher'].transitions(10, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match='4 numbers a state are refused: particle has 2'):
        PairRecipe(preset('tiny'), arm).build()
    one = Transitions.of(np.zeros((5, 2)), np.ones((5, 2)), np.zeros((5, 2)) + 0.05)
    with pytest.raises(InvalidInput, match='at least two different states'):
        PairRecipe(preset('tiny'), one)


@pytest.mark.parametrize('kind', ['forward', 'inverse'])
def test_the_networks_beside_the_energy_learn_a_point(kind, tmp_path):
    model = PairConfig(kind=kind, hidden=32)
    recipe = PairRecipe(preset('tiny', steps=200).model_copy(update={'model': model}))
    learner, _ = train(recipe, tmp_path, device=CPU)
    data = WORLDS['particle'].transitions(500, np.random.default_rng(9)).moved()
    assert learner.network.error(data).mean() < 0.02
    if kind == 'forward':
        learner.network.requires_grad_(False)
        found = ev.episode(Particle(), ev.planned(Particle(), learner.network, ev.ACTIONS), cap=30)
        assert found.reached.all()


def test_every_preset_is_of_a_world_that_exists():
    assert {chosen.model.world for chosen in PRESETS.values()} == {*WORLDS, RECORDED}


def test_the_table_is_printed_with_the_paper_beside(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(WORLDS, 'reacher', replace(WORLDS['reacher'], cap=5))
    command = ['trajectory', 'evaluate', '--worlds', 'reacher', '--seeds', '1', '--steps', '20']
    assert main([*command, '--output', str(tmp_path), '--json', str(tmp_path / 'table.json')]) == 0
    shown = capsys.readouterr().out
    assert '| reacher | energy, Langevin | (0, 0, 0, 0) → (0.22, 0.16) | 5 | -4.87 | -' in shown
    assert '| -19.38 |' in shown and '| -25.54 |' in shown and 'too_long: AUROC' in shown
    rows = json.loads((tmp_path / 'table.json').read_text())['rows']
    assert {len(row['scores']) for row in rows} == {1}
    # Standing still would cost 6.00; after 20 steps of training nobody knows better.
    assert all(-12 < row['scores'][0] < row['optimum'] for row in rows), rows
    assert main([*command, '--output', str(tmp_path), '--only', 'no model']) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if '| reacher |' in line)
    assert 'no model, Langevin' in row
    assert main([*command[:-4], '--seeds', '0']) == 2
    assert '--seeds: 0 is refused: at least 1' in capsys.readouterr().err
