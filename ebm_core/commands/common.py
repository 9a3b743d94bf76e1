# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..model_files import SHIPPED

USUAL_SCENES = 1000


def result_options() -> argparse.ArgumentParser:
    """Return the options that all commands have, to be a parent of each."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument('--json', type=Path, help='also write the results to this file')
    options.add_argument('--threads', type=int, help="CPU threads (default: torch's choice)")
    return options


def add_seeds(command: argparse.ArgumentParser, what: str, usual: int = 5) -> None:
    """Add --seeds and --first-seed, so that machines can share the seeds of a row."""
    command.add_argument('--seeds', type=int, default=usual, help=f'{what} ({usual})')
    command.add_argument('--first-seed', type=int, default=0, help='of them, and one more each (0)')


def seeds_of(args: argparse.Namespace) -> range:
    """Return the seeds that are measured."""
    return range(args.first_seed, args.first_seed + args.seeds)


def scene_options(
    usual: int = USUAL_SCENES, about: str = 'novel scenes per number'
) -> argparse.ArgumentParser:
    """Return --scenes, to be a parent of a command that draws scenes."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument('--scenes', type=int, default=usual, help=f'{about} ({usual})')
    return options


def model_options() -> argparse.ArgumentParser:
    """Return --model and --seed, to be a parent of a command that measures a model of concepts."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        '--model',
        type=Path,
        default=SHIPPED / 'concepts',
        help='directory of the model (the shipped weights of all families)',
    )
    options.add_argument('--seed', type=int, default=1, help='of what is drawn (1)')
    return options
