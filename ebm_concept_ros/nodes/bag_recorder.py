# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `bag_recorder`: writes what the other nodes say into a bag: all along, or when asked to.

The bag is rosbag2's MCAP. It is whole once its recording, or the node, has ended, and has all that
came before. Messages are written as they came, without a look into them; the status `bag` on
/diagnostics counts them by topic.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Annotated

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import OccupancyGrid
from pydantic import Field
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

import ebm_concept_ros.msg as ros
from ebm_concept_ros.config_files import ConfigError, path_of
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.texts import FOLDER_OR_NONE

if TYPE_CHECKING:
    from ebm_concept_ros.bags.writing import BagWriter

# What may wait for the disk; a second of joint states and torques.
_DEPTH = 1000
_COUNT_PERIOD_S = 1.0
# To write what came before the end.
_END_TIMEOUT_S = 10.0
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
    record_at_start: bool = Field(
        True, description='false: nothing is recorded before the service ~/record asks for it'
    )


class BagRecorder(RunnableDefaults, Node):
    """Subscribes to everything that makes up a run."""

    events_executor = True

    def __init__(self) -> None:
        super().__init__('bag_recorder')
        # Imported here: who reads the parameters alone, as a launch file does, needs no bags.
        from ebm_concept_ros.bags import writing

        self._bags = writing
        self.parameters = declare(self, BagRecorderParameters)
        self._diagnostics = Diagnostics(self)
        self._writing_now = threading.Lock()  # guards the writer
        self._writer: BagWriter | None = None
        self._recorders: list[Subscription] = []
        self.create_service(SetBool, '~/record', self._on_record)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_COUNT_PERIOD_S, self._report_numbers, clock=steady)
        if self.parameters.record_at_start:
            self._listen()

    def start(self) -> None:
        """Make the bag."""
        if not self.parameters.bag_dir:
            raise InvalidParameter('parameter bag_dir: empty, so there is nowhere to record')
        if not self.parameters.record_at_start:
            self._diagnostics.set('bag', Level.OK, 'nothing is recorded yet')
            return
        try:
            self._begin()
        except (OSError, ConfigError) as error:
            raise InvalidParameter(f'parameter bag_dir: {error}') from None

    def stop(self) -> None:
        """Finish the bag, with what has come by now."""
        # In its turn: what has come and is not written yet is waiting before it.
        finished: Future[tuple[bool, str]] = Future()
        self.executor.create_task(lambda: finished.set_result(self._finish()))
        try:
            is_whole, _ = finished.result(_END_TIMEOUT_S)
        except TimeoutError:
            is_whole, _ = self._finish()
        if not is_whole:
            self.exit_code = 1

    def _on_record(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if not request.data:
            response.success, response.message = self._finish()
            return response
        try:
            if self._writer is None:
                # Whoever listens anew is told again what is latched.
                self._fall_silent()
                self._listen()
                self._begin()
            response.success, response.message = True, f'recording into {self._writer.path}'
        except (OSError, ValueError) as error:
            response.message = f'record: {error}'
        return response

    def _listen(self) -> None:
        self._recorders = [
            self.create_subscription(
                kind, topic, self._writing(kind, topic), raw=True, **qos.overridable(_deep(profile))
            )
            for topic, kind, profile in TOPICS
        ]

    def _fall_silent(self) -> None:
        for recorder in self._recorders:
            self.destroy_subscription(recorder)
        self._recorders = []

    def _begin(self) -> None:
        """Make the next bag; raises OSError, and ValueError where it cannot be made."""
        writer = self._bags.BagWriter(self._bags.next_bag(path_of(self.parameters.bag_dir)))
        with self._writing_now:
            self._writer = writer
        self._diagnostics.set('bag', Level.OK, f'recording into {writer.path}')

    def _finish(self) -> tuple[bool, str]:
        """End the bag; return whether it is whole, and what there is in it."""
        with self._writing_now:
            writer, self._writer = self._writer, None
        self._fall_silent()
        if writer is None:
            return True, 'nothing is being recorded'
        try:
            writer.close()
            level, words = Level.OK, f'{writer.numbers.total()} messages in {writer.path}'
        except OSError as error:
            level, words = Level.ERROR, f'{writer.path} is not whole: {error}'
        self._diagnostics.set('bag', level, words)
        return level is Level.OK, words

    def _report_numbers(self) -> None:
        with self._writing_now:
            writer = self._writer
            if writer is None:
                return
            numbers = dict(writer.numbers)
        self._diagnostics.set('bag', Level.OK, f'recording into {writer.path}', **numbers)

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
