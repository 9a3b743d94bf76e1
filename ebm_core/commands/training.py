# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the `train` commands of all systems share: options, the run itself, and its provenance."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..errors import InvalidInput
from ..model_files import read_model
from ..protocols import Batch, Module, Recipe
from ..training.distributed import device_of, joined
from ..training.loop import train


def add_options(command: argparse.ArgumentParser, presets: Iterable[str], default: str) -> None:
    """Add the options of a training run, one of `presets`."""
    command.add_argument('--preset', default=default, help=f'one of {", ".join(presets)}')
    command.add_argument(
        '--output', type=Path, help='directory of model and checkpoint (out/train/PRESET)'
    )
    command.add_argument(
        '--from',
        type=Path,
        dest='begin',
        metavar='MODEL',
        help='directory of a model whose weights the run begins with; what it lacks is drawn',
    )
    command.add_argument('--fresh', action='store_true', help='start over, whatever is there')
    command.add_argument(
        '--device',
        help='cpu, cuda, cuda:1, … (default: cuda where there is one, else cpu); under torchrun '
        'cuda is a GPU per process',
    )
    command.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='change a value of the preset; may be given again; the keys stand below',
    )


def changes_of(args: argparse.Namespace) -> dict[str, object]:
    """Return what --set changes, by key; a malformed one raises InvalidInput."""
    changes = {}
    for item in args.set:
        key, equals, value = item.partition('=')
        if not equals or not key:
            raise InvalidInput(f'--set: {item!r} is not KEY=VALUE')
        # Mappings and lists as JSON; of everything else pydantic knows how it is written.
        try:
            changes[key] = json.loads(value) if value[:1] in ('{', '[') else value
        except json.JSONDecodeError as error:
            raise InvalidInput(f'--set: {key}: {value!r} is not JSON ({error})') from None
    return changes


def run(
    args: argparse.Namespace,
    recipe: Recipe[Module, Batch],
    output: Path,
    report: Callable[[Module, int], dict[str, float]] | None = None,
) -> tuple[Module, dict] | None:
    """Train, and return the module on the CPU with its provenance; None where another leads."""
    device = device_of(args.device)
    # Before the run: what is committed while it lasts is not what it was made with.
    commit = source_commit()
    begin = read_model(args.begin) if args.begin else None
    with joined(device) as processes:
        module, done = train(
            recipe,
            output,
            device=device,
            resume=not args.fresh,
            report=report,
            processes=processes,
            begin=begin.begin if begin else None,
        )
    if not processes.leads:
        return None
    provenance = {
        'command': command_line(processes.number),
        'commit': commit,
        'seed': recipe.run.seed,
        'finished': datetime.now(UTC).isoformat(timespec='seconds'),
        'torch': torch.__version__,
        'device': str(device),
        'processes': processes.number,
        'threads': torch.get_num_threads(),
        'machine': platform.machine(),
        **({'from': begin.sha256} if begin else {}),
        **done,
    }
    return module.cpu(), provenance


def fit(
    recipe: Recipe[Module, Batch], report: Callable[[Module, int], dict[str, float]] | None = None
) -> Module:
    """Train on the CPU for an experiment that keeps its numbers alone, and return the module."""
    with TemporaryDirectory() as directory:
        cpu = torch.device('cpu')
        return train(recipe, Path(directory), device=cpu, report=report, quiet=True)[0].eval()


def command_line(processes: int = 1) -> str:
    """Return the command that this is, for weights to say what made them."""
    launcher = ['torchrun', '--nproc-per-node', str(processes)] if processes > 1 else ['python']
    return shlex.join([*launcher, '-m', 'ebm_core', *sys.argv[1:]])


def source_commit() -> str:
    """Return the source's commit, with '+changes' where files differ from it."""
    here = Path(__file__).parents[1]
    if commit := os.environ.get('SOURCE_COMMIT'):
        return commit  # of sources that came without their history
    try:
        commit = subprocess.run(
            ['git', 'rev-parse', 'HEAD'], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ['git', 'status', '--porcelain', '--', '.'],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return commit + ('+changes' if changed else '')
