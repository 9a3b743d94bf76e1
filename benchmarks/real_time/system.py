# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch file's nodes while they run, and an arm that is kept moving between two concepts.

The launch file adds two concepts up. The arm moves to where the one or the other is satisfied as
all weight goes from one to the other, again and again; nothing is identified anew for that. It
comes to rest at the second one's place, elsewhere, which the referee does not ask for: it goes on.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.node import Node

import ebm_concept_ros.msg as ros
from benchmarks.reach.tasks import pose
from benchmarks.real_time.processes import nodes_of
from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace

CONCEPTS = ('north', 'south')
SWING_S = 0.8  # a little more than a reach takes
_STARTS_IN_S = 180.0
_ENDS_IN_S = 180.0
_LONG_S = 3600.0


@dataclass(frozen=True)
class Setting:
    """How the nodes are started.

    rate_hz: of torques and joint states. record_s: at most. both: of the concepts, on a table on
    which they are satisfied apart; else the first alone.
    """

    rate_hz: float
    plan_rate_hz: float
    priority: int
    record_s: float
    table: TableScene
    both: bool = True
    arm: str = 'jaco'


class System:
    """The nodes, once the arm tracks. process_ids: of each, by its name. records: their folder.

    node: to ask and hear the others by; nobody spins it.
    """

    def __init__(self, node: Node, process_ids: dict[str, int], records: Path) -> None:
        self.process_ids = process_ids
        self.records = records
        self.node = node
        self._publisher = node.create_publisher(ros.Composition, 'composition', qos.LATCHED)

    def go_to(self, which: int) -> None:
        """Have the arm go to where the first (0) or the second (1) concept is satisfied."""
        weights = [float(number == which) for number in range(len(CONCEPTS))]
        self._publisher.publish(ros.Composition(concepts=CONCEPTS, weights=weights))

    def swing(self, duration_s: float) -> None:
        """Keep the arm moving for so long; it ends at the second."""
        ends_s = time.monotonic() + duration_s
        which = 0
        while (left_s := ends_s - time.monotonic()) > 0.0:
            self.go_to(which)
            which = 1 - which
            time.sleep(min(SWING_S, left_s))
        self.go_to(1)


def table_apart(seed: int) -> TableScene:
    """Return a table on which both concepts are satisfied, at two places."""
    workspace = load_workspace(package_path('', WORKSPACE))
    return pose(SUM.join(CONCEPTS), seed, workspace, None, together=False)[1]


@contextmanager
def started(setting: Setting, folder: Path) -> Iterator[System]:
    """Start the nodes, wait until the arm tracks, and end them; RuntimeError where it does not."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    records = folder / 'record'
    shutil.rmtree(records, ignore_errors=True)  # of an earlier run
    log = folder / 'launch.log'
    with log.open('w') as out:
        launch = subprocess.Popen(_command(setting, folder, records), stdout=out, stderr=out)
    rclpy.init()
    node = rclpy.create_node('real_time_benchmark')
    try:
        _wait_for_tracking(node, launch, log)
        yield System(node, nodes_of(launch.pid), records)
    finally:
        launch.send_signal(signal.SIGINT)
        launch.wait(_ENDS_IN_S)
        node.destroy_node()
        rclpy.shutdown()


def _command(setting: Setting, folder: Path, records: Path) -> list[str]:
    ros2 = shutil.which('ros2')
    if ros2 is None:
        sys.exit('no ros2 on the path; source scripts/environment.sh first')
    own = {
        'control_priority': setting.priority,
        'plan_rate': setting.plan_rate_hz,
        'record_limit_s': setting.record_s,
    }
    parameters = folder / 'parameters.yaml'
    parameters.write_text(json.dumps({'controller': {'ros__parameters': own}}))  # JSON is YAML
    scene_file = folder / 'table.yaml'
    scene_file.write_text(setting.table.model_dump_json())
    arguments = {
        **{'concept': CONCEPTS[0], 'arm': setting.arm, 'render': 'false', 'scene_file': scene_file},
        **({'also': CONCEPTS[1], 'weights': '1,0'} if setting.both else {}),
        **{'simulation_rate': setting.rate_hz, 'control_rate': setting.rate_hz},
        **{'timeout_s': _LONG_S, 'wall_timeout_s': _LONG_S, 'hold_s': 60.0},
        **{'out_dir': folder, 'record_dir': records, 'params_file': parameters},
    }
    return [ros2, 'launch', 'ebm_concept_ros', 'reach_between.launch.py'] + [
        f'{name}:={value}' for name, value in arguments.items()
    ]


def _wait_for_tracking(node: Node, launch: subprocess.Popen, log: Path) -> None:
    states: list[int] = []
    subscription = node.create_subscription(
        ros.ControllerStatus,
        'controller/status',
        lambda message: states.append(message.state),
        qos.STATUS_LOOKED_AT,
    )
    ends_s = time.monotonic() + _STARTS_IN_S
    while ros.ControllerStatus.TRACKING not in states:
        if time.monotonic() > ends_s or launch.poll() is not None:
            raise RuntimeError(f'the arm did not move:\n{log.read_text()}')
        rclpy.spin_once(node, timeout_sec=0.1)
    node.destroy_subscription(subscription)
