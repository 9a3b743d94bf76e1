# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The summary as a table, one row per concept, planner and field."""

from __future__ import annotations

from ebm_concept_ros.control.contact_reflex import HOLD

_MISSING = '–'
_QUANTILES = ('median', 'p95', 'p99')
_HEAD = (
    *('concept', 'field', 'planner', 'changed', 'entities', 'success', '95 %'),
    *('of understood', 'identified'),
    *('reach s', 'to goal mm', 'to minimum mm', 'torque N·m/s'),
    *('joint limit', 'speed limit', 'peak speed', 'peak rate', 'touched', 'noticed', 'after ms'),
    *('peak speed struck', 'unstruck', 'false alarms', 'plan ms', 'target ms'),
    *('replan Hz', 'torque Hz', 'late ms', 'missed'),
)


def print_table(rows: list[dict]) -> None:
    """Print rows of `summarise`; columns that no row has a value for are left out.

    A pair is median / p95, a triple median / p95 / p99, that of lateness median / p99 / maximum.
    Limits and contact: the scenes in which they were touched. Noticed: those in which the
    controller took contact for a blow, at most so long after it began; and the highest speed from
    the contact on. Unstruck: of what it takes for a blow, the most that it saw without contact.
    """
    cells = [list(_HEAD), *(_cells(row) for row in rows)]
    known = [i for i in range(len(_HEAD)) if any(line[i] != _MISSING for line in cells[1:])]
    cells = [[line[i] for i in known] for line in cells]
    widths = [max(len(line[i]) for line in cells) for i in range(len(known))]
    for index, line in enumerate(cells):
        print('| ' + ' | '.join(f'{c:{w}}' for c, w in zip(line, widths, strict=True)) + ' |')
        if index == 0:
            print('|' + '|'.join('-' * (w + 2) for w in widths) + '|')


def _cells(row: dict) -> list[str]:
    low, high = row['success_interval']
    return [
        row['concept'],
        row['field'],
        row['planner'],
        _changed(row),
        str(row['entities'] or '3-6'),
        f'{row["successes"]}/{row["scenes"]}',
        f'{100 * low:.1f}-{100 * high:.1f}',
        _of_understood(row),
        _share(row['identified']),
        _quantiles(row, 'reach_time_s', 1.0, 2),
        _quantiles(row, 'goal_error_m', 1e3, 1),
        _quantiles(row, 'minimum_error_m', 1e3, 1),
        _number(row['torque_variation_nm_per_s'], 1.0, 0),
        _number(row['joint_limit_scenes'], 1.0, 0),
        _number(row['velocity_limit_scenes'], 1.0, 0),
        _share(row['peak_speed_share']),
        _share(row.get('peak_effort_rate_share')),
        _number(row['touched_scenes'], 1.0, 0),
        _number(row.get('noticed'), 1.0, 0),
        _number(row.get('noticed_after_s'), 1e3, 0),
        _share(row.get('struck_peak_speed_share')),
        _share(row.get('undisturbed_share')),
        _number(row.get('false_alarms'), 1.0, 0),
        _quantiles(row, 'plan_time_s', 1e3, 1),
        _number(row['target_time_s'], 1e3, 0),
        _number(row.get('replan_rate_hz'), 1.0, 1),
        _number(row.get('torque_rate_hz'), 1.0, 1),
        _lateness(row),
        _number(row.get('missed_deadlines'), 1.0, 0),
    ]


def _of_understood(row: dict) -> str:
    # What is not understood is no success.
    understood = row.get('understood', row['scenes'])
    return _MISSING if understood == row['scenes'] else f'{row["successes"]}/{understood}'


def _changed(row: dict) -> str:
    changes = [row['perturbation']]
    if row['moving_m_s']:
        changes.append(f'{row["moving_m_s"]} m/s')
    if row.get('obstacles'):
        changes.append(f'{row["obstacles"]} in the way' + ('' if row['avoid'] else ', not told'))
    if row.get('on_contact', HOLD) != HOLD:
        changes.append(f'contact: {row["on_contact"]}')
    changes += [name for name in ('appearing', 'reweighed') if row.get(name)]
    return ', '.join(changes)


def _number(value: float | None, factor: float, digits: int) -> str:
    return _MISSING if value is None else f'{factor * value:.{digits}f}'


def _share(value: float | None) -> str:
    return _MISSING if value is None else f'{100 * value:.3g} %'


def _quantiles(row: dict, key: str, factor: float, digits: int) -> str:
    values = [row[f'{key}_{name}'] for name in _QUANTILES if f'{key}_{name}' in row]
    if all(value is None for value in values):
        return _MISSING
    return ' / '.join(_number(value, factor, digits) for value in values)


def _lateness(row: dict) -> str:
    values = [row.get(f'lateness_s_{name}') for name in ('p50', 'p99', 'max')]
    if all(value is None for value in values):
        return _MISSING
    return ' / '.join(_number(value, 1e3, 2) for value in values)
