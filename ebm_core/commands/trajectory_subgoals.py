# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory subgoals: how many states a search needs, by who proposes them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..errors import InvalidInput
from ..training.loop import train
from ..trajectory import evaluation as ev
from ..trajectory.config import preset
from ..trajectory.energy import PairEnergy
from ..trajectory.episodes import Planner, run_episodes
from ..trajectory.points import Maze
from ..trajectory.recipe import data_of
from ..trajectory.routes import RouteConfig, Routes
from ..trajectory.subgoals import BetweenConfig, BetweenEnergy, BetweenRecipe, BetweenTraining
from ..trajectory.worlds import world_named
from .gallery import GALLERY, table, write_section

_APART = 3  # columns between start and goal, at least: two walls or more
_CAP, _CAP_PER_CORRIDOR = 100, 30  # steps of an episode
_ENOUGH = 0.95  # reached: no more states are tried
_SHOWN = 4  # states per corridor in the picture
_ROUTES = RouteConfig(radius=1.5, rounds=0, weight=100.0, margin=0.0, searches=40)
_ALONE = ev.LANGEVIN.model_copy(update={'iterations': 5, 'horizon': 8})
SOURCES = ('none', 'data', 'energy')
HEAD = ('maze', 'states from', 'at most', 'used', 'reached', 'CPU s an episode')


def add_options(command: argparse.ArgumentParser, output: Path) -> None:
    """Add the command's options."""
    command.add_argument('--mazes', nargs='+', default=['maze', 'maze8', 'maze32'])
    command.add_argument('--episodes', type=int, default=20, help='starts and goals a row (20)')
    command.add_argument(
        '--per-corridor', nargs='+', type=float, default=[1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32],
        help='numbers of states that are tried, until one suffices (1 1.5 2 3 4 6 8 12 16 24 32)',
    )  # fmt: skip
    command.add_argument(
        '--sources', nargs='+', choices=SOURCES, default=SOURCES, help='of states (all)'
    )
    command.add_argument('--seed', type=int, default=0, help='of everything (0)')
    command.add_argument('--steps', type=int, help='of each training (default: the preset)')
    command.add_argument('--output', type=Path, default=output, help='directory of the networks')
    command.add_argument(
        '--gallery', type=Path, default=GALLERY, help=f'directory of the results ({GALLERY})'
    )


def run(args: argparse.Namespace, trained: Callable[..., PairEnergy]) -> dict:
    """Write success by maze, source of states and their number, and a picture of the last maze."""
    try:
        from ..trajectory.figure import proposals_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    for name in args.mazes:
        if not isinstance(world_named(name), Maze):
            raise InvalidInput(f'--mazes: {name!r} is refused: it has no corridors')
    if min(args.episodes, *args.per_corridor) < 1:
        raise InvalidInput('--episodes, --per-corridor: at least 1')
    rows: list[dict] = []
    for name in args.mazes:
        energy = trained(name, args.seed, args)
        compared = _Compared(name, energy, between(name, energy, args), args)
        rows += compared.rows()
    return write_section(
        args.gallery,
        'trajectory_subgoals',
        'States between start and goal, by who proposes them',
        table(HEAD, [cells(row) for row in rows]),
        {'rows': rows},
        proposals_png(compared.world, *compared.ends, compared.panels()),
    )


def between(name: str, energy: PairEnergy, args: argparse.Namespace) -> BetweenEnergy:
    """Return the conditional energy of a maze; what was trained before is taken."""
    changes = {'seed': args.seed} | ({'steps': args.steps} if args.steps else {})
    config = BetweenConfig(world=name, training=BetweenTraining(**changes))
    began = time.process_time()
    directory = args.output / f'{name}_between-{args.seed}'
    made, _ = train(BetweenRecipe(config, energy), directory, device=torch.device('cpu'))
    print(f'{name}, sub-goals: {time.process_time() - began:.1f} s of CPU', flush=True)
    return made.eval().requires_grad_(False)


def pairs(world: Maze, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and goals (number, 2), at random but at least three columns apart."""
    starts, goals = np.empty((0, 2)), np.empty((0, 2))
    while len(starts) < number:
        first, second = world.draw(4 * number, rng), world.draw(4 * number, rng)
        apart = np.abs(world.column(first) - world.column(second)) >= _APART
        starts = np.concatenate((starts, first[apart]))
        goals = np.concatenate((goals, second[apart]))
    return starts[:number], goals[:number]


class _Compared:
    """A maze's episodes, the same starts and goals with states from everywhere."""

    def __init__(
        self, name: str, energy: PairEnergy, proposer: BetweenEnergy, args: argparse.Namespace
    ) -> None:
        self.name, self.energy, self.world, self.args = name, energy, world_named(name), args
        self.cap = _CAP + _CAP_PER_CORRIDOR * self.world.corridors
        self.rng = np.random.default_rng(args.seed)
        self.starts, self.goals = pairs(self.world, args.episodes, self.rng)
        data = data_of(name, preset(name).training.transitions, args.seed)
        self.states = data.states.double().numpy()
        self.sources = {'data': self._drawn, 'energy': proposer.propose}
        torch.manual_seed(args.seed)

    def _drawn(self, start: np.ndarray, goal: np.ndarray, shares: np.ndarray) -> np.ndarray:
        return self.states[self.rng.integers(0, len(self.states), len(shares))]

    def rows(self) -> list[dict]:
        """Return success without states, and with more and more of them until they suffice."""
        made = []
        if 'none' in self.args.sources:
            made.append(self._row('none', 0, ev.planned(self.world, self.energy, _ALONE)))
        for source in (name for name in self.sources if name in self.args.sources):
            for number in self.world.corridors * np.array(self.args.per_corridor):
                made.append(self._row(source, int(number), self._planner(source, int(number))))
                if made[-1]['reached'] >= _ENOUGH:
                    break
        return made

    def _planner(self, source: str, number: int) -> Routes:
        """Return a planner without states at first, and at most `number` where ways are dear."""
        config = _ROUTES.model_copy(update={'first': 0, 'more': number})
        return ev.routed(self.world, self.energy, self.sources[source], config)

    def _row(self, source: str, number: int, planner: Planner) -> dict:
        began = time.process_time()
        reached = run_episodes(self.world, planner, self.starts, self.goals, self.cap).reached
        seconds = (time.process_time() - began) / len(reached)
        used = np.mean([kept and len(kept.nodes) - 1 for kept in getattr(planner, 'kept', [0])])
        share = float(reached.mean())
        row = {
            'maze': self.name,
            'source': source,
            'number': number,
            'used': float(used),
            'seed': self.args.seed,
            'reached': share,
            'episodes': len(reached),
            'cpu_s': seconds,
        }
        print(*cells(row), flush=True)
        return row

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """The start and the goal (2,) of the picture: the maze's two ends."""
        return np.array([-0.75, -0.8]), np.array([self.world.high[0] - 0.75, -0.8])

    def panels(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return as many states of each source, and the ways over them, by title."""
        made = {}
        for source in self.sources:
            planner = self._planner(source, _SHOWN * self.world.corridors)
            way = run_episodes(self.world, planner, *self.ends, self.cap)
            states = planner.kept[0].nodes[1:]
            shown = 'reached' if way.reached[0] else 'not reached'
            made[f'{len(states)} states, {source}: {shown}'] = (states, way.states[0])
        return made


def cells(row: dict) -> list[str]:
    """Return what a row of the table shows."""
    shown = (f'{row["reached"]:.0%}', f'{row["cpu_s"]:.2f}')
    number = (str(row['number']), f'{row["used"]:.1f}')
    return [row['maze'], row['source'], *number, *shown]
