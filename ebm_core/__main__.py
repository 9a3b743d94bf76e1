# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core COMMAND: make a model, measure it, draw it."""

from __future__ import annotations

import argparse
import json
import os
import sys

import torch

from .commands import SYSTEMS
from .errors import InvalidInput, ModelError
from .files import why_not_writable, write_atomically

# The least that options of any command may be; a command that allows another default says
# fewest_OPTION.
_FEWEST = {
    **dict.fromkeys(('scenes', 'threads', 'demonstrations', 'seeds', 'samples', 'number'), 1),
    **dict.fromkeys(('steps', 'judge_steps', 'levels', 'known', 'goals', 'episodes'), 1),
    **dict.fromkeys(('seed', 'first_seed'), 0),
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        _refuse_numbers(args)
        _refuse_places(args)
        if args.threads:
            torch.set_num_threads(args.threads)
        result = args.command(args)
        if args.json and result is not None:
            write_atomically(args.json, (json.dumps(result, indent=2) + '\n').encode())
    except (InvalidInput, ModelError) as error:
        return _refused(str(error))
    except OSError as error:
        place = error.filename2 or error.filename
        return _refused(f'{place}: {error.strerror}' if place else str(error))
    return 0


def _refused(reason: str) -> int:
    # Of several processes (torchrun) on a machine, all are refused the same.
    if int(os.environ.get('LOCAL_RANK', 0)) == 0:
        print(f'error: {reason}', file=sys.stderr)
    return 2


def _refuse_numbers(args: argparse.Namespace) -> None:
    for option, usual in _FEWEST.items():
        value, fewest = getattr(args, option, None), getattr(args, f'fewest_{option}', usual)
        if value is not None and value < fewest:
            name = option.replace('_', '-')
            raise InvalidInput(f'--{name}: {value} is refused: at least {fewest}')


def _refuse_places(args: argparse.Namespace) -> None:
    """Refuse, before anything is made, what cannot be written; args.files: options of files."""
    for option in getattr(args, 'written', ('json', 'output', 'gallery')):
        path, files = getattr(args, option, None), getattr(args, 'files', ('json',))
        if path is not None and (why := why_not_writable(path, option not in files)):
            raise InvalidInput(f'--{option}: {path} is refused: {why}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='ebm_core', description=__doc__)
    commands = parser.add_subparsers(required=True)
    for system in SYSTEMS:
        system.add_commands(commands)
    return parser


if __name__ == '__main__':
    sys.exit(main())
