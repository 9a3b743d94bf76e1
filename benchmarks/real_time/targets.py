# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How long a new target takes the controller while its loops run, against the number of entities.

    python -m benchmarks.real_time.targets --entities 5 50 100

The launch file's nodes run in real time, and the arm stands at its goal. A thing that takes no part
is moved by a hand's breadth, again and again, and each time the controller identifies who takes
part and tabulates the energy anew. It tells on /diagnostics how long that took by the clock. What
the model's own process ran for each target is what would be left of it where nobody else needs the
machine, but for the field that the controller makes of the energies.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point

import ebm_concept_ros.srv as srv
from benchmarks.reach.tasks import pose
from benchmarks.real_time.processes import childrens_s
from benchmarks.real_time.system import CONCEPTS, Setting, System, started
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace

_MOVED_M = 0.01
# The controller tells it every second; so a target that is told after this is the new one.
_TOLD_AFTER_S = 2.5
_PART, _VALUE = 'controller: target', 'identified_and_tabulated_in_s'
_BARS_MS = {5: 40.0, 50: 80.0, 100: 150.0}


def table_of(entities: int, seed: int) -> TableScene:
    """Return a table with so many entities, the effector among them."""
    workspace = load_workspace(package_path('', WORKSPACE))
    return pose(CONCEPTS[0], seed, workspace, entities)[1]


def target_times_s(system: System, table: TableScene, moves: int) -> Iterator[float]:
    """Move the last thing of the table so many times; yield how long each target took, s."""
    told: list[float] = []

    def hear(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == _PART:
                told.extend(float(v.value) for v in status.values if v.key == _VALUE)

    node = system.node
    node.create_subscription(DiagnosticArray, '/diagnostics', hear, qos.DIAGNOSTICS)
    moving = node.create_client(srv.SetEntityState, 'simulator/set_entity_state')
    thing = table.entities[-1]
    x, y = thing.position_in_base_m
    for number in range(moves):
        request = srv.SetEntityState.Request(entity=thing.id, set_pose=True)
        request.state.pose.position = Point(x=x, y=y + _MOVED_M * ((number + 1) % 2))
        moving.wait_for_service()
        moving.call_async(request)
        told.clear()
        ends_s = time.monotonic() + _TOLD_AFTER_S
        while time.monotonic() < ends_s:
            rclpy.spin_once(node, timeout_sec=0.1)
        if not told:
            raise RuntimeError('the controller tells of no target')
        yield told[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each number of entities."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real_time.targets',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = ControllerParameters()
    parser.add_argument('--entities', type=int, nargs='+', default=list(_BARS_MS))
    parser.add_argument('--moves', type=int, default=8, help='targets of each')
    parser.add_argument('--seed', type=int, default=1, help='of the table')
    parser.add_argument('--out-dir', type=Path, default=Path('out/targets'))
    parser.add_argument('--json', type=Path, help='where every number goes')
    given = parser.parse_args(arguments)
    if given.moves < 1:
        parser.error(f'--moves {given.moves}: at least 1')
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rows = []
    print('| entities | a target, ms: median | most | wanted | of that, the model ran |')
    print('|---|---|---|---|---|')
    for entities in given.entities:
        table = table_of(entities, given.seed)
        setting = Setting(
            *(usual.control_rate, usual.plan_rate, usual.control_priority, 60.0),
            *(table, False),
        )
        with started(setting, given.out_dir / f'entities_{entities}') as system:
            controller = system.process_ids['controller']
            before_s = childrens_s(controller)
            times_s = list(target_times_s(system, table, given.moves))
            model_s = (childrens_s(controller) - before_s) / given.moves
        rows.append({'entities': entities, 'times_s': times_s, 'model_s': model_s})
        wanted = _BARS_MS.get(entities)
        print(
            f'| {entities} | {1e3 * statistics.median(times_s):.0f} | {1e3 * max(times_s):.0f} | '
            f'{"" if wanted is None else f"{wanted:.0f}"} | {1e3 * model_s:.0f} |',
            flush=True,
        )
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(rows, indent=1) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
