# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tests' own node, which misses nothing: it listens, publishes and calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.action import ActionClient
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.task import Future
from waiting import PATIENCE_S, wait_until

from ebm_concept_ros.nodes.runtime.ros_compat import events_executor_type
from ebm_concept_ros.nodes.runtime.running import SpinThread

_ASK_AGAIN_S = 30.0
_MEET_AGAIN_S = 1.0
# Deeper than whoever is kept waiting can fall behind.
_DEPTH = 5000


def keeping(*topics: str) -> dict[str, object]:
    """Return parameters of a node that lose nothing of these topics to who is kept waiting.

    What a publisher keeps for a reader that has not acknowledged it is ten messages otherwise: a
    fiftieth of a second of joint states.
    """
    return {f'qos_overrides./{topic}.publisher.depth': _DEPTH for topic in topics}


def _deep(profile: QoSProfile | int) -> QoSProfile:
    """Return a profile of a subscription that loses nothing while its process is kept waiting."""
    deep = QoSProfile(depth=profile) if isinstance(profile, int) else copy(profile)
    deep.depth = max(deep.depth, _DEPTH)
    return deep


class Spinning:
    """A node whose callbacks run in a thread of its own until it is closed."""

    def __init__(self, name: str, context: Context, executor: type[Executor]) -> None:
        # Whoever is there to listen needs nothing of what a node brings besides.
        bare = {'start_parameter_services': False, 'enable_rosout': False}
        self.node = Node(name, context=context, **bare)
        self._executor = executor(context=context)
        self._executor.add_node(self.node)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End its thread."""
        self._stopped.set()
        self._executor.wake()
        self._thread.join()
        self.node.destroy_node()
        self._executor.shutdown()

    def _spin(self) -> None:
        while not self._stopped.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.2)
            except ExternalShutdownException:
                return


class Probe:
    """The test's own node; it listens, publishes and calls from the test's thread.

    A thousand messages a second come in: the events executor takes a tenth of the usual one's time
    for them, but tells no callback when a message was published. Another node does that.
    """

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        self._spinning = Spinning('probe', self._context, events_executor_type())
        self._timing: Spinning | None = None
        self.node = self._spinning.node
        self._clients: dict[str, Client] = {}
        self.diagnostics = self.listen(DiagnosticArray, '/diagnostics', 100)

    def close(self) -> None:
        """End its threads and its context."""
        self._spinning.close()
        if self._timing is not None:
            self._timing.close()
        rclpy.shutdown(context=self._context)

    def listen(self, kind: type, topic: str, qos: QoSProfile | int) -> list[Any]:
        """Subscribe; return the list that grows with every message, oldest first.

        None is lost here, however long this process is kept waiting; what its publisher does not
        keep for so long is: see `keeping`.
        """
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, _deep(qos))
        return heard

    def listen_with_times(
        self,
        kind: type,
        topic: str,
        qos: QoSProfile | int,
        hear: Callable[[float, Any], None],
    ) -> None:
        """Subscribe; hear: called with when each was published, s on the system clock, and it.

        However late a message is heard, that tells what its publisher did.
        """
        if self._timing is None:
            self._timing = Spinning('probe_of_times', self._context, SingleThreadedExecutor)

        def note(message: Any, info: dict[str, Any]) -> None:
            hear(info['source_timestamp'] / 1e9, message)

        self._timing.node.create_subscription(kind, topic, note, _deep(qos))

    def listen_for_times(self, kind: type, topic: str, qos: QoSProfile | int) -> list[float]:
        """Subscribe; return the list of when each message was published, s on the system clock."""
        times_s: list[float] = []
        self.listen_with_times(kind, topic, qos, lambda at_s, _: times_s.append(at_s))
        return times_s

    def publisher(
        self, kind: type, topic: str, qos: QoSProfile | int, matched: bool = True
    ) -> Publisher:
        """Return a publisher, by default once somebody listens to it."""
        publisher = self.node.create_publisher(kind, topic, qos)
        if matched:
            wait_until(lambda: publisher.get_subscription_count() > 0, f'a subscriber of {topic}')
        return publisher

    def action_client(self, kind: type, name: str) -> ActionClient:
        """Return one made in the thread that spins; rclpy 9.1.2 shows it others half made."""
        made = self.node.executor.create_task(ActionClient, self.node, kind, name)
        wait_until(made.done, f'a client of {name}')
        return made.result()

    def call(self, kind: type, name: str, request: Any) -> Any:
        """Call a service, '<node>/<service>', and return its response.

        It is called once, as some do not do the same twice. Only where no answer comes for long is
        it asked again: of a server that was killed ROS says for 20 s that it is there.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(PATIENCE_S), f'no service {name}'
        self.meet(name.partition('/')[0])
        return _answer_of(client, request, _ASK_AGAIN_S)

    def meet(self, name: str) -> None:
        """Return once a node has discovered all that this one has made until now.

        An answer is lost, and so is an event, where its sender has not discovered yet who listens,
        which ROS does not wait for. What one process makes is discovered in the order in which it
        was made: who answers the newest client of all knows the rest.
        """
        newest = self.node.create_client(GetParameters, f'{name}/get_parameters')
        assert newest.wait_for_service(PATIENCE_S), f'no node {name}'
        _answer_of(newest, GetParameters.Request(), _MEET_AGAIN_S)
        self.node.destroy_client(newest)

    def reports(self, name: str) -> list[str]:
        """Return the messages of a diagnostic status so far, such as 'simulator: commands'."""
        return [
            s.message for array in list(self.diagnostics) for s in array.status if s.name == name
        ]

    def values(self, name: str) -> dict[str, str]:
        """Return the values of the newest diagnostic status of a name; none heard, none."""
        found = [
            s.values for array in list(self.diagnostics) for s in array.status if s.name == name
        ]
        return {pair.key: pair.value for pair in found[-1]} if found else {}

    def wait_for_report(self, name: str, *texts: str) -> str:
        """Wait until a status of that name carries all the texts; return it."""

        def found() -> list[str]:
            return [m for m in self.reports(name) if all(text in m for text in texts)]

        wait_until(lambda: bool(found()), f'{texts} on /diagnostics of {name}')
        return found()[-1]


@contextmanager
def forgetful_server(kind: type, name: str, answer: Any) -> Iterator[list[Any]]:
    """Offer a service whose first answer is lost; yield what it was asked."""
    context = Context()
    rclpy.init(context=context)
    node = Node('forgetful', context=context)
    asked: list[Any] = []

    def respond(request: Any, response: Any) -> Any:
        asked.append(request)
        if len(asked) == 1:
            raise RuntimeError('so that no answer is sent')
        return answer

    node.create_service(kind, name, respond)
    spinning = SpinThread(node)
    spinning.start()
    try:
        yield asked
    finally:
        spinning.stop()
        node.destroy_node()
        rclpy.shutdown(context=context)


def _answer_of(client: Client, request: Any, ask_again_s: float) -> Any:
    """Wait for the answer of a service, and ask again where none has come."""
    futures: list[Future] = []
    began_s = time.monotonic()

    def is_answered() -> bool:
        if time.monotonic() - began_s >= ask_again_s * len(futures):
            futures.append(client.call_async(request))
        return any(future.done() for future in futures)

    wait_until(is_answered, f'an answer of {client.srv_name}')
    return next(future.result() for future in futures if future.done())
