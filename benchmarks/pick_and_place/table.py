# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What came of many moves, as rows of a table."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from benchmarks.intervals import wilson_interval
from ebm_concept_ros.grasping.random_table import SHAPES


def summary(rows: list[dict]) -> list[tuple[str, str]]:
    """Return what is measured, and what it is."""
    done = [row for row in rows if row['success']]
    good = sum(row['counts'] for row in rows)
    low, high = wilson_interval(good, len(rows))

    def quantiles(key: str, factor: float, digits: int) -> str:
        values = factor * np.array([row[key] for row in done])
        middle, late = np.percentile(values, [50, 95]) if len(values) else (math.nan, math.nan)
        return f'{middle:.{digits}f} / {late:.{digits}f}'

    lines = [
        ('moves', str(len(rows))),
        ('success (within 5 mm, nobody moved)', f'{good}/{len(rows)}'),
        ('95 % interval', f'{100 * low:.1f}-{100 * high:.1f} %'),
    ]
    for shape in SHAPES:
        of_shape = [row['counts'] for row in rows if row['shape'] == shape]
        lines.append((f'of them {shape}', f'{sum(of_shape)}/{len(of_shape)}'))
    lines += [
        ('placing error mm, median / p95', quantiles('placing_error_m', 1e3, 1)),
        ('yaw error degrees, median / p95', quantiles('placing_error_rad', 180 / math.pi, 1)),
        ('time s, median / p95', quantiles('time_s', 1.0, 1)),
        ('slips', str(sum(row['slips'] for row in rows))),
        ('retries', str(sum(row['retries'] for row in rows))),
        (
            'moves with a bystander moved >= 1 cm',
            str(sum(bool(r['bystanders_moved']) for r in rows)),
        ),
    ]
    for key, name in (('effort', 'torque'), ('effort_rate', 'torque rate'), ('speed', 'speed')):
        peak = max(row[f'peak_{key}_share'] for row in rows)
        lines.append((f'peak {name}, of its limit', f'{100 * peak:.0f} %'))
    shares = [row['contact_share'] for row in rows]
    lines += [
        ('torque from outside, of a blow', f'{100 * max(shares):.0f} %'),
        ('moves in which a blow was noticed', str(sum(share > 1.0 for share in shares))),
    ]
    lines.append(('processor s a move', f'{np.median([row["processor_s"] for row in rows]):.1f}'))
    reasons = Counter(reason for row in rows for reason in _failures(row))
    lines += [(f'failed: {reason}', str(number)) for reason, number in reasons.most_common()]
    return lines


def _failures(row: dict) -> list[str]:
    if row['counts']:
        return []
    if row['reason']:
        return [row['reason']]
    return ['a bystander was moved' if row['bystanders_moved'] else 'more than 5 mm off']
