# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Agents that learn while they act: what they are told, and what they refuse."""

import numpy as np
import pytest
import torch

from ebm_core.__main__ import main
from ebm_core.commands import trajectory_online
from ebm_core.errors import InvalidInput
from ebm_core.training.loop import train
from ebm_core.trajectory import evaluation as ev
from ebm_core.trajectory.config import PairConfig, PairPreset, PairTraining
from ebm_core.trajectory.online import Experience
from ebm_core.trajectory.points import STEP, Maze, Particle
from ebm_core.trajectory.recipe import PairRecipe
from ebm_core.trajectory.routes import RouteConfig
from ebm_core.trajectory.transitions import Transitions

MAZE = Maze()


class Right:
    """Asks for a whole step to the right."""

    asked = None

    def actions(self, states, goals):
        self.asked = states + np.array([STEP, 0.0])
        return MAZE.inverse(states, self.asked)


def test_steps_that_did_not_happen_are_told_besides_what_happened():
    told = []
    experience = Experience(
        MAZE, Right, lambda *data: told.append(data), np.random.default_rng(0), explore=3
    )
    (episode,) = experience.live(np.array([-0.75, -0.8]), np.array([0.7, -0.8]), 1, 15)
    data, never = told[-1]
    assert len(told) == 13 and len(data.states) == 15 and not episode.reached[0]
    assert told[0][1] is None and len(never.states) >= 5
    # What did not happen is a step into the first wall.
    assert not MAZE.allowed(never.nexts.double().numpy()).any()
    assert MAZE.allowed(never.states.double().numpy()).all()
    with pytest.raises(InvalidInput, match='explore: 1 is refused'):
        Experience(MAZE, Right, print, np.random.default_rng(0), explore=1)


def test_what_never_happens_becomes_dear_and_action_ff_learns_from_it(tmp_path):
    rng = np.random.default_rng(0)
    data = Particle().transitions(500, rng)
    never = Transitions(*(value[:100] for value in data))
    training = PairTraining(steps=60, batch=32)
    preset = PairPreset(model=PairConfig(hidden=32), training=training)
    energies = []
    for tried in (None, never):
        recipe = PairRecipe(preset, data, tried)
        learned, _ = train(
            recipe, tmp_path / str(tried is None), device=torch.device('cpu'), quiet=True
        )
        with torch.no_grad():
            energies.append(learned.network(never.states, never.nexts).mean())
    assert energies[1] > energies[0] + 0.3
    stuck = Transitions(data.states, data.actions, torch.cat((data.states[:9], data.nexts[9:])))
    forward = PairPreset(model=PairConfig(kind='forward'), training=training)
    assert len(PairRecipe(forward, stuck).transitions().states) == 500
    assert len(PairRecipe(preset, stuck).transitions().states) == 491


def test_routes_without_a_model_go_on_after_steps_that_did_not_happen():
    start, goal = np.array([[-0.6, 0.0]]), np.array([[0.2, 0.3]])
    nodes = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    planner = ev.routed(MAZE, None, lambda *_: nodes, RouteConfig(bump=0.05, slack=1e9))
    episode = ev.run_episodes(MAZE, planner, start, goal, 200)
    assert episode.reached[0] and planner.searches[0] > 2


def test_a_life_is_a_row_of_the_table(monkeypatch, capsys):
    monkeypatch.setitem(trajectory_online.LIVES, 'particle', (1, 14))
    assert main(['trajectory', 'online', '--worlds', 'particle', '--seeds', '1']) == 0
    shown = capsys.readouterr().out
    for method in ('energy, online', 'Action FF, online', 'no model, online'):
        assert f'| particle | {method} | (0, 0) → (0.5, 0.5) | 14 | -4.50 |' in shown


@pytest.mark.parametrize('method', trajectory_online.methods(MAZE))
def test_in_the_maze_every_method_lives_and_learns(method, monkeypatch):
    monkeypatch.setitem(trajectory_online.LIVES, 'maze', (1, 12))
    how = trajectory_online.methods(MAZE)[method]
    (episode,) = trajectory_online.lived(MAZE, 0, **how)
    assert episode.steps[0] == 12 and MAZE.allowed(episode.states[0]).all()
    assert np.abs(np.diff(episode.states[0, -3:], axis=0)).max() > 0


def test_what_is_no_world_of_lives_is_refused(capsys):
    assert main(['trajectory', 'online', '--worlds', 'maze8']) == 2
    assert "--worlds: 'maze8' is unknown; known are particle" in capsys.readouterr().err
    assert main(['trajectory', 'online', '--seeds', '0']) == 2
    assert '--seeds: 0 is refused: at least 1' in capsys.readouterr().err
