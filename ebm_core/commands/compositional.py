# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core shapes: energies of single attributes of shapes, and what their sum draws."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ..compositional.config import PRESETS, AttributeConfig, AttributeTraining, preset
from ..compositional.energy import AttributeEnergy, load_attribute_energy
from ..compositional.recipe import AttributeRecipe
from ..compositional.requests import every_request, measure, told
from ..compositional.sums import Sampling, sample
from ..config import keys_help
from ..datasets.shapes import ATTRIBUTES, draw_values
from ..errors import InvalidInput, ModelError
from ..model_files import write_model
from ..training.distributed import device_of
from . import training
from .common import result_options
from .gallery import gallery_options, table, write_section


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    shapes = commands.add_parser('shapes', help='energies of attributes of shapes, and their sums')
    commands, result = shapes.add_subparsers(required=True), result_options()
    command = commands.add_parser(
        'train',
        parents=[result],
        help='train the energy of one attribute of shapes',
        epilog=f'keys of --set:\n{keys_help(AttributeConfig)}\n{keys_help(AttributeTraining)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train)
    training.add_options(command, PRESETS, 'shapes_small')
    command.add_argument('--attribute', default='shape', help=f'one of {", ".join(ATTRIBUTES)}')
    command = commands.add_parser(
        'generate',
        parents=[result, gallery_options()],
        help='images of sums of energies, and the share that has all attributes asked for',
    )
    command.set_defaults(command=_generate)
    command.add_argument(
        '--models',
        type=Path,
        default=Path('out/train/shapes_small'),
        help='a directory with a model for each attribute (out/train/shapes_small)',
    )
    command.add_argument('--number', type=int, default=300, help='images of each request (300)')
    command.add_argument('--device', help='cpu, cuda, … (default: cuda where there is one)')
    usual = Sampling()
    command.add_argument(
        '--levels', type=int, default=usual.levels, help=f'of noise ({usual.levels})'
    )
    command.add_argument(
        '--steps', type=int, default=usual.steps, help=f'at each level ({usual.steps})'
    )
    command.add_argument(
        '--emphasis',
        type=float,
        default=usual.emphasis,
        help=f'of what values change; 1 is what was learned ({usual.emphasis:g})',
    )
    command.add_argument(
        '--denial', type=float, default=usual.denial, help=f'of negated values ({usual.denial:g})'
    )
    command.add_argument(
        '--plain',
        action='store_true',
        help='the plain sum, which counts what all images have in common with each energy',
    )


def _train(args: argparse.Namespace) -> dict | None:
    chosen = preset(args.preset, **{'attribute': args.attribute, **training.changes_of(args)})
    output = args.output or Path('out/train') / args.preset / args.attribute

    def keep(energy, step: int) -> dict:
        # A run that a time limit ends has a model all the same.
        write_model(output, energy, chosen.model_dump(), {'step': step, 'finished': False})
        return {}

    made = training.run(args, AttributeRecipe(chosen), output, report=keep)
    if made is None:
        return None
    energy, provenance = made
    write_model(output, energy, chosen.model_dump(), provenance)
    print(output)
    return provenance


def _load(directory: Path, device: torch.device) -> dict[str, AttributeEnergy]:
    energies = {}
    for attribute in ATTRIBUTES:
        energy, _ = load_attribute_energy(directory / attribute)
        if energy.config.attribute != attribute:
            raise ModelError(f'{directory / attribute}: an energy of {energy.config.attribute}')
        energies[attribute] = energy.to(device).requires_grad_(False)
    return energies


def _generate(args: argparse.Namespace) -> dict:
    try:
        from ..compositional.figure import rows_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    for option in ('number', 'levels', 'steps'):
        if getattr(args, option) < 1:
            raise InvalidInput(f'--{option}: {getattr(args, option)} is refused: at least 1')
    device = device_of(args.device)
    torch.set_flush_denormal(True)
    energies = _load(args.models, device)
    how = Sampling(
        levels=args.levels,
        steps=args.steps,
        common_once=not args.plain,
        emphasis=args.emphasis,
        denial=args.denial,
    )
    rng = np.random.default_rng(args.seed)
    numbers, rows = {}, []
    for name, requests in every_request(args.number, rng, device).items():
        share, _, _ = measure(energies, requests, how, args.seed)
        numbers[name] = share._asdict()
        shares = (share.both, share.has_all, share.is_shape, share.chance)
        each = ', '.join(f'{key} {100 * value:.0f}' for key, value in share.each.items())
        rows.append((name, str(share.images), *(f'{100 * v:.1f} %' for v in shares), each))
        print(*rows[-1], flush=True)
    header = ('asked for', 'images', 'all, and a shape', 'all', 'a shape', 'chance', 'each, %')
    text = table(header, rows)
    # The slides' picture: one more attribute with each row, every column from the same noise.
    columns = torch.from_numpy(draw_values(8, rng, left_out=True)).to(device)
    order = (0, 3, 2, 1, 4)
    drawn = [
        sample(energies, told(columns, order[:many]), how, args.seed)
        for many in range(1, len(order) + 1)
    ]
    added = [f'+ {list(ATTRIBUTES)[place]}' for place in order]
    picture = rows_png(drawn, added, columns)
    name = 'shapes_plain_sum' if args.plain else 'shapes_sums'
    title = 'Attributes of shapes, added one by one'
    return write_section(args.output, name, title, text, numbers, picture)
