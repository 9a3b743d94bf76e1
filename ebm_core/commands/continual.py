# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core continual: tasks in sequence, by an energy and by the usual methods."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from ..config import keys_help
from ..continual.config import PRESETS, ContinualPreset, LearnerConfig, StreamConfig, preset
from ..continual.run import METHODS, check_method, learn, methods_for
from ..datasets.sources import LabelledImages, load_images
from ..errors import InvalidInput
from ..files import write_atomically
from . import training
from .common import add_seeds, result_options, seeds_of
from .gallery import GALLERY, table, write_section

SCENARIOS = ('class', 'task', 'domain')


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        'continual',
        parents=[result_options()],
        help='learn tasks in sequence without stored data, by several methods',
        description='Each run is kept in a file; those that are there are not done again.',
        epilog=f'keys of --set:\n{keys_help(StreamConfig)}\n{keys_help(LearnerConfig)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_continual)
    command.add_argument('--preset', default='digits', help=f'one of {", ".join(PRESETS)}')
    command.add_argument(
        '--data', default='digits', help='digits, mnist, fashion, or a folder of idx files or PNGs'
    )
    command.add_argument(
        '--methods', nargs='+', help=f'of {", ".join(METHODS)}; by default all that suit the stream'
    )
    command.add_argument(
        '--scenarios', nargs='+', default=['class'], help=f'of {", ".join(SCENARIOS)}'
    )
    add_seeds(command, 'repetitions', 10)
    command.add_argument('--output', type=Path, default=GALLERY, help='directory of the results')
    command.add_argument(
        '--set', action='append', default=[], metavar='KEY=VALUE', help='see below'
    )


def _continual(args: argparse.Namespace) -> dict:
    changes = training.changes_of(args)
    for key, option in (('seed', '--seeds and --first-seed'), ('scenario', '--scenarios')):
        if key in changes:
            raise InvalidInput(f'--set: {key} is refused: {option} say it')
    every = [
        preset(args.preset, **changes, scenario=scenario, seed=seed)
        for seed in seeds_of(args)
        for scenario in args.scenarios
    ]
    methods = args.methods or methods_for(every[0].stream)
    for method in methods:
        check_method(method, every[0].stream)
    images = load_images(args.data)
    sha256 = images.sha256
    runs = [
        _run(args.output / 'continual', images, sha256, chosen, method)
        for chosen in every
        for method in methods
    ]
    name = f'continual_{images.name}_{args.preset}'
    rows = [_row(method, args.scenarios, runs) for method in methods]
    text = table(('accuracy after the last task, %', *args.scenarios, 'CPU, s a run'), rows)
    title = f'Tasks in sequence: {images.name}, protocol {args.preset}'
    return write_section(args.output, name, title, text, {'runs': runs}, None)


def _run(
    directory: Path, images: LabelledImages, sha256: str, chosen: ContinualPreset, method: str
) -> dict:
    """Return a run's result, from its file where it is there."""
    config = {'data': [images.name, *images.train.shape], 'method': method, **chosen.model_dump()}
    told = json.dumps(config, sort_keys=True)
    path = directory / f'{method}_{hashlib.sha256(told.encode()).hexdigest()[:16]}.json'
    if path.exists() and (found := _kept(path, json.loads(told), sha256)):
        return found
    found = {**learn(images, chosen, method), 'config': config, 'images_sha256': sha256}
    write_atomically(path, (json.dumps(found) + '\n').encode())
    print(f'{method}, {found["scenario"]}, seed {found["seed"]}: {100 * found["accuracy"]:.2f} %')
    return found


def _kept(path: Path, config: dict, sha256: str) -> dict | None:
    """Return the result in a file; None, and say so, where it is not a whole one."""
    try:
        found = json.loads(path.read_text())
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get('config') != config:
        print(f'{path}: not the result of a run, which is done again', file=sys.stderr)
        return None
    # Results of before the images were noted are taken as they are.
    if found.get('images_sha256', sha256) != sha256:
        raise InvalidInput(
            f'{path}: made with other images of the same name and size; choose another --output '
            'or remove it'
        )
    return found


def _row(method: str, scenarios: list[str], runs: list[dict]) -> tuple[str, ...]:
    cells, times = [], []
    for scenario in scenarios:
        found = [r for r in runs if (r['method'], r['scenario']) == (method, scenario)]
        values = [100 * run['accuracy'] for run in found]
        # Of one seed nothing is known of how seeds differ.
        spread = f' ± {np.std(values, ddof=1):.2f}' if len(values) > 1 else ''
        diverged = sum(run['diverged_at_step'] is not None for run in found)
        cells.append(
            f'{np.mean(values):.2f}{spread}' + (f' ({diverged} diverged)' if diverged else '')
        )
        times += [run['cpu_s'] for run in found]
    return METHODS[method].title, *cells, f'{np.mean(times):.0f}'
