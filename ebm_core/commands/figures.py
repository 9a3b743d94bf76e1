# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core figure | report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..figures import FIGURES, figure_names, get_figure
from ..figures.draw import draw_figures
from ..figures.models import Models
from ..figures.report import write_report
from ..files import write_atomically
from .common import model_options, result_options, scene_options
from .gallery import GALLERY, read_sections


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        '--models',
        type=Path,
        default=Path('out/train'),
        help='directory with the models of the ablation presets, each in PRESET/',
    )
    parents = [result_options(), model_options(), scene_options(), source]

    command = commands.add_parser(
        'figure', parents=parents, help='draw figures from trained models'
    )
    command.set_defaults(command=_figure)
    command.add_argument('name', help=f'all, families, or one of {", ".join(FIGURES)}')
    command.add_argument(
        '--output', type=Path, default=Path('out/figures'), help='directory of the PNG files'
    )

    command = commands.add_parser(
        'report',
        parents=parents,
        help='write all figures and tables into one page, as far as their models are there',
    )
    command.set_defaults(command=_report, written=('json', 'output'))
    command.add_argument(
        '--output', type=Path, default=Path('out/report'), help='directory of report.md'
    )
    command.add_argument(
        '--gallery',
        type=Path,
        default=GALLERY,
        help=f'directory with results of the other systems, which are added ({GALLERY})',
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
    pages, pictures = read_sections(args.gallery)
    numbers = write_report(models, args.output, seed=args.seed, scenes=args.scenes, further=pages)
    for picture in pictures:
        write_atomically(args.output / picture.name, picture.read_bytes())
    return numbers
