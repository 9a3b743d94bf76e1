# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory online: agents that learn a network while they act."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import torch

from ..errors import InvalidInput
from ..training.loop import train_step
from ..training.optimizer import MuonAndAdam
from ..trajectory import evaluation as ev
from ..trajectory.config import Kind, PairPreset, PairTraining, preset
from ..trajectory.episodes import Episodes, Planner
from ..trajectory.online import Experience
from ..trajectory.points import Maze
from ..trajectory.reacher import Reacher
from ..trajectory.recipe import PairRecipe
from ..trajectory.routes import RouteConfig
from ..trajectory.transitions import Transitions
from ..trajectory.worlds import World, world_named
from .common import add_seeds, seeds_of

# Episodes, and the cap of each: 1000 steps of a world. The score is that of the last one.
LIVES = {
    'particle': (1, 1000),
    'maze': (1, 1000),
    'reacher': (20, 50),
    'dm_reacher': (20, 50),
    'seven_joints': (5, 200),
}
_STEPS = 1000  # of a world
_DRIFT = 0.1  # of what is stepped from, that a step is thought to change at most before it is known
_LEARNED = 4  # steps of training per step of the world
_NODES = 600  # imagined states that routes are searched over
# Where nobody has been yet costs little; what was tried and did not happen costs much.
_ROUTES = RouteConfig(weight=1, most=0.5, bump=0.04, slack=1e9, margin=0.0, keep=False)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    command.add_argument('--only', default='', help='rows of methods with this in their name')
    add_seeds(command, 'lives per row')
    command.add_argument(
        '--worlds',
        nargs='+',
        default=['particle', 'maze', 'reacher'],
        help=f'of {", ".join(LIVES)}',
    )


def run(args: argparse.Namespace) -> dict:
    """Print the table of agents that begin without data."""
    seeds = seeds_of(args)
    for name in args.worlds:
        if name not in LIVES:
            raise InvalidInput(f'--worlds: {name!r} is unknown; known are {", ".join(LIVES)}')
    rows = []
    print(ev.HEAD)
    for world in map(world_named, args.worlds):
        _, cap = LIVES[world.name]
        chosen = {m: how for m, how in methods(world).items() if args.only in m}
        for method, how in chosen.items():
            began = time.process_time()
            last = {seed: lived(world, seed, **how)[-1] for seed in seeds}
            seconds = (time.process_time() - began) / len(seeds)
            paper, optimum = ev.paper_of(world, method, online=True), ev.optimum_of(world)
            rows.append(ev.row(method, world, last, paper, cap=cap, optimum=optimum))
            print(rows[-1].line(), flush=True)
            print(f'{seconds:.0f} s of CPU a life', file=sys.stderr)
    return {'rows': [asdict(row) for row in rows]}


class Online:
    """A network that learns from all that was experienced, whenever there is more of it."""

    def __init__(self, world: World, kind: Kind, seed: int, *, blind: bool, routes: bool) -> None:
        """blind: plan without what was learned, in its frame. routes: over imagined states."""
        name = world.name if kind == 'energy' else f'{world.name}_{kind}'
        training = PairTraining(steps=_STEPS * _LEARNED, anywhere=0, seed=seed)
        self.recipe = PairRecipe(PairPreset(model=preset(name).model, training=training))
        self.world, self.rng = world, np.random.default_rng(seed)
        self.blind, self.routes = blind, routes
        self.module, self.step, self.fitted = None, 0, 0
        torch.manual_seed(seed)

    def learn(self, data: Transitions, never: Transitions | None) -> None:
        """Take some steps of training; the frame is fitted anew whenever the data have doubled.

        In every step it would move under what the network has learned of it.
        """
        recipe = replace(self.recipe, data=data, never=never)
        if self.module is None:
            self.module = recipe.build()
            self.optimizer = MuonAndAdam(recipe.parameter_groups(self.module))
        if len(data.states) >= 2 * self.fitted:
            self.fitted = len(data.states)
            self.module.network.frame.fit(recipe.data, drift=_DRIFT)
        for _ in range(0 if self.blind else _LEARNED):
            step = min(self.step, recipe.run.steps - 1)
            train_step(recipe, self.module, self.optimizer, step, self.rng)
            self.step += 1

    def planner(self) -> Planner:
        """Return a planner with the network as it is at each time."""
        network = self.module.network
        if self.routes:
            nodes = self.rng.uniform(self.world.low, self.world.high, (_NODES, 2))
            model = None if self.blind else network
            return ev.routed(self.world, model, lambda *_: nodes, _ROUTES)
        if self.recipe.preset.model.kind == 'forward':
            return ev.planned(self.world, network, ev.ACTIONS)
        by_draws = isinstance(self.world, Reacher) and not self.blind
        config = ev.MPPI if by_draws else ev.LANGEVIN
        return ev.planned(self.world, network, config, blind=self.blind)


def methods(world: World) -> dict[str, dict]:
    """Return what is compared in a world: keywords of `lived`, by method."""
    if not isinstance(world, Maze):
        return {
            'energy, online': {'kind': 'energy'},
            'Action FF, online': {'kind': 'forward'},
            'no model, online': {'kind': 'energy', 'blind': True},
        }
    return {
        'energy, sub-goals, online': {'kind': 'energy', 'routes': True},
        'Action FF, MPPI, online': {'kind': 'forward'},
        'Action FF, sub-goals, online': {'kind': 'forward', 'routes': True},
        'no model, sub-goals, online': {'kind': 'energy', 'blind': True, 'routes': True},
    }


def lived(
    world: World, seed: int, *, kind: Kind, blind: bool = False, routes: bool = False
) -> list[Episodes]:
    """Return the episodes of an agent that learns a network of `kind` while it acts."""
    online = Online(world, kind, seed, blind=blind, routes=routes)
    experience = Experience(world, online.planner, online.learn, np.random.default_rng(seed))
    episodes, cap = LIVES[world.name]
    return experience.live(np.array(world.start), np.array(world.goal), episodes, cap)
