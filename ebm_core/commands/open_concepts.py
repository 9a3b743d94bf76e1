# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command line of the evaluation on concepts that nobody trained on."""

from __future__ import annotations

import argparse

import torch

from ..errors import InvalidInput
from ..evaluation.open import Conditions, evaluate_open, open_table
from ..relational.model import ConceptModel
from ..training.distributed import joined

SCENES = 500  # for each concept, by default


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what --open understands to the command `evaluate`."""
    group = command.add_argument_group('concepts that nobody trained on')
    group.add_argument(
        '--open',
        action='store_true',
        help=f'measure concepts written by hand instead of the named ones ({SCENES} scenes each)',
    )
    group.add_argument(
        '--curve',
        type=int,
        nargs='+',
        default=[],
        metavar='NUMBER',
        help='numbers of demonstrations to measure generation with, too (1 2 3 10)',
    )
    group.add_argument(
        '--sets',
        type=int,
        default=0,
        help='sets of demonstrations per concept, to measure whether understanding foretells '
        'success and a wrong demonstration is named (0: not measured)',
    )
    group.add_argument(
        '--only',
        nargs='+',
        default=[],
        metavar='WORDS',
        help='measure only concepts whose name has one of these in it; their numbers are the same',
    )
    for what, unit in (('position', 'particle units'), ('colour', 'RGB')):
        group.add_argument(
            f'--{what}-noise',
            type=float,
            default=0.0,
            metavar='SIGMA',
            help=f'standard deviation of what is seen, {unit} (0)',
        )


def run(args: argparse.Namespace, model: ConceptModel) -> dict | None:
    """Measure, print the table, and return the results; None in processes that do not lead."""
    for option in ('position_noise', 'colour_noise', 'sets'):
        if not 0 <= getattr(args, option) < float('inf'):
            name = option.replace('_', '-')
            raise InvalidInput(f'--{name}: {getattr(args, option)} is refused: 0 or more')
    if any(number < 1 for number in args.curve):
        raise InvalidInput(f'--curve: {min(args.curve)} is refused: at least 1')
    conditions = Conditions(
        args.demonstrations, tuple(args.entities), args.position_noise, args.colour_noise
    )
    with joined(torch.device('cpu')) as processes:
        result = evaluate_open(
            model,
            conditions,
            scenes=args.scenes or SCENES,
            seed=args.seed,
            curve=args.curve,
            only=args.only,
            sets=args.sets,
            processes=processes,
        )
    if not processes.leads:
        return None
    print(open_table(result))
    return result
