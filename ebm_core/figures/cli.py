# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core figure | report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import FIGURES, figure_names, get_figure
from .drawing import draw_figures
from .models import Models
from .report import write_report


def add_commands(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the sub-commands; common: the options that all commands have."""
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        '--model', type=Path, default=Path('models/concepts'), help='the main model'
    )
    source.add_argument(
        '--models',
        type=Path,
        default=Path('out/train'),
        help='directory with the models of the ablation presets, each in PRESET/',
    )
    source.add_argument('--seed', type=int, default=1, help='of the scenes')

    command = commands.add_parser(
        'figure', parents=[common, source], help='draw figures from trained models'
    )
    command.set_defaults(command=_figure)
    command.add_argument('name', help=f'all, families, or one of {", ".join(FIGURES)}')
    command.add_argument(
        '--output', type=Path, default=Path('out/figures'), help='directory of the PNG files'
    )

    command = commands.add_parser(
        'report',
        parents=[common, source],
        help='write all figures and tables into one page, as far as their models are there',
    )
    command.set_defaults(command=_report)
    command.add_argument(
        '--output', type=Path, default=Path('out/report'), help='directory of report.md'
    )


def _figure(args: argparse.Namespace) -> dict:
    names = figure_names(args.name)
    models = Models(args.model, args.models)
    results = draw_figures(names, models, args.output, seed=args.seed, scenes=args.scenes)
    for name, numbers in results.items():
        spec = get_figure(name)
        print(f'{spec.title}\n{args.output / name}.png\n\n{spec.table(numbers)}\n')
        if unknown := models.unknown(spec.concepts):
            print(f'note: {args.model} was not trained on {", ".join(unknown)}\n', file=sys.stderr)
    return {
        'seed': args.seed,
        'scenes': args.scenes,
        'models': models.used,
        'figures': results,
    }


def _report(args: argparse.Namespace) -> dict:
    models = Models(args.model, args.models)
    return write_report(models, args.output, seed=args.seed, scenes=args.scenes)
