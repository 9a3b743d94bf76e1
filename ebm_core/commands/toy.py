# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core toy: energies on the plane, trained, measured and drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType

import numpy as np

from ..config import keys_help
from ..errors import InvalidInput
from ..files import write_atomically
from ..model_files import write_model
from ..toy import quality, sums
from ..toy.conditional import compare
from ..toy.config import PRESETS, PlaneTraining, preset
from ..toy.energy import load_plane
from ..toy.recipe import PlaneRecipe
from . import training
from .common import result_options
from .gallery import gallery_options, table, write_section


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    toy = commands.add_parser('toy', help='energies on the plane: train, measure and draw them')
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
    command.set_defaults(command=_figure, files=('json', 'output'))
    command.add_argument(
        '--model', type=Path, default=Path('out/train/spiral'), help='directory of the model'
    )
    command.add_argument(
        '--output', type=Path, default=Path('out/figures/toy.png'), help='the PNG file'
    )

    few = gallery_options()
    few.add_argument('--seeds', type=int, default=3, help='trainings of each kind (3)')
    few.add_argument('--steps', type=int, default=600, help='of each training (600)')
    parents = [result, few]
    command = commands.add_parser('widths', parents=parents, help='landscape against width')
    command.set_defaults(command=_widths)
    command.add_argument(
        '--hidden', type=int, nargs='+', default=[4, 8, 16, 32, 64, 128], help='units per layer'
    )
    command = commands.add_parser(
        'negatives', parents=parents, help='steps that random and mined negatives need'
    )
    command.set_defaults(command=_negatives)
    command.add_argument('--goal', type=float, default=0.8, help='coverage to be reached (0.8)')
    command = commands.add_parser(
        'conditional', parents=parents, help='answers by F(x, y), F(x, y, z) and by the mean'
    )
    command.set_defaults(command=_conditional)
    command = commands.add_parser('sums', parents=parents, help='sums of energies')
    command.set_defaults(command=_sums, fewest_samples=3)  # else there is no covariance
    command.add_argument(
        '--samples',
        type=int,
        default=40_000,
        help='of the Gaussians, of the spiral at most 1000 (40 000)',
    )
    command.add_argument('--model', type=Path, help='of a spiral (default: it is trained)')


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
    figure = _drawing()
    learner, card = load_plane(args.model)
    curve = card['training']['curve']
    write_atomically(args.output, figure.energy_png(learner, curve))
    print(args.output)
    return {'model': str(args.model), 'curve': curve}


def _widths(args: argparse.Namespace) -> dict:
    figure = _drawing()
    rows, learners = quality.widths(training.fit, args.hidden, args.seeds, steps=args.steps)
    panels = [
        figure.Panel(f'{row["hidden"]} units: {_mean(row["coverage"])}', learner.energy, 'spiral')
        for row, learner in zip(rows, learners, strict=True)
    ]
    text = table(
        ('units per layer', 'coverage by the zero set, mean ± standard error'),
        [(str(row['hidden']), _mean(row['coverage'])) for row in rows],
    )
    return write_section(
        args.output,
        'toy_widths',
        'The energy of a spiral against the width of its network',
        text,
        {'rows': rows},
        figure.panels_png(panels),
    )


def _negatives(args: argparse.Namespace) -> dict:
    rows = quality.negatives(training.fit, args.seeds, args.goal, every=20, steps=args.steps)
    text = table(
        ('negatives', f'steps to a coverage of {args.goal:g}, each seed', 'coverage at the end'),
        [
            (
                row['negatives'],
                ', '.join(
                    'never' if step is None else str(step) for step in row['reached_at_step']
                ),
                _mean([list(curve.values())[-1] for curve in row['coverage']]),
            )
            for row in rows
        ],
    )
    title = 'Hard negatives against random ones'
    return write_section(args.output, 'toy_negatives', title, text, {'rows': rows}, None)


def _conditional(args: argparse.Namespace) -> dict:
    figure, rows, panels = _drawing(), [], []
    for curve in ('spiral', 'rings'):
        for seed in range(args.seed, args.seed + args.seeds):
            found = compare(training.fit, curve, seed, questions=300, steps=args.steps)
            rows += [{'curve': curve, 'seed': seed, **row} for row in found]
            if seed == args.seed:
                shown = ((row['answers by'], np.array(row['points'][::4])) for row in found)
                panels += [figure.Panel(f'{curve}: {n}', None, curve, p) for n, p in shown]
    rows = [{k: v for k, v in row.items() if k != 'points'} for row in rows]
    cells = {}
    for row in rows:
        cells.setdefault((row['curve'], row['answers by']), []).append(row)
    text = table(
        ('curve, answers by', 'right', 'answers of the curve that are found'),
        [
            (
                f'{curve}, {name}',
                _mean([row['right'] for row in found]),
                _mean([row['found'] for row in found]),
            )
            for (curve, name), found in cells.items()
        ],
    )
    title = 'Answers where they are not unique'
    picture = figure.panels_png(panels)
    return write_section(args.output, 'toy_conditional', title, text, {'rows': rows}, picture)


def _sums(args: argparse.Namespace) -> dict:
    figure = _drawing()
    if args.model:
        learner, _ = load_plane(args.model)
    else:
        learner = training.fit(PlaneRecipe(preset('spiral', seed=args.seed, steps=args.steps)))
    gaussians = sums.product_of_gaussians(args.samples, args.seed)
    cut = sums.cut_spiral(learner, min(args.samples, 1000), 400, args.seed)
    panels = []
    for title, (energy, gradient, step, steps) in sums.energies(learner).items():
        path = np.stack([x.numpy() for x in sums.sample(gradient, 60, steps, step)])
        # Of more than a few ways none can be seen.
        panels.append(figure.Panel(title, energy, None, path[-1], path[:, :8]))
    text = '\n\n'.join(
        (
            table(
                ('product of two Gaussians', 'largest error'),
                [
                    (name, f'{100 * gaussians[f"{name} error"]:.2f} %')
                    for name in ('mean', 'covariance')
                ],
            ),
            table(
                ('spiral cut by a half-plane', 'share'),
                [
                    (name, f'{100 * cut[name]:.1f} %')
                    for name in ('inside', 'inside without it', 'near the spiral', 'found')
                ],
            ),
        )
    )
    return write_section(
        args.output,
        'toy_sums',
        'Sums of energies, and the paths that chains take',
        text,
        {'gaussians': gaussians, 'cut spiral': cut},
        figure.panels_png(panels),
    )


def _drawing() -> ModuleType:
    try:
        from ..toy import figure
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    return figure


def _mean(values: list[float]) -> str:
    if len(values) == 1:  # which says nothing of its error
        return f'{100 * values[0]:.1f} %'
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f'{100 * np.mean(values):.1f} ± {100 * error:.1f} %'
