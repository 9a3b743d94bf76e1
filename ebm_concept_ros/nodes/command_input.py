# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torque commands on their way in: heard by the executor in lockstep, looked for in real time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState

from ebm_concept_ros import conversions
from ebm_concept_ros.conversions.serialised_joints import JointStateReading
from ebm_concept_ros.nodes.command_inbox import CommandInbox
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription
from ebm_concept_ros.types import EffortCommand
from ebm_core.world.scene import InvalidInput

COMMANDS = 'joint_effort_commands'


class CommandInput:
    """Reads commands, and refuses what is none. In lockstep nothing is heard without an inbox."""

    def __init__(
        self, node: Node, lockstep: bool, joint_names: Sequence[str], diagnostics: Diagnostics
    ) -> None:
        self._joint_names, self._diagnostics = joint_names, diagnostics
        self._reading = JointStateReading(joint_names, (('effort',),))
        self.inbox: CommandInbox | None = None
        self._polled: PolledSubscription | None = None
        if lockstep:
            subscription = node.create_subscription(
                *(JointState, COMMANDS, self._hear), raw=True, **qos.overridable(qos.COMMANDS)
            )
            self.destroy: Callable[[], object] = lambda: node.destroy_subscription(subscription)
        else:
            self._polled = PolledSubscription(node, JointState, COMMANDS, qos.COMMANDS_REAL_TIME)
            self.destroy = self._polled.destroy

    def newest(self) -> EffortCommand | None:
        """Real time: return the newest that has come since the last time. By one thread."""
        newest = None
        if self._polled is not None:
            for data, _ in self._polled.messages():
                newest = self._read(data) or newest
        return newest

    def forget(self) -> None:
        """Drop what has come so far."""
        if self._polled is not None:
            self._polled.forget()
        if self.inbox is not None:
            self.inbox.forget_command()

    def _hear(self, data: bytes) -> None:
        inbox = self.inbox
        if inbox is not None and (command := self._read(data)) is not None:
            inbox.put(command)

    def _read(self, data: bytes) -> EffortCommand | None:
        read = self._reading.packed(data)
        if read is not None:
            return EffortCommand(read[0], np.frombuffer(read[1]))
        try:
            return conversions.effort_from_message(self._reading.message(data), self._joint_names)
        except InvalidInput as error:
            self._diagnostics.refuse('commands', error)
            return None
