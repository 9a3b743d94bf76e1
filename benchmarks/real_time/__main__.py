# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch file's nodes in real time: what they use of the processor, and how late torques come.

    python -m benchmarks.real_time
    python -m benchmarks.real_time --seconds 60 --no-fifo --json out/real_time.json
    python -m benchmarks.real_time --rate 1000 --seconds 20

The arm stands still at a goal, then it goes to and fro, each for so many seconds; then the same
beside one ordinary busy process for each core, which this command makes itself. With --no-fifo all
of it is done once more without SCHED_FIFO. Shares are of one core. *Idle* is what the machine had
left over of all its cores: without a load of ours, what is missing of them was other programs'.
Torques and plans are timed by the controller's own record, which is part of what it costs; *missed*
is the share of the deadlines that no torque was given to. In the end every torque is judged (see
torques.py). Needs Linux and the environment's shell (. scripts/environment.sh). Status 1 where a
torque was not right.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.real_time.processes import (
    busy_cores,
    machine_idle_s,
    processor_s,
    real_time_threads,
)
from benchmarks.real_time.system import Setting, System, started, table_apart
from benchmarks.real_time.torques import judge
from ebm_concept_ros.control.timing import TimingRecord, timing_numbers
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.recording.record import load_record

_SETTLES_S = 3.0
_HEAD = (
    '| arm | beside | scheduled | plans/s | a plan, ms | torques/s | late p50 / p99 / max, ms '
    '| missed | controller | simulator | others, each | idle |'
)


@dataclass(frozen=True)
class Phase:
    """What was measured while one thing went on. shares: of one core, by the names of nodes."""

    moving: bool
    busy: int
    fifo_threads: int
    begin_s: float
    end_s: float
    shares: dict[str, float]
    idle: float


def measure(system: System, moving: bool, busy: int, duration_s: float) -> Phase:
    """Have the arm stand still or move for so long, beside so many busy processes."""
    system.go_to(1)
    controller = system.process_ids['controller']
    with busy_cores(busy) if busy else nullcontext():
        time.sleep(_SETTLES_S)
        begin_s, before, idle_s = time.monotonic(), _used(system), machine_idle_s()
        if moving:
            system.swing(duration_s)
        else:
            time.sleep(duration_s)
        end_s, after = time.monotonic(), _used(system)
        idle_s = machine_idle_s() - idle_s
    took_s = end_s - begin_s
    return Phase(
        *(moving, busy, real_time_threads(controller), begin_s, end_s),
        {name: (after[name] - before[name]) / took_s for name in before},
        idle_s / took_s,
    )


def _used(system: System) -> dict[str, float]:
    return {name: processor_s(number) for name, number in system.process_ids.items()}


def line(phase: Phase, timing: TimingRecord, period_s: float) -> tuple[str, dict]:
    """Return a row of the table, and its numbers."""
    numbers = timing_numbers([timing.between(phase.begin_s, phase.end_s)], period_s)
    given = round((numbers['torque_rate_hz'] or 0.0) * (phase.end_s - phase.begin_s))
    numbers['missed_share'] = numbers['missed_deadlines'] / max(
        given + numbers['missed_deadlines'], 1
    )
    others = {
        name: share
        for name, share in phase.shares.items()
        if name not in ('controller', 'simulator')
    }
    late = ' / '.join(_number(numbers[f'lateness_s_{of}'], 1e3, 2) for of in ('p50', 'p99', 'max'))
    cells = (
        'moves' if phase.moving else 'stands',
        f'{phase.busy} busy' if phase.busy else 'nothing of ours',
        'SCHED_FIFO' if phase.fifo_threads else 'as any',
        _number(numbers['replan_rate_hz'], 1.0, 1),
        _number(numbers['plan_time_s_median'], 1e3, 2),
        _number(numbers['torque_rate_hz'], 1.0, 1),
        late,
        f'{100 * numbers["missed_share"]:.2f} %',
        *(f'{100 * phase.shares[name]:.0f} %' for name in ('controller', 'simulator')),
        ', '.join(f'{name} {100 * share:.1f} %' for name, share in sorted(others.items())),
        f'{phase.idle:.2f} cores',
    )
    return f'| {" | ".join(cells)} |', numbers


def _number(value: float | None, factor: float, digits: int) -> str:
    return 'none' if value is None else f'{factor * value:.{digits}f}'


def run(setting: Setting, seconds: float, busy: int, folder: Path, replayed: bool) -> list[dict]:
    """Measure one start of the nodes, and print a row for each phase; return all numbers."""
    with started(setting, folder) as system:
        phases = [
            measure(system, moving, load, seconds)
            for load in ((0, busy) if busy else (0,))
            for moving in (False, True)
        ]
    record = load_record(system.records / 'run_0001.npz')
    rows = []
    for phase in phases:
        text, numbers = line(phase, record.timing, 1.0 / setting.rate_hz)
        print(text, flush=True)
        rows.append({**asdict(phase), **numbers})
    verdict = judge(record, replayed)
    return [*rows, {**asdict(verdict), 'right': verdict.is_right}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and what was found of the torques."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real_time',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = ControllerParameters()
    cores = len(os.sched_getaffinity(0))
    parser.add_argument('--seconds', type=float, default=20.0, help='of each row')
    parser.add_argument('--rate', type=float, default=500.0, help='of torques and joint states, Hz')
    parser.add_argument('--plan-rate', type=float, default=usual.plan_rate, help='Hz')
    parser.add_argument('--busy', type=int, default=cores, help='processes; 0: no rows of them')
    parser.add_argument('--no-fifo', action='store_true', help='once more without SCHED_FIFO')
    parser.add_argument('--only-no-fifo', action='store_true', help='and not with it')
    parser.add_argument('--no-replay', action='store_true', help='judge torques without repeating')
    parser.add_argument('--arm', default='jaco', help='name of a shipped one, or a YAML file')
    parser.add_argument('--seed', type=int, default=3, help='of the table')
    parser.add_argument('--out-dir', type=Path, default=Path('out/real_time'))
    parser.add_argument('--json', type=Path, help='where every number goes')
    given = parser.parse_args(arguments)
    if not 1.0 <= given.seconds <= 600.0:
        parser.error(f'--seconds {given.seconds:g}: 1 to 600')
    if not 0 <= given.busy <= 64:
        parser.error(f'--busy {given.busy}: 0 to 64')
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    print(f'{_HEAD}\n{"|---" * _HEAD.count(" | ")}|---|')
    report = []
    priorities = [0] if given.only_no_fifo else [usual.control_priority, *[0] * given.no_fifo]
    for priority in priorities:
        setting = Setting(
            *(given.rate, given.plan_rate, priority, 4.0 * given.seconds + 120.0),
            *(table_apart(given.seed), True, given.arm),
        )
        folder = given.out_dir / f'priority_{priority}'
        report += run(setting, given.seconds, given.busy, folder, not given.no_replay)
    print()
    verdicts = [row for row in report if 'right' in row]
    for verdict in verdicts:
        print(json.dumps(verdict))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        about = {'machine': platform.machine(), 'cores': cores, 'rows': report}
        given.json.write_text(json.dumps(about, indent=1) + '\n')
    return 0 if all(verdict['right'] for verdict in verdicts) else 1


if __name__ == '__main__':
    sys.exit(main())
