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
from ebm_core.trajectory.ways import bridges, stretches

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
    states = learned.propose(start, goal, (np.arange(200) + 0.5) / 200)
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


def test_more_states_are_asked_for_where_a_link_is_dear():
    """The first states miss the gap; who is asked again is told where, and no more than allowed."""
    start, goal = np.array([-0.75, -0.5]), np.array([0.25, 0.5])
    asked = []

    def nodes(first, last, shares):
        asked.append((first, last, shares))
        beside = [[-0.75, -0.6]] if len(asked) == 1 else [[-0.6, 0.6]]
        return np.array(beside * len(shares))

    config = RouteConfig(radius=1.5, rounds=0, margin=0.0, first=2, more=10)
    planner = Routes(MAZE, Walls().excess, nodes, config)
    episode = run_episodes(MAZE, planner, start, goal, 60)
    assert episode.reached[0]
    for first, last, _ in asked[:2]:  # the second time of the one link of the first way
        np.testing.assert_array_equal((first, last), (start, goal))
    np.testing.assert_array_equal(asked[0][2], (0.25, 0.75))
    # The wall is met from x = -0.5 on, and left above y = 0.25: a quarter to three of the way.
    assert len(asked) == 2
    np.testing.assert_allclose(asked[1][2], [0.5], atol=0.03)
    assert planner.kept[0].more == 9


def test_no_more_states_are_asked_for_than_are_left():
    asked = []

    def nodes(first, last, shares):
        asked.append(len(shares))
        return np.array([[-0.75, -0.6]] * len(shares))

    config = RouteConfig(radius=1.5, rounds=0, margin=0.0, first=2, more=5, searches=3)
    planner = Routes(MAZE, Walls().excess, nodes, config)
    run_episodes(MAZE, planner, np.array([-0.75, -0.5]), np.array([0.25, 0.5]), 20)
    assert sum(asked) == 2 + 5


def test_a_search_begins_without_states_and_asks_for_one_at_each_wall():
    """Start and goal are farther from each other than a link may be."""
    maze, asked = Maze(corridors=4), []
    start, goal = np.array([-0.75, 0.5]), np.array([2.25, 0.0])
    gaps = np.array([[-0.25, 0.7], [0.75, -0.7], [1.75, 0.7]])

    def nodes(first, last, shares):
        asked.append(len(shares))
        middles = first[0] + shares * (last[0] - first[0])
        return gaps[np.abs(middles[:, None] - gaps[:, 0]).argmin(1)]

    def price(states, nexts):
        free = maze.allowed(nexts.reshape(-1, 2).double().numpy()).reshape(nexts.shape[:-1])
        return torch.from_numpy(np.where(free, 0.0, 10.0)).float()

    config = RouteConfig(radius=1.5, rounds=0, margin=0.0, first=0, more=9, weight=100.0)
    planner = Routes(maze, price, nodes, config)
    assert run_episodes(maze, planner, start, goal, 120).reached[0]
    # The straight line goes through the first gap and meets the other two walls; the way to the
    # state in the second gap then meets the first.
    assert asked == [2, 1]


def test_links_join_what_lies_apart_and_stretches_say_where_values_hold():
    nodes = np.array([[0.0, 0.0], [0.1, 0.0], [2.0, 0.0], [2.0, 0.1], [2.0, 5.0]])
    np.testing.assert_array_equal(np.sort(bridges(nodes, 1.0), 1), [[1, 2], [3, 4]])
    assert len(bridges(nodes, 10.0)) == len(bridges(nodes[:1], 0.0)) == 0
    holds = np.array([True, True, False, False, False, True, False, False])
    np.testing.assert_allclose(stretches(holds), [1 / 8, 5.5 / 8])
    assert not len(stretches(~holds & holds))
