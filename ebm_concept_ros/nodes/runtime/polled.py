# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A subscription that a loop looks into in its own time, in place of being told of each message."""

from __future__ import annotations

import time
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.ros_compat import left_to_poll

# Of each node, which does not list them any more.
_POLLED: WeakKeyDictionary[Node, list[Subscription]] = WeakKeyDictionary()


def polled_subscriptions(node: Node) -> tuple[Subscription, ...]:
    """Return the subscriptions of a node that are polled, which `node.subscriptions` leaves out."""
    return tuple(_POLLED.get(node, ()))


class PolledSubscription:
    """Messages of a topic as bytes; no executor wakes for them.

    A thread that is woken for every one of 500 messages a second, and wants the interpreter, costs
    a loop of that rate more than to look for them by itself. For one thread.
    """

    def __init__(self, node: Node, kind: type, topic: str, profile: QoSProfile) -> None:
        """profile: a parameter may override it, as for any subscription."""
        self._kind = kind
        self._subscription = node.create_subscription(
            kind, topic, _never_called, raw=True, **qos.overridable(profile)
        )
        left_to_poll(node, self._subscription)
        self._others = _POLLED.setdefault(node, [])
        self._others.append(self._subscription)
        self._looked_s = time.monotonic()
        self._destroyed = False

    def destroy(self) -> None:
        """Subscribe no more; the node does not do it, which does not know of this any more."""
        if not self._destroyed:
            self._destroyed = True
            self._others.remove(self._subscription)
            self._subscription.destroy()

    def forget(self) -> None:
        """Drop what has come so far."""
        for _ in self.messages():
            pass

    def newest(self) -> bytes | None:
        """Return what came last since the last time, None where nothing did."""
        found = None
        for data, _ in self.messages():
            found = data
        return found

    def messages(self) -> Iterator[tuple[bytes, float]]:
        """Yield what has come since the last time, and when each came, s on the monotonic clock.

        The middleware tells by the wall clock when that was, which may be set in between: nothing
        came before the last look, or comes after this one.
        """
        now_s, began_s = time.monotonic(), self._looked_s
        to_monotonic_s = now_s - time.time()
        self._looked_s = now_s
        handle = self._subscription.handle
        with handle:
            while (taken := handle.take_message(self._kind, True)) is not None:
                data, about = taken
                arrived_s = about['received_timestamp'] / 1e9 + to_monotonic_s
                yield data, min(max(arrived_s, began_s), now_s)


def _never_called(data: bytes) -> None:
    raise AssertionError('no executor knows of this subscription')
