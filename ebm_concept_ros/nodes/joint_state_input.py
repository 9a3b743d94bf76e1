# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint states on their way in: heard by the executor in lockstep, looked for in real time."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import JointState

from ebm_concept_ros.nodes.joint_state_reader import JointStateReader
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription
from ebm_concept_ros.types import JointSample
from ebm_core.world.scene import InvalidInput

_TOPIC = 'joint_states'


class JointStateInput:
    """Reads what comes on `joint_states`, and refuses what means nothing.

    take: is given each state, and when it arrived, s on the monotonic clock; None: now.
    """

    def __init__(
        self,
        node: Node,
        lockstep: bool,
        reader: JointStateReader,
        diagnostics: Diagnostics,
        take: Callable[[JointSample, float | None], None],
    ) -> None:
        self._reader, self._diagnostics, self._take = reader, diagnostics, take
        self._polled: PolledSubscription | None = None
        if lockstep:
            subscription = node.create_subscription(
                *(JointState, _TOPIC, self._on_message),
                raw=True,
                **qos.overridable(qos.JOINT_STATES_LOCKSTEP),
            )
            self.destroy: Callable[[], object] = lambda: node.destroy_subscription(subscription)
        else:
            self._polled = PolledSubscription(node, JointState, _TOPIC, qos.JOINT_STATES_POLLED)
            self.destroy = self._polled.destroy

    def look(self) -> None:
        """Real time: read what has come since the last time. By one thread at a time."""
        if self._polled is not None:
            for data, arrived_s in self._polled.messages():
                self._read(data, arrived_s)

    def forget(self) -> None:
        """Real time: drop what has come so far."""
        if self._polled is not None:
            self._polled.forget()

    def _on_message(self, data: bytes) -> None:
        self._read(data, None)

    def _read(self, data: bytes, arrived_s: float | None) -> None:
        try:
            sample = self._reader.read(data, arrived_s)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return
        self._diagnostics.accept('joint_states')
        if sample is not None:
            self._take(sample, arrived_s)
