# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core trajectory table: one table of runs that shared seeds, rows or worlds."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..errors import InvalidInput
from ..trajectory import evaluation as ev
from .gallery import table
from .trajectory_subgoals import HEAD, cells

_OF_SCORES = tuple(field.name for field in fields(ev.Row))
_OF_STATES = ('maze', 'source', 'number', 'used', 'seed', 'reached', 'cpu_s')


def run(args: argparse.Namespace) -> None:
    """Print the rows of all files, those of the same world and method joined over their seeds."""
    scores, states, qualities = [], defaultdict(dict), defaultdict(dict)
    for path in args.files:
        result = _read(path)
        for row in result['rows']:
            if 'scores' in row:
                scores.append((path, ev.Row(**_with(row, _OF_SCORES, path))))
            else:
                _with(row, _OF_STATES, path)
                _put(states[row['maze'], row['source'], row['number']], row['seed'], row, path)
        for name, values in result.get('auroc', {}).items():
            qualities[name] |= values  # a run of other rows has those of the same network
    if scores:
        print(ev.HEAD, *(row.line() for row in joined(scores)), sep='\n')
    if qualities:
        print(aurocs(qualities))
    if states:
        lines = [_over_seeds(list(rows.values())) for _, rows in sorted(states.items())]
        print(table((*HEAD, 'of each seed'), lines))


def joined(rows: Sequence[tuple[Path, ev.Row]]) -> list[ev.Row]:
    """Return rows with the seeds of all that have the same world, method, ends, cap and optimum.

    A seed that two files have raises InvalidInput: one of them would count twice.
    """
    found: dict[tuple, dict[int, tuple[float, bool]]] = defaultdict(dict)
    for path, row in rows:
        # A bound that is found by search differs in its last digits between processors.
        optimum = None if row.optimum is None else round(row.optimum, 2)
        key = (row.method, row.world, *map(tuple, (row.start, row.goal)), row.cap, optimum)
        for seed, *what in zip(row.seeds, row.scores, row.reached, strict=True):
            _put(found[(*key, row.paper)], seed, what, path)
    made = []
    for (*about, paper), by_seed in sorted(found.items(), key=lambda item: item[0][1]):
        seeds = tuple(sorted(by_seed))
        made.append(ev.Row(*about, *zip(*(by_seed[s] for s in seeds), strict=True), seeds, paper))
    return made


def aurocs(qualities: Mapping[str, Mapping[object, float]]) -> str:
    """Return lines with the mean and the least AUROC of values by name and seed."""
    return '\n'.join(
        f'{name}: AUROC {np.mean(list(values.values())):.3f}, least {min(values.values()):.3f}, '
        f'{len(values)} seeds'
        for name, values in qualities.items()
    )


def _over_seeds(rows: list[dict]) -> list[str]:
    """Return cells of rows that differ in their seed: means, and what each seed reached."""
    rows = sorted(rows, key=lambda row: row['seed'])
    mean = rows[0] | {
        name: np.mean([row[name] for row in rows]) for name in ('used', 'reached', 'cpu_s')
    }
    return [*cells(mean), ' '.join(f'{row["reached"]:.0%}' for row in rows)]


def _put(found: dict, seed: int, what: object, path: Path) -> None:
    if seed in found:
        raise InvalidInput(f'{path}: seed {seed} of a row is in another file, too')
    found[seed] = what


def _with(row: dict, names: Sequence[str], path: Path) -> dict:
    """Return the row; raises InvalidInput where it lacks a name, as what is older does."""
    if lacking := ', '.join(name for name in names if name not in row):
        raise InvalidInput(f'{path}: a row without {lacking}: of an older version?')
    return row


def _read(path: Path) -> dict:
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidInput(f'{path}: {error}') from None
    if not isinstance(result, dict) or 'rows' not in result:
        raise InvalidInput(f'{path}: no rows, as evaluate, online and subgoals write them')
    return result
