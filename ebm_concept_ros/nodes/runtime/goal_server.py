# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An action whose goals are told how they ended, also where the node ends with them."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node


class GoalServer:
    """Accepts every goal: what is refused ends at once, as a rejection in ROS 2 has no words.

    execute: returns the result, and leaves the goal in the state in which it ended. All is called
    by the executor's thread, but for `wait_until_told`.
    """

    def __init__(
        self,
        node: Node,
        kind: type,
        name: str,
        execute: Callable[[ServerGoalHandle], Awaitable[Any]],
        cancel: Callable[[ServerGoalHandle], CancelResponse],
    ) -> None:
        self._node, self._execute = node, execute
        self._untold = 0  # goals
        self._all_told = threading.Event()
        self._all_told.set()
        self._is_ending = False
        self._server = ActionServer(
            node,
            kind,
            name,
            self._pursue,
            goal_callback=lambda goal: GoalResponse.ACCEPT,
            cancel_callback=cancel,
        )

    def destroy(self) -> None:
        """Offer it no more, as soon as all that have ended are told so."""
        self._is_ending = True
        self._destroy_if_told()

    def wait_until_told(self, timeout_s: float) -> None:
        """Return once all goals are told how they ended, or after a time; for other threads."""
        self._all_told.wait(timeout_s)

    async def _pursue(self, handle: ServerGoalHandle) -> Any:
        self._untold += 1
        self._all_told.clear()
        try:
            return await self._execute(handle)
        finally:
            # rclpy tells it as soon as this has returned, or by the next task from then on: what
            # that one begins comes after both.
            later = self._node.executor.create_task
            later(later, self._was_told)

    def _was_told(self) -> None:
        self._untold -= 1
        if not self._untold:
            self._all_told.set()
        self._destroy_if_told()

    def _destroy_if_told(self) -> None:
        if self._is_ending and not self._untold:
            self._is_ending = False
            self._server.destroy()
