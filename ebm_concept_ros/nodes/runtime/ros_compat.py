# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What differs between the ROS distributions that the package is for: Jazzy, Kilted, Lyrical."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node

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
