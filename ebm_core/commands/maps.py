# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core add-maps: parts of codes that trained weights need not learn."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config import changed
from ..model_files import read_model, write_model
from ..relational.config import ModelConfig
from ..relational.learner import Learner
from . import training
from .common import result_options


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        'add-maps',
        parents=[result_options()],
        help='let codes be maps, curves, relations and formations, which nothing has to learn',
        description='Weights that were trained without maps, and know roles, take them as they '
        'are. What understanding is has to be measured anew (understand --write).',
    )
    command.set_defaults(command=_add_maps)
    command.add_argument('--model', type=Path, required=True, help='directory of the weights')
    command.add_argument('--output', type=Path, required=True, help='directory of the new ones')


def _add_maps(args: argparse.Namespace) -> dict:
    files = read_model(args.model)
    parts = ('maps', 'relations', 'curves', 'formations')
    size = changed(files.config(ModelConfig), dict.fromkeys(parts, True))
    learner = Learner(size)
    files.begin(learner)
    card = {**files.card, 'model': size.model_dump()}
    how = {
        'command': training.command_line(),
        'commit': training.source_commit(),
        'from': files.sha256,
    }
    provenance = {**card.pop('provenance', {}), 'maps': how}
    for outdated in ('sha256', 'understanding'):
        card.pop(outdated, None)
    sha256 = write_model(args.output, learner, card, provenance)
    print(f'{args.output}: {sha256[:12]}')
    return {'sha256': sha256}
