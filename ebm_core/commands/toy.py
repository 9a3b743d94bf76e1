# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core toy train | figure: the energy on the plane."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config import keys_help
from ..errors import InvalidInput
from ..files import write_atomically
from ..model_files import write_model
from ..toy.config import PRESETS, PlaneTraining, preset
from ..toy.energy import load_plane
from ..toy.recipe import PlaneRecipe
from . import training
from .common import result_options


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    toy = commands.add_parser('toy', help='an energy on the plane: train it, draw it')
    commands, result = toy.add_subparsers(required=True), result_options()
    command = commands.add_parser(
        'train',
        parents=[result],
        help='train an energy that is low on a curve',
        epilog=f'keys of --set:\n{keys_help(PlaneTraining)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train)
    training.add_options(command, PRESETS, 'spiral')

    command = commands.add_parser('figure', parents=[result], help='draw a trained energy')
    command.set_defaults(command=_figure)
    command.add_argument(
        '--model', type=Path, default=Path('out/train/spiral'), help='directory of the model'
    )
    command.add_argument(
        '--output', type=Path, default=Path('out/figures/toy.png'), help='the PNG file'
    )


def _train(args: argparse.Namespace) -> dict | None:
    chosen = preset(args.preset, **training.changes_of(args))
    output = args.output or Path('out/train') / args.preset
    made = training.run(args, PlaneRecipe(chosen), output)
    if made is None:
        return None
    learner, provenance = made
    write_model(output, learner, chosen.model_dump(), provenance)
    print(f'{output}\npython -m ebm_core toy figure --model {output}')
    return provenance


def _figure(args: argparse.Namespace) -> dict:
    try:
        from ..toy.figure import energy_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    learner, card = load_plane(args.model)
    curve = card['training']['curve']
    write_atomically(args.output, energy_png(learner, curve))
    print(args.output)
    return {'model': str(args.model), 'curve': curve}
