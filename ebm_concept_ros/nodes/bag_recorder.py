# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `bag_recorder`: writes what the other nodes say into a bag, as long as it runs.

The bag is rosbag2's MCAP. It is whole once the node has ended.
Messages are written as they came, without a look into them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Annotated

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import OccupancyGrid
from pydantic import Field
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

import ebm_concept_ros.msg as ros
from ebm_concept_ros.bags.writing import BagWriter, next_bag
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.texts import FOLDER_OR_NONE

# What may wait for the disk; a second of joint states and torques.
_DEPTH = 1000
TOPICS = (
    ('scene', ros.Scene, qos.LATCHED),
    ('concept', ros.Concept, qos.LATCHED),
    ('composition', ros.Composition, qos.LATCHED),
    ('demonstrations', ros.Demonstration, qos.DEMONSTRATIONS),
    ('controller/status', ros.ControllerStatus, qos.STATUS),
    # Best effort: drivers publish so, and a recorder holds nobody up.
    ('joint_states', JointState, qos.JOINT_STATES_REAL_TIME),
    ('joint_effort_commands', JointState, qos.JOINT_STATES_REAL_TIME),
    ('/diagnostics', DiagnosticArray, qos.DIAGNOSTICS),
    ('controller/energy', ros.EnergyGrid, qos.LATCHED),
    ('controller/plan', JointTrajectory, qos.PLANS),
    # Of the live view, where it runs.
    ('robot_description', String, qos.LATCHED),
    ('/tf', TFMessage, qos.TRANSFORMS),
    ('/tf_static', TFMessage, qos.LATCHED),
    ('live_view/markers', MarkerArray, qos.MARKERS),
    ('live_view/energy', OccupancyGrid, qos.LATCHED),
)


class BagRecorderParameters(Parameters):
    """Parameters of the recorder."""

    bag_dir: Annotated[str, FOLDER_OR_NONE] = Field(
        '', description='folder in which every run leaves a bag, run_0001 and so on; empty: none'
    )


class BagRecorder(RunnableDefaults, Node):
    """Subscribes to everything that makes up a run."""

    events_executor = True

    def __init__(self) -> None:
        super().__init__('bag_recorder')
        self.parameters = declare(self, BagRecorderParameters)
        self._diagnostics = Diagnostics(self)
        self._writing_now = threading.Lock()  # guards the writer
        self._writer: BagWriter | None = None
        self._recorders = [
            self.create_subscription(
                kind, topic, self._writing(kind, topic), raw=True, **qos.overridable(_deep(profile))
            )
            for topic, kind, profile in TOPICS
        ]

    def start(self) -> None:
        """Make the bag."""
        if not self.parameters.bag_dir:
            raise InvalidParameter('parameter bag_dir: empty, so there is nowhere to record')
        path = next_bag(self.parameters.bag_dir)
        try:
            writer = BagWriter(path)
        except OSError as error:
            raise InvalidParameter(f'parameter bag_dir: {error}') from None
        with self._writing_now:
            self._writer = writer
        self._diagnostics.set('bag', Level.OK, f'recording into {path}')

    def stop(self) -> None:
        """Finish the bag."""
        with self._writing_now:
            writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except OSError as error:
            self.exit_code = 1
            reason = f'{writer.path} is not whole: {error}'
            self._diagnostics.set('bag', Level.ERROR, reason)
        else:
            self._diagnostics.set('bag', Level.OK, f'{writer.number} messages in {writer.path}')

    def _writing(self, kind: type, topic: str) -> Callable[[bytes], None]:
        package, folder = kind.__module__.split('.')[:2]
        kind_name, topic_name = (
            f'{package}/{folder}/{kind.__name__}',
            self.resolve_topic_name(topic),
        )

        def write(data: bytes) -> None:
            with self._writing_now:
                if self._writer is None:
                    return
                try:
                    self._writer.write(topic_name, kind_name, time.time_ns(), data)
                    return
                except OSError as error:  # the disk is full, say: what was written is all there is
                    self._writer, reason = None, f'{self._writer.path} is not whole: {error}'
            self._diagnostics.set('bag', Level.ERROR, f'recording has ended: {reason}')

        return write


def _deep(profile: QoSProfile) -> QoSProfile:
    return QoSProfile(depth=_DEPTH, reliability=profile.reliability, durability=profile.durability)


def main() -> int:
    """Run the node."""
    return run(BagRecorder)


if __name__ == '__main__':
    sys.exit(main())
