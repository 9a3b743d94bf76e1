# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core shapes: energies of single attributes of shapes, and what their sum draws."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..compositional.config import PRESETS, AttributeConfig, AttributeTraining, preset
from ..compositional.energy import load_energy
from ..compositional.recipe import AttributeRecipe
from ..compositional.requests import every_request, measure, told
from ..compositional.sums import USUAL, Sampling, sample
from ..config import keys_help
from ..datasets.shapes import ATTRIBUTES, draw_values
from ..errors import InvalidInput, ModelError
from ..model_files import write_model
from ..training.distributed import device_of
from . import training
from .common import result_options
from .gallery import gallery_options, table, write_section

_ADDED = (0, 3, 2, 1, 4)  # places of attributes: shape, colour, position, size, turn


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    shapes = commands.add_parser('shapes', help='energies of attributes of shapes, and their sums')
    commands, result = shapes.add_subparsers(required=True), result_options()
    command = commands.add_parser(
        'train',
        parents=[result],
        help='train the energy of all images of shapes, or of one of their attributes',
        epilog=f'keys of --set:\n{keys_help(AttributeConfig)}\n{keys_help(AttributeTraining)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train)
    training.add_options(command, PRESETS, 'shapes')
    command.add_argument(
        '--attribute', default='any', help=f'any (all images), or one of {", ".join(ATTRIBUTES)}'
    )
    command = commands.add_parser(
        'generate',
        parents=[result, gallery_options()],
        help='images of sums of energies, and the share that has all attributes asked for',
    )
    command.set_defaults(command=_generate)
    command.add_argument(
        '--models',
        type=Path,
        default=Path('out/train/shapes'),
        help='a directory with a model for each attribute (out/train/shapes)',
    )
    command.add_argument('--number', type=int, default=300, help='images of each request (300)')
    command.add_argument('--device', help='cpu, cuda, … (default: cuda where there is one)')
    command.add_argument(
        '--levels', type=int, default=USUAL.levels, help=f'of noise ({USUAL.levels})'
    )
    command.add_argument(
        '--steps', type=int, default=USUAL.steps, help=f'at each level ({USUAL.steps})'
    )
    command.add_argument(
        '--emphasis',
        type=float,
        default=USUAL.emphasis,
        help=f'weight of the attributes; 1 is what was learned ({USUAL.emphasis:g})',
    )


def _train(args: argparse.Namespace) -> dict | None:
    chosen = preset(args.preset, **{'attribute': args.attribute, **training.changes_of(args)})
    output = args.output or Path('out/train') / args.preset / chosen.model.attribute

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


def _load(directory: Path, device: torch.device) -> dict[str, nn.Module]:
    energies = {}
    for attribute in ('any', *ATTRIBUTES):
        energy, _ = load_energy(directory / attribute)
        if energy.config.attribute != attribute:
            raise ModelError(f'{directory / attribute}: an energy of {energy.config.attribute}')
        energies[attribute] = energy.to(device).requires_grad_(False)
    return energies


def _generate(args: argparse.Namespace) -> dict:
    try:
        from ..compositional.figure import rows_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    if not 0 <= args.emphasis < math.inf:
        raise InvalidInput(
            f'--emphasis: {args.emphasis:g} is refused: a number that is not negative'
        )
    device = device_of(args.device)
    torch.set_flush_denormal(True)
    energies = _load(args.models, device)
    how = Sampling(levels=args.levels, steps=args.steps, emphasis=args.emphasis)
    rng = np.random.default_rng(args.seed)
    # The slides' picture: one more attribute with each row, every column from the same noise.
    columns = torch.from_numpy(draw_values(8, rng, left_out=True)).to(device)
    options = {'seed': args.seed, 'device': device}
    drawn = [
        sample(energies, told(columns, _ADDED[:many]), len(columns), how, **options)
        for many in range(len(_ADDED) + 1)
    ]
    names = ['any', *(f'+ {list(ATTRIBUTES)[place]}' for place in _ADDED)]
    picture = rows_png(drawn, names, columns)
    numbers, rows = {}, []
    for name, requests in every_request(args.number, rng, device).items():
        share, _, _ = measure(energies, requests, how, args.seed)
        numbers[name] = share._asdict()
        shares = (share.has_all, share.both, share.is_shape, share.chance)
        each = ', '.join(f'{key} {100 * value:.0f}' for key, value in share.each.items())
        rows.append((name, str(share.images), *(f'{100 * v:.1f} %' for v in shares), each))
        print(*rows[-1], flush=True)
    header = ('asked for', 'images', 'have all', 'and are a shape', 'a shape', 'chance', 'each, %')
    title = 'Attributes of shapes, added one by one'
    text = table(header, rows)
    return write_section(args.output, 'shapes_sums', title, text, numbers, picture)
