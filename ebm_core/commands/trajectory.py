# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory train | evaluate | futures: energies over transitions."""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch

from ..config import keys_help
from ..errors import InvalidInput
from ..model_files import write_model
from ..training.loop import train
from ..trajectory import evaluation as ev
from ..trajectory.config import PRESETS, PairTraining, preset
from ..trajectory.energy import TransitionNetwork
from ..trajectory.episodes import Planner
from ..trajectory.points import Particle
from ..trajectory.quality import quality
from ..trajectory.reacher import Reacher
from ..trajectory.recipe import PairRecipe, data_of
from ..trajectory.recorded import read_recording
from ..trajectory.seven_joints import SevenJoints
from ..trajectory.worlds import WORLDS, World, world_named
from . import (
    training,
    trajectory_futures,
    trajectory_online,
    trajectory_subgoals,
    trajectory_table,
)
from .common import add_seeds, result_options, seeds_of

OUTPUT = Path('out/train/trajectory')
_NODES = 3000  # states of the data that routes are searched over


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    system = commands.add_parser(
        'trajectory',
        help='energies over transitions: plan with them',
        epilog='train takes --preset and --set, evaluate --worlds and --seeds, futures --world',
    )
    commands, result = system.add_subparsers(required=True), result_options()
    command = commands.add_parser(
        'train',
        parents=[result],
        help='train one network on random transitions of a world',
        epilog=f'keys of --set:\n{keys_help(PairTraining)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train)
    training.add_options(command, PRESETS, 'particle')
    command.add_argument('--transitions', type=Path, help='an .npz file, for recorded presets')

    command = commands.add_parser('evaluate', parents=[result], help="print the paper's table")
    command.set_defaults(command=_evaluate)
    add_seeds(command, 'models and episodes per row')
    command.add_argument('--only', default='', help='rows of methods with this in their name')
    command.add_argument(
        '--worlds', nargs='+', default=['particle', 'maze', 'reacher', 'dm_reacher'],
        help='of ' + ', '.join(WORLDS),
    )  # fmt: skip
    command.add_argument('--steps', type=int, help='of each training (default: the preset)')
    command.add_argument('--output', type=Path, default=OUTPUT, help='directory of the networks')
    command.add_argument(
        '--goals', type=int, help='to so many drawn at random, of seven_joints, by one seed'
    )

    command = commands.add_parser(
        'online', parents=[result], help='the same table, of agents that learn while they act'
    )
    command.set_defaults(command=trajectory_online.run)
    trajectory_online.add_options(command)

    command = commands.add_parser(
        'subgoals', parents=[result], help='states that a search needs, by who proposes them'
    )
    command.set_defaults(command=lambda args: trajectory_subgoals.run(args, trained))
    trajectory_subgoals.add_options(command, OUTPUT)

    command = commands.add_parser('table', help='one table of what several runs wrote by --json')
    command.set_defaults(command=trajectory_table.run, json=None, threads=None)
    command.add_argument('files', nargs='+', type=Path, help='of evaluate, online or subgoals')

    command = commands.add_parser(
        'futures', parents=[result], help='what may come next, by the energy and by a mean'
    )
    command.set_defaults(command=lambda args: trajectory_futures.run(args, trained))
    trajectory_futures.add_options(command, OUTPUT)


def _train(args: argparse.Namespace) -> dict | None:
    chosen = preset(args.preset, **training.changes_of(args))
    output, about, data = args.output or OUTPUT / args.preset, {}, None
    if args.transitions:
        recording = read_recording(args.transitions)
        chosen = chosen.model_copy(update={'model': recording.configured(chosen.model)})
        about, data = {'transitions': recording.card()}, recording.transitions
    made = training.run(args, PairRecipe(chosen, data), output)
    if made is None:
        return None
    learner, provenance = made
    write_model(output, learner.network, chosen.model_dump() | about, provenance)
    print(output)
    return provenance


def trained(
    name: str, seed: int, args: argparse.Namespace, without_actions: bool = False
) -> TransitionNetwork:
    """Return a preset's network of a seed; what was trained before is taken from its checkpoint.

    without_actions: all actions of its transitions are 0, so that it predicts the mean.
    """
    changes = {'seed': seed} | ({'steps': args.steps} if args.steps else {})
    chosen = preset(name, **changes)
    began = time.process_time()
    recipe = PairRecipe(chosen)
    if without_actions:
        data = recipe.transitions()
        recipe = PairRecipe(chosen, data._replace(actions=0 * data.actions))
        name = f'{name}_mean'
    learner, run = train(recipe, args.output / f'{name}-{seed}', device=torch.device('cpu'))
    if run['resumed_at_step'] < chosen.training.steps:
        print(f'{name}, seed {seed}: {time.process_time() - began:.1f} s of CPU', flush=True)
    return learner.network.eval().requires_grad_(False)


def _evaluate(args: argparse.Namespace) -> dict:
    seeds, rows, qualities = seeds_of(args), [], defaultdict(dict)
    if args.goals is not None:
        _require_goals(args)
        seeds = seeds[:1]
    print(ev.HEAD)
    for name in args.worlds:
        found = defaultdict(dict)
        for seed in seeds:
            energy = trained(name, seed, args)
            for what, value in quality(energy, world_named(name), 1000 + seed).items():
                qualities[f'{name}, {what}'][seed] = value
            for (method, world), make in _planners(name, seed, args, energy).items():
                if args.only in method:
                    planner = make()
                    torch.manual_seed(seed)
                    if args.goals:
                        goals = world.draw_goals(args.goals, np.random.default_rng(seed))
                        found[method, world] = ev.episodes_to(world, planner, goals)
                    else:
                        found[method, world][seed] = ev.episode(world, planner)
        for (method, world), episodes in found.items():
            paper = ev.paper_of(world, method)
            of = None if args.goals else ev.optimum_of(world)
            drawn = bool(args.goals)
            rows.append(ev.row(method, world, episodes, paper, optimum=of, drawn=drawn))
            print(rows[-1].line(), flush=True)
    print(trajectory_table.aurocs(qualities))
    return {'rows': [asdict(row) for row in rows], 'auroc': dict(qualities)}


def _require_goals(args: argparse.Namespace) -> None:
    for name in args.worlds:
        if not isinstance(world_named(name), SevenJoints):
            raise InvalidInput(f'--goals: {name} has one goal; seven_joints has others')


def _planners(
    name: str, seed: int, args: argparse.Namespace, energy: TransitionNetwork
) -> dict[tuple[str, World], Callable[[], Planner]]:
    """Return what makes the planners that are compared in a world, by method and world.

    A network is trained when the first planner with it is made.
    """
    world = world_named(name)

    @cache
    def other(kind: str) -> TransitionNetwork:
        return trained(f'{name}_{kind}', seed, args)

    made = {
        'energy, MPPI': lambda: ev.planned(world, energy, ev.MPPI),
        'energy, Langevin': lambda: ev.planned(world, energy, ev.LANGEVIN),
        'Action FF, MPPI': lambda: ev.planned(world, other('forward'), ev.ACTIONS),
        'no model, Langevin': lambda: ev.planned(world, energy, ev.LANGEVIN, blind=True),
    }
    if not isinstance(world, Particle):
        way, config = ('MPPI', ev.MPPI) if isinstance(world, Reacher) else ('Langevin', ev.LANGEVIN)
        made[f'energy, {way}, learned inverse'] = lambda: ev.planned(
            world, energy, config, inverse=other('inverse')
        )
    planners = {(method, world): make for method, make in made.items()}
    if isinstance(world, Particle):
        data = data_of(name, preset(name).training.transitions, seed)
        nodes = ev.drawn_from(data.states, _NODES, seed)
        routed = ev.with_obstacle() if name == 'particle' else world
        known = ' + obstacle' if name == 'particle' else ''
        planners |= {
            (f'energy{known}, sub-goals', routed): lambda: ev.routed(routed, energy, nodes),
            (f'Action FF{known}, sub-goals', routed): lambda: ev.routed(
                routed, other('forward'), nodes
            ),
        }
        if known:
            planners['no model + obstacle, sub-goals', routed] = lambda: ev.routed(
                routed, None, nodes
            )
    return planners
