# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Requests whose answers may never come: a client keeps each of them until somebody forgets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.task import Future


class Questions:
    """What is asked on the way to one answer; for the executor's thread."""

    def __init__(self) -> None:
        self._asked: list[tuple[Client, Future]] = []

    def ask(self, client: Client, request: Any, answered: Callable[[Any], None]) -> None:
        """Call a service; answered: told the response, unless it is forgotten before."""
        future = client.call_async(request)
        self._asked.append((client, future))
        future.add_done_callback(lambda done: answered(done.result()))

    def forget(self) -> None:
        """Wait for no answer any more."""
        asked, self._asked = self._asked, []
        for client, future in asked:
            client.remove_pending_request(future)
