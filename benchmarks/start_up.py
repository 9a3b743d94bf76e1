# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What each node costs until it is ready, against an rclpy node that does nothing.

    python -m benchmarks.start_up --repetitions 5

Each is a process of its own, in turn, so that what else runs on the machine slows all of them
alike. *Import* is a process that imports the node's module and ends, *ready* one that makes the
node as well (what has a lifecycle is configured, so weights, arm and table are loaded). Times are
medians: of the processor, which is what other processes lose by it, and by the clock. The ratio is
that of the processor times to those of the empty node.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

EMPTY = 'empty'
NODES = {
    'simulator': 'Simulator',
    'demonstrator': 'Demonstrator',
    'concept_learner': 'ConceptLearner',
    'controller': 'Controller',
    'referee': 'Referee',
    'bag_recorder': 'BagRecorder',
    'live_view': 'LiveView',
    'lifecycle_manager': 'LifecycleManager',
    'arranger': 'Arranger',
    'arrangement_referee': 'ArrangementReferee',
}
_WITH_LIFECYCLE = ('simulator', 'concept_learner', 'controller', 'arranger')
# The end of the process is not the node's start: nothing is taken down.
_READY = """
import os, rclpy
rclpy.init()
node = make()
{configure}
os._exit(0)
"""


def programs(node: str) -> dict[str, str]:
    """Return what is run for *import* and for *ready*."""
    if node == EMPTY:
        load = 'from rclpy.node import Node\ndef make(): return Node("empty")'
    else:
        load = f'from ebm_concept_ros.nodes.{node} import {NODES[node]} as make'
    configure = 'assert node.trigger_configure().name == "SUCCESS"'
    if node not in _WITH_LIFECYCLE:
        configure = ''
    return {'import': load, 'ready': load + _READY.format(configure=configure)}


def measure(program: str) -> tuple[float, float]:
    """Run a program; return its processor time and its time by the clock, s.

    Raises subprocess.CalledProcessError.
    """
    # Whoever else is on the network is none of the measurement.
    environment = {**os.environ, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}
    began_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, '-c', program], env=environment, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began_s


def start_up(nodes: Sequence[str], repetitions: int) -> list[dict[str, float | str]]:
    """Return a row for each node and stage, those of the empty node first."""
    jobs = [(n, stage, program) for n in nodes for stage, program in programs(n).items()]
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(repetitions):
        for node, stage, program in jobs:
            times.setdefault((node, stage), []).append(measure(program))
    rows = []
    for (node, stage), measured in times.items():
        cpu_s, wall_s = (median(values) for values in zip(*measured, strict=True))
        empty_s = median(cpu for cpu, _ in times[EMPTY, stage])
        rows.append(
            {'node': node, 'stage': stage, 'cpu_s': cpu_s, 'wall_s': wall_s}
            | {'ratio': cpu_s / empty_s}
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--repetitions', type=int, default=5, help='of each process (default 5)')
    parser.add_argument('--nodes', nargs='+', choices=NODES, default=list(NODES), metavar='NODE')
    parser.add_argument('--json', type=Path, help='file for every number')
    options = parser.parse_args(arguments)
    if options.repetitions < 1:
        parser.error(f'--repetitions: {options.repetitions} refused, 1 or more is allowed')
    rows = start_up([EMPTY, *options.nodes], options.repetitions)
    print('| node | stage | processor, s | by the clock, s | times the empty node |')
    print('|---|---|---|---|---|')
    for row in rows:
        print('| {node} | {stage} | {cpu_s:.2f} | {wall_s:.2f} | {ratio:.1f} |'.format(**row))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
