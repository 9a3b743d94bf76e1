# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated time that stands still while a node has better use for the processor.

In lockstep the simulation goes on as fast as it can, with all of a core and most of another,
whether or not anybody still looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.node import Node

from ebm_concept_ros.msg import SimulationState
from ebm_concept_ros.srv import SetSimulationState


class Standstill:
    """Asks the simulator, if there is one, to pause and to play; nobody waits for its answers."""

    def __init__(self, node: Node) -> None:
        self._client = node.create_client(SetSimulationState, 'simulator/set_simulation_state')

    @contextmanager
    def while_busy(self) -> Iterator[None]:
        """Pause; let it play again afterwards. For any thread."""
        self._ask(SimulationState.STATE_PAUSED)
        try:
            yield
        finally:
            self._ask(SimulationState.STATE_PLAYING)

    def _ask(self, state: int) -> None:
        if self._client.service_is_ready():
            request = SetSimulationState.Request(state=SimulationState(state=state))
            self._client.call_async(request)
