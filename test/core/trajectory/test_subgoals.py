# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""States between start and goal: what is learned, what is proposed, and what is refused."""

import json

import numpy as np
import pytest
import torch

from ebm_core.__main__ import main
from ebm_core.commands import trajectory_subgoals
from ebm_core.errors import InvalidInput
from ebm_core.training.loop import train
from ebm_core.trajectory.episodes import run_episodes
from ebm_core.trajectory.points import STEP, Maze
from ebm_core.trajectory.routes import RouteConfig, Routes
from ebm_core.trajectory.subgoals import BetweenConfig, BetweenRecipe, BetweenTraining

MAZE = Maze()
CONFIG = BetweenConfig(
    hidden=32, searched=1200, training=BetweenTraining(steps=400, batch=32, negatives=16)
)


class Walls:
    """The excess energy of a perfect model of the maze."""

    def excess(self, states, nexts):
        shape = nexts.shape[:-1]
        free = MAZE.allowed(nexts.reshape(-1, 2).double().numpy()).reshape(shape)
        return torch.from_numpy(np.where(free, 0.0, 10.0)).float()


def test_ways_lead_over_states_around_walls_and_say_where_they_turn():
    rng = np.random.default_rng(0)
    nodes = MAZE.draw(500, rng)
    config = RouteConfig(rounds=0, weight=20)
    routes = Routes(MAZE, Walls().excess, lambda *_: nodes, config)
    ways = routes.ways(nodes, np.array([0, 1, 2]), 5, rng)
    assert MAZE.allowed(ways.places).mean() > 0.99
    assert len(ways.joints) == len(ways.first) == len(ways.last) > 15
    assert (ways.first < ways.joints).all() and (ways.joints < ways.last).all()
    for first, last in set(zip(ways.first, ways.last, strict=True)):
        way = ways.places[first : last + 1]
        assert np.abs(np.diff(way, axis=0)).max() <= STEP + 1e-9
    # Joints are states that were given, and so are a way's ends.
    for places in (ways.joints, ways.first, ways.last):
        distance = np.abs(ways.places[places][:, None] - nodes).max(-1).min(1)
        assert distance.max() < 1e-9


def test_states_far_from_each_other_have_no_way():
    nodes = np.array([[-0.9, 0.9], [0.9, -0.9]])
    routes = Routes(MAZE, Walls().excess, lambda *_: nodes, RouteConfig())
    with pytest.raises(InvalidInput, match='no way'):
        routes.ways(nodes, np.array([0]), 3, np.random.default_rng(0))


def test_proposed_states_are_free_and_lie_on_the_way(tmp_path):
    recipe = BetweenRecipe(CONFIG, Walls())
    learned, _ = train(recipe, tmp_path, device=torch.device('cpu'), quiet=True)
    learned.requires_grad_(False)
    start, goal = np.array([-0.75, -0.8]), np.array([0.75, -0.8])
    torch.manual_seed(0)
    states = learned.propose(start, goal, 200)
    ends = (torch.from_numpy(end).float()[None] for end in (start, goal))
    about = learned.candidates(*ends, torch.tensor([[0.5]]), 2000)[0].numpy()
    assert MAZE.allowed(states).mean() > MAZE.allowed(about).mean() + 0.1
    # In order: the first half lies nearer to the start than the second.
    assert states[:100, 0].mean() < states[100:, 0].mean() - 0.3


def test_a_world_without_corridors_and_a_second_process_are_refused():
    with pytest.raises(InvalidInput, match="world: 'particle' is refused"):
        BetweenRecipe(BetweenConfig(world='particle'), Walls()).build()
    with pytest.raises(InvalidInput, match='processes: 2 are refused'):
        BetweenRecipe(CONFIG, Walls()).share(0, 2)


def test_success_is_written_by_who_proposes_states(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        trajectory_subgoals, 'pairs', lambda *_: (np.array([[-0.6, 0.5]]), np.array([[0.1, 0.5]]))
    )
    config = CONFIG.model_copy(update={'training': BetweenTraining(steps=5)})
    monkeypatch.setattr(trajectory_subgoals, 'BetweenConfig', lambda **_: config)
    monkeypatch.setattr(trajectory_subgoals, '_CAP', 5)
    monkeypatch.setattr(trajectory_subgoals, '_CAP_PER_CORRIDOR', 5)
    command = [
        'trajectory',
        'subgoals',
        '--mazes',
        'maze',
        '--episodes',
        '1',
        '--per-corridor',
        '2',
    ]
    command += ['--output', str(tmp_path), '--gallery', str(tmp_path / 'gallery')]
    assert main([*command, '--steps', '20']) == 0
    numbers = json.loads((tmp_path / 'gallery' / 'trajectory_subgoals.json').read_text())
    assert [row['source'] for row in numbers['rows']] == ['none', 'data', 'energy']
    assert (tmp_path / 'gallery' / 'trajectory_subgoals.png').read_bytes()[:4] == b'\x89PNG'
    assert main(['trajectory', 'subgoals', '--mazes', 'particle']) == 2
    assert "--mazes: 'particle' is refused: it has no corridors" in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--episodes', '--per-corridor'])
def test_fewer_than_one_is_refused(option, capsys):
    assert main(['trajectory', 'subgoals', option, '0']) == 2
    assert 'at least 1' in capsys.readouterr().err


def test_more_states_are_asked_for_between_the_ends_of_dear_links():
    """The first states miss the gap; who is asked again is told where, and no more than allowed."""
    start, goal = np.array([-0.75, -0.5]), np.array([0.25, 0.5])
    asked = []

    def nodes(first, last, number):
        asked.append((first, last, number))
        beside = [[-0.75, -0.6]] if len(asked) == 1 else [[-0.6, 0.6]]
        return np.array(beside * number)

    config = RouteConfig(radius=1.5, rounds=0, margin=0.0, first=2, more=10)
    planner = Routes(MAZE, Walls().excess, nodes, config)
    episode = run_episodes(MAZE, planner, start, goal, 60)
    assert episode.reached[0]
    np.testing.assert_array_equal(asked[0][:2], (start, goal))
    np.testing.assert_array_equal(asked[1][:2], (start, goal))  # the one link of the first way
    assert [number for *_, number in asked] == [2, 4]
    assert planner.kept[0].more == 6


def test_no_more_states_are_asked_for_than_are_left():
    asked = []

    def nodes(first, last, number):
        asked.append(number)
        return np.array([[-0.75, -0.6]] * number)

    config = RouteConfig(radius=1.5, rounds=0, margin=0.0, first=2, more=5, searches=3)
    planner = Routes(MAZE, Walls().excess, nodes, config)
    run_episodes(MAZE, planner, np.array([-0.75, -0.5]), np.array([0.25, 0.5]), 20)
    assert sum(asked) == 2 + 5
