# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A node in the thread of whoever calls: waits, services, and who is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

_LOOK_S = 0.05
# An answer is lost where the server has not discovered yet who asks, which ROS does not wait for:
# what changes nothing is asked again.
_TIMES_ASKED = 10
_ASKED_AGAIN = tuple(
    f'concept_learner/{name}'
    for name in ('list_demonstrations', 'list_concepts', 'identify', 'generate', 'satisfied')
)


class Refused(RuntimeError):
    """What a node refused to do; the message is the reason that it gave."""


class NodeCalls:
    """A node with a context of its own. timeout_s: how long others have to answer, s."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node(name, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def close(self) -> None:
        """Give all back that the middleware has given."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def spin_until(
        self, holds: Callable[[], object], what: str, timeout_s: float | None = None
    ) -> None:
        """Hear others until it holds; raises TimeoutError that says what was waited for."""
        within_s = self.timeout_s if timeout_s is None else timeout_s
        ends_s = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > ends_s:
                raise TimeoutError(f'waited {within_s:g} s for {what}')
            self._executor.spin_once(timeout_sec=_LOOK_S)

    def call(self, kind: type, service: str, /, **fields: object) -> Any:
        """Return the answer of a service; raises Refused where it is no success."""
        client = self.node.create_client(kind, service)
        try:
            self.spin_until(client.service_is_ready, f'the service {service}')
            asked = [client.call_async(kind.Request(**fields))]
            began_s, again_s = time.monotonic(), self.timeout_s / _TIMES_ASKED

            def answered() -> list[Any]:
                if service in _ASKED_AGAIN and time.monotonic() - began_s > again_s * len(asked):
                    asked.append(client.call_async(kind.Request(**fields)))
                return [future.result() for future in asked if future.done()]

            self.spin_until(answered, f'an answer of {service}')
            response = next(future.result() for future in asked if future.done())
        finally:
            self.node.destroy_client(client)
        if not response.success:
            raise Refused(response.message)
        return response

    def publishers_of(self, topic: str) -> set[str]:
        """Return the names of the nodes that publish on a topic, as far as they are discovered."""
        return {end.node_name for end in self.node.get_publishers_info_by_topic(topic)}
