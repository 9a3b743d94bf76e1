# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a long bag costs: processor time and memory to write it, and to look for what it shows.

    python -m benchmarks.bags --messages 10000 1000000

The bag has joint states, as they were serialised once, and among a thousand of them one scene, in
which nobody moves. It is written as the recorder does, and read as `teach_from_bag` does, which
looks into the scenes; then the last joint state is looked for. Each size is a process of its own,
as a peak of memory never comes down.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from ebm_concept_ros import conversions
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.bags.demonstrations import segments_in
from ebm_concept_ros.bags.reading import opened
from ebm_concept_ros.bags.writing import BagWriter
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace

_SCENE, _JOINT_STATE = 'ebm_concept_ros/msg/Scene', 'sensor_msgs/msg/JointState'
_ONE_SCENE_IN = 1000
_PERIOD_NS = 2_000_000


def measure(messages: int) -> dict[str, float]:
    """Return what a bag of so many messages costs; memory is the process's peak, MiB."""
    workspace = load_workspace(package_path('', WORKSPACE))
    table = random_table_scene(1, 2, 'blue', workspace)
    places = table.positions_in_base_m()
    scene = conversions.table_scene_to_message(table, places, (0.3, 0.0, 0.15), workspace)
    joints = JointState(name=[f'joint_{i}' for i in range(6)], position=[0.1] * 6)
    joints.velocity = joints.effort = joints.position
    scene_data, joint_data = (bytes(serialize_message(each)) for each in (scene, joints))
    with tempfile.TemporaryDirectory() as folder:
        began_s, path = time.process_time(), Path(folder) / 'bag'
        writer = BagWriter(path)
        for number in range(messages):
            if number % _ONE_SCENE_IN == 0:
                writer.write('/scene', _SCENE, number * _PERIOD_NS, scene_data)
            else:
                writer.write('/joint_states', _JOINT_STATE, number * _PERIOD_NS, joint_data)
        writer.close()
        written_s, write_mib = time.process_time(), _peak_mib()
        with opened(path) as bag:
            moved = sum(1 for _ in segments_in(bag, workspace, ()))
        with opened(path) as bag:
            last = bag.last(_JOINT_STATE, '/joint_states')
        assert moved == 0
        assert list(last.name) == list(joints.name)
        return {
            'messages': messages,
            'size_mib': sum(file.stat().st_size for file in path.iterdir()) / 2**20,
            'write_s': written_s - began_s,
            'write_mib': write_mib,
            'read_s': time.process_time() - written_s,
            'read_mib': _peak_mib(),
        }


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--messages', type=int, nargs='+', default=[10_000, 1_000_000], help='of each bag'
    )
    parser.add_argument('--json', type=Path, help='file for every number')
    options = parser.parse_args(arguments)
    if min(options.messages) < _ONE_SCENE_IN:
        parser.error(f'--messages: {min(options.messages)} refused, {_ONE_SCENE_IN} are the fewest')
    context = multiprocessing.get_context('spawn')
    rows = []
    print('| messages | file, MiB | written in, s | peak, MiB | read in, s | peak, MiB |')
    print('|---|---|---|---|---|---|')
    for messages in options.messages:
        with context.Pool(1) as pool:
            rows.append(pool.apply(measure, (messages,)))
        print(
            '| {messages} | {size_mib:.1f} | {write_s:.2f} | {write_mib:.0f} | {read_s:.2f} | '
            '{read_mib:.0f} |'.format(**rows[-1]),
            flush=True,
        )
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
