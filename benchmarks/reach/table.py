"""The summary as a table, one row per concept, planner and field."""

from __future__ import annotations

_MISSING = '–'
_HEAD = (
    *('concept', 'field', 'planner', 'changed', 'entities', 'success', '95 %', 'identified'),
    *('reach s', 'to goal mm', 'to minimum mm', 'torque N·m/s'),
    *('joint limit', 'speed limit', 'peak speed', 'touched', 'plan ms', 'target ms'),
)


def print_table(rows: list[dict]) -> None:
    """Print rows of `summarise`; a pair is median / p95, a triple median / p95 / p99."""
    cells = [list(_HEAD), *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEAD))]
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
        _share(row['identified']),
        _quantiles(row, 'reach_time_s', 1.0, 2),
        _quantiles(row, 'goal_error_m', 1e3, 1),
        _quantiles(row, 'minimum_error_m', 1e3, 1),
        _number(row['torque_variation_nm_per_s'], 1.0, 0),
        _share(row['joint_limit_share']),
        _share(row['velocity_limit_share']),
        _share(row['peak_speed_share']),
        _share(row['touched_share']),
        _quantiles(row, 'plan_time_s', 1e3, 1),
        _number(row['target_time_s'], 1e3, 0),
    ]


def _changed(row: dict) -> str:
    moving = row['moving_m_s']
    changes = [row['perturbation'], *([f'{moving} m/s'] if moving else [])]
    changes += [name for name in ('appearing', 'reweighed') if row.get(name)]
    return ', '.join(changes)


def _number(value: float | None, factor: float, digits: int) -> str:
    return _MISSING if value is None else f'{factor * value:.{digits}f}'


def _share(value: float | None) -> str:
    return _MISSING if value is None else f'{100 * value:.3g} %'


def _quantiles(row: dict, key: str, factor: float, digits: int) -> str:
    names = [name for name in ('median', 'p95', 'p99') if f'{key}_{name}' in row]
    return ' / '.join(_number(row[f'{key}_{name}'], factor, digits) for name in names)
