# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The results as text, beside the bars that they are held to."""

from __future__ import annotations

import numpy as np

from . import measure
from .timing import ENTITIES

# Least mean and least lowest share.
BARS: dict[str, tuple[float, float | None]] = {
    measure.GENERATION: (0.96, 0.88),
    measure.GENERATION_HELD_OUT: (0.75, None),
    measure.WHO: (0.98, 0.95),
    measure.WHO_BY_RELATION: (0.92, 0.85),
    measure.STILL: (0.95, 0.88),
    measure.SATISFIED: (0.99, None),
    measure.SATISFIED_HELD_OUT: (0.99, None),
}
BARS_OF_TIME_MS = {'infer': 10, 'identify': 50, 'generate': 50}
BARS_OF_UNDERSTANDING = {
    'of_understood': ('of understood sets, succeed in 80 % of further scenes', 0.95),
    'of_others': ('of sets not understood, do not', 0.90),
    'wrong_named': ('one wrong demonstration is named', 0.90),
}

READINGS = {
    'readings': 'readings',
    'first': 'the likeliest holds',
    'any': 'one of them holds',
    'sure': 'sure of the likeliest',
    'right_if_sure': 'if sure, it holds',
}


def summary(shares: dict[str, dict[str, float]]) -> dict[str, dict[str, float | str]]:
    """Return mean and lowest share of each group, and of whom the lowest is."""
    return {
        group: {
            'mean': float(np.mean(list(rows.values()))),
            'lowest': min(rows.values()),
            'lowest_of': min(rows, key=rows.__getitem__),
        }
        for group, rows in shares.items()
    }


def open_table(result: dict) -> str:
    """Return the results of `evaluate_open` as Markdown."""
    lines = _head('', 'mean', 'bar', 'lowest', 'bar', 'of')
    for group, row in result['summary'].items():
        mean, lowest = BARS.get(group, (None, None))
        lines.append(
            _row(
                group,
                _percent(row['mean']),
                _percent(mean),
                _percent(row['lowest']),
                _percent(lowest),
                row['lowest_of'],
            )
        )
    lines += ['', *_head(f'one call, {ENTITIES} entities', 'ms', 'bar')]
    for name, bar in BARS_OF_TIME_MS.items():
        lines.append(_row(name, f'{result["times_ms"][name]:.1f}', str(bar)))
    if 'curve' in result:
        groups = (measure.GENERATION, measure.GENERATION_HELD_OUT)
        lines += ['', *_head('demonstrations', *groups)]
        curve = {result['demonstrations']: result['summary'], **result['curve']}
        for number, row in sorted(curve.items()):
            lines.append(_row(str(number), *(_percent(row.get(g, {}).get('mean')) for g in groups)))
    if 'left_open' in result:
        lines += ['', *_head('demonstrations', *READINGS.values())]
        for number, row in sorted(result['left_open'].items()):
            shares = (_percent(row[key]) for key in READINGS if key != 'readings')
            lines.append(_row(str(number), f'{row["readings"]:.1f}', *shares))
    if 'understanding' in result:
        lines += ['', *_head('sets of demonstrations', 'share', 'of kinds unforeseen', 'bar')]
        unforeseen = result.get('understanding_unforeseen', {})
        refused = {'wrong_refused': ('with a wrong one among them, not understood', None)}
        rows = {'understood': ('understood', None), **BARS_OF_UNDERSTANDING, **refused}
        for key, (name, bar) in rows.items():
            shares = (result['understanding'][key], unforeseen.get(key), bar)
            lines.append(_row(name, *map(_percent, shares)))
    for group, rows in result['shares'].items():
        lines += ['', *_head(group, ''), *(_row(name, _percent(s)) for name, s in rows.items())]
    return '\n'.join(lines)


def _head(*heads: str) -> list[str]:
    return [_row(*heads), '|' + '---|' * len(heads)]


def _row(*cells: str) -> str:
    return '| ' + ' | '.join(cells) + ' |'


def _percent(share: float | None) -> str:
    return '' if share is None else f'{100 * share:.1f} %'
