# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The rows of tables summed up: one line for each concept, one for each group, and all failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.intervals import wilson_interval

_NOT_UNDERSTOOD = 'not understood'
_HEAD = (
    *(
        'concept',
        'success',
        '95 %',
        'of understood',
        'placed',
        'before',
        'moves',
        'fewest',
        'off mm',
        'placing mm',
    ),
    *('time s', 'slips', 'retries', 'bystanders', 'peak torque', 'peak speed', 'plan s'),
)


def print_table(rows: Sequence[dict]) -> None:
    """Print a table; a pair is median / p95. Fewest: of those that could be planned.

    Placed, and before: the mean share of movers that are in their places.
    """
    groups = list(dict.fromkeys(row['group'] for row in rows))
    lines = [list(_HEAD)]
    for name in groups:
        of_group = [row for row in rows if row['group'] == name]
        for concept in dict.fromkeys(row['concept'] for row in of_group):
            lines.append(_line(concept, [row for row in of_group if row['concept'] == concept]))
        lines.append(_line(f'all: {name}', of_group))
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    for index, line in enumerate(lines):
        print('| ' + ' | '.join(f'{c:{w}}' for c, w in zip(line, widths, strict=True)) + ' |')
        if index == 0:
            print('|' + '|'.join('-' * (w + 2) for w in widths) + '|')
    for name in groups:
        classes = Counter(
            row['failure'] for row in rows if row['group'] == name and not row['success']
        )
        listed = ', '.join(f'{failure} {number}' for failure, number in classes.most_common())
        print(f'failures, {name}: {listed or "none"}')


def _line(name: str, rows: Sequence[dict]) -> list[str]:
    good = sum(row['success'] for row in rows)
    understood = sum(row['failure'] != _NOT_UNDERSTOOD for row in rows)
    low, high = wilson_interval(good, len(rows))
    done = [row for row in rows if 'moves' in row]
    placing = [error for row in done for error in row['placing_errors_m']]
    return [
        name,
        f'{good}/{len(rows)}',
        f'{100 * low:.1f}-{100 * high:.1f}',
        '–' if understood == len(rows) else f'{good}/{understood}',
        *(
            f'{100 * np.mean([row[key] for row in rows]):.0f} %'
            for key in ('placed', 'placed_before')
        ),
        str(sum(row['moves'] for row in done)),
        str(sum(row['fewest'] for row in done)),
        _pair([row['off_m'] for row in done if row['success']], 1e3),
        _pair(placing, 1e3),
        _pair([row['time_s'] for row in done if row['success'] and row['time_s']], 1.0),
        str(sum(row['slips'] for row in done)),
        str(sum(row['retries'] for row in done)),
        str(sum(bool(row['bystanders_moved']) for row in done)),
        _peak(done, 'peak_effort_share'),
        _peak(done, 'peak_speed_share'),
        _pair([row['plan_s'] for row in rows], 1.0, 2),
    ]


def _pair(values: Sequence[float], factor: float, digits: int = 1) -> str:
    if not values:
        return '–'
    middle, late = np.percentile(factor * np.array(values), [50, 95])
    return f'{middle:.{digits}f} / {late:.{digits}f}'


def _peak(rows: Sequence[dict], key: str) -> str:
    peak = max((row[key] for row in rows), default=0.0)
    return f'{100 * peak:.0f} %' if peak else '–'
