# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory futures: what may come next, by an energy and by a mean."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InvalidInput
from ..trajectory.energy import TransitionNetwork
from ..trajectory.quality import futures
from ..trajectory.worlds import world_named
from .gallery import GALLERY, table, write_section

_STEPS, _NUMBER = 80, 100  # of a trajectory; trajectories of each seed
_BEGIN = {'particle': (0.0, 0.0), 'maze': (-0.75, 0.5)}


def add_options(command: argparse.ArgumentParser, output: Path) -> None:
    """Add the command's options."""
    command.add_argument('--world', choices=tuple(_BEGIN), default='particle')
    command.add_argument('--seeds', type=int, default=5, help='models (5)')
    command.add_argument('--steps', type=int, help='of each training (default: the preset)')
    command.add_argument('--output', type=Path, default=output, help='directory of the networks')
    command.add_argument(
        '--gallery', type=Path, default=GALLERY, help=f'directory of the results ({GALLERY})'
    )


def run(args: argparse.Namespace, trained: Callable[..., TransitionNetwork]) -> dict:
    """Write how far futures of the world, an energy and a mean predictor spread, and a picture.

    The mean predictor is trained on the same transitions, but is not told the actions.
    """
    try:
        from ..trajectory.figure import ways_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    world, start = world_named(args.world), np.array(_BEGIN[args.world])
    rows, panels, cells = [], {}, defaultdict(list)
    for seed in range(args.seeds):
        models = {
            'the world, random actions': None,
            'the energy': trained(args.world, seed, args),
            'a mean predictor': trained(f'{args.world}_forward', seed, args, without_actions=True),
        }
        for source, model in models.items():
            found = futures(model, world, start, _STEPS, _NUMBER, seed)
            panels.setdefault(source, (world, found.states))
            cells[source].append(found)
            row = {'source': source, 'seed': seed}
            rows.append(row | {'spread': found.spread, 'possible': found.possible})
    text = table(
        ('futures of', 'spread of the ends', 'steps that can be', 'the least of a seed'),
        [
            (source, *_cells(np.array([f.spread for f in found]), [f.possible for f in found]))
            for source, found in cells.items()
        ],
    )
    return write_section(
        args.gallery,
        f'trajectory_futures_{args.world}',
        f'{_NUMBER} futures of {_STEPS} steps',
        text,
        {'rows': rows},
        ways_png(panels),
    )


def _cells(spread: np.ndarray, possible: list[float]) -> tuple[str, str, str]:
    mean = f'{spread.mean():.3f} ± {spread.std():.3f}'
    return mean, f'{np.mean(possible):.1%}', f'{min(possible):.1%}'
