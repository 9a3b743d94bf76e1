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
from .files import write_atomically


def main(argv: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        for option in ('scenes', 'threads', 'demonstrations', 'seeds'):
            value = getattr(args, option, None)
            fewest = getattr(args, f'fewest_{option}', 1)
            if value is not None and value < fewest:
                raise InvalidInput(f'--{option}: {value} is refused: at least {fewest}')
        if args.threads:
            torch.set_num_threads(args.threads)
        result = args.command(args)
    except (InvalidInput, ModelError) as error:
        # Of several processes (torchrun) on a machine, all are refused the same.
        if int(os.environ.get('LOCAL_RANK', 0)) == 0:
            print(f'error: {error}', file=sys.stderr)
        return 2
    if args.json and result is not None:
        write_atomically(args.json, (json.dumps(result, indent=2) + '\n').encode())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='ebm_core', description=__doc__)
    commands = parser.add_subparsers(required=True)
    for system in SYSTEMS:
        system.add_commands(commands)
    return parser


if __name__ == '__main__':
    sys.exit(main())
