# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory train | evaluate | futures: energies over transitions."""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import asdict
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
from ..trajectory.quality import quality
from ..trajectory.recipe import PairRecipe, data_of
from ..trajectory.recorded import read_recording
from ..trajectory.worlds import WORLDS, world_named
from . import training, trajectory_futures
from .common import result_options

OUTPUT = Path('out/train/trajectory')
_NODES = 3000  # states of the data that routes are searched over
_NO_PAPER = ((None, None), (None, None))


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
    command.add_argument('--seeds', type=int, default=5, help='models and episodes per row (5)')
    command.add_argument(
        '--worlds', nargs='+', default=['particle', 'maze', 'reacher', 'dm_reacher'],
        help='of ' + ', '.join(WORLDS),
    )  # fmt: skip
    command.add_argument('--steps', type=int, help='of each training (default: the preset)')
    command.add_argument('--output', type=Path, default=OUTPUT, help='directory of the networks')

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
    _check_seeds(args)
    rows, qualities = [], defaultdict(list)
    print(ev.HEAD)
    for name in args.worlds:
        found = defaultdict(list)
        for seed in range(args.seeds):
            for method, episode in _methods(name, seed, args, qualities):
                found[method].append(episode)
        for (method, world), episodes in found.items():
            paper = ev.PAPER.get(world.name.removeprefix('dm_'), _NO_PAPER)[0]
            shown = paper['FF' in method] if 'no model' not in method else None
            rows.append(ev.row(method, world, episodes, shown, optimum=ev.optimum_of(world)))
            print(rows[-1].line(), flush=True)
    for name, values in qualities.items():
        print(f'{name}: AUROC {np.mean(values):.3f}, least {min(values):.3f}')
    return {'rows': [asdict(row) for row in rows], 'auroc': dict(qualities)}


def _check_seeds(args: argparse.Namespace) -> None:
    if args.seeds < 1:
        raise InvalidInput(f'--seeds: {args.seeds} is refused: at least 1')


def _methods(name: str, seed: int, args: argparse.Namespace, qualities: dict) -> list:
    """Return ((method, world), episode) of everything that is compared in a world."""
    world = world_named(name)
    energy, forward = trained(name, seed, args), trained(f'{name}_forward', seed, args)
    for what, value in quality(energy, world, 1000 + seed).items():
        qualities[f'{name}, {what}'].append(value)
    torch.manual_seed(seed)
    planners = {
        'energy, MPPI': ev.planned(world, energy, ev.MPPI),
        'energy, Langevin': ev.planned(world, energy, ev.LANGEVIN),
        'Action FF, MPPI': ev.planned(world, forward, ev.ACTIONS),
        'no model, Langevin': ev.planned(world, energy, ev.LANGEVIN, blind=True),
    }
    nodes = None
    if name in ('particle', 'maze'):
        data = data_of(name, preset(name).training.transitions, seed)
        nodes = ev.drawn_from(data.states, _NODES, seed)
    if name == 'maze':
        planners['energy, sub-goals'] = ev.routed(world, energy, nodes)
    if 'reacher' in name:
        inverse = trained(f'{name}_inverse', seed, args)
        planners['energy, MPPI, learned inverse'] = ev.planned(
            world, energy, ev.MPPI, inverse=inverse
        )
    made = [((method, world), ev.episode(world, planner)) for method, planner in planners.items()]
    if name == 'particle':
        blocked = ev.with_obstacle()
        planner = ev.routed(blocked, energy, nodes)
        made.append((('energy + obstacle, sub-goals', blocked), ev.episode(blocked, planner)))
    return made
