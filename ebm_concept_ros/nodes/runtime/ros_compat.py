# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What differs between the ROS distributions that the package is for: Jazzy, Kilted, Lyrical."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from rclpy.action import ActionClient
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.task import Future

# Where the events executor is, or may be once it is no experiment any more.
_EVENTS_EXECUTORS = ('rclpy.experimental.events_executor', 'rclpy.experimental', 'rclpy.executors')


def events_executor_type() -> type[Executor]:
    """Return the executor that is told which entities are ready; without one, the usual one."""
    for name in _EVENTS_EXECUTORS:
        try:
            return import_module(name).EventsExecutor
        except (ImportError, AttributeError):
            continue
    return SingleThreadedExecutor


def given_values(node: Node) -> Iterable[str]:
    """Return the names of the parameters that the node was given values for.

    rclpy tells nobody, and drops without a word what no one declares; where it does not keep them
    under this name any more, nothing is known to be given.
    """
    return tuple(getattr(node, '_parameter_overrides', {}))


def left_to_poll(node: Node, subscription: Subscription) -> None:
    """Take a subscription out of what executors look after, so that one thread may take from it.

    rclpy has no name for that; its nodes list what is to be looked after. Who made the subscription
    destroys it by itself.
    """
    node._subscriptions.remove(subscription)
    if node.executor is not None:
        node.executor.wake()  # it may have seen it already


def send_goal(
    node: Node, client: ActionClient, goal: Any, on_feedback: Callable[[Any], None] | None = None
) -> Future:
    """Send a goal from any thread; return the future of its goal handle.

    Wherever `node` is spun by one thread, use this in any other one: `send_goal_async` of rclpy
    9.1.2 makes a second future after it has sent the goal, and an answer that comes in between is
    lost. In the thread that spins, none comes in between.
    """
    answered = Future()

    def answer(sent: Future) -> None:
        answered.set_result(sent.result())

    def send() -> None:
        try:
            client.send_goal_async(goal, on_feedback).add_done_callback(answer)
        except Exception as error:
            answered.set_exception(error)

    node.executor.create_task(send)
    return answered
