# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Running one node as a process: signals, threads, and how it ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, Protocol

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context

from ebm_concept_ros.errors import name_and_reason, one_line
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.nodes.runtime.ros_compat import events_executor_type

_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Threads that hand work to each other every 2 ms cannot wait CPython's default 5 ms for the
# interpreter.
_SWITCH_INTERVAL_S = 2e-4
# So many new containers are looked through at once for circles that nobody refers to. The usual
# 700 are soon there in a loop, and to look at older ones takes a node of so many modules long.
_COLLECT_AFTER = (20_000, 20, 20)
_JOIN_TIMEOUT_S = 5.0
_LOOK_EVERY_S = 0.03  # whether the node is done, or is to end


class Runnable(Protocol):
    """What `run` asks of a node beside being an rclpy node."""

    exit_code: int | None  # set by the node when it is done, otherwise None
    interrupted_exit_code: int  # where a signal ends it before
    events_executor: bool  # for hundreds of messages a second; it knows no guard conditions
    spin_pause_s: float  # between two callbacks; more than 0 for who needs only some messages

    def start(self) -> None:
        """Start the node's own threads."""

    def stop(self) -> None:
        """Stop and join them; called once, also after an error."""


class RunnableDefaults:
    """Of a node that runs until it is stopped."""

    exit_code: int | None = None
    interrupted_exit_code = 0
    events_executor = False
    spin_pause_s = 0.0


class SpinThread:
    """An executor in a thread of its own; an exception in a callback does not end it.

    The usual executor looks through all entities of the node before every callback, in Python; at
    500 messages a second that is half of what a node does. The other is told which are ready.
    """

    def __init__(self, node: Node, events_executor: bool = False, pause_s: float = 0.0) -> None:
        self._node = node
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._executor = (events_executor_type() if events_executor else SingleThreadedExecutor)(
            context=node.context
        )
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, name='executor', daemon=True)

    def start(self) -> None:
        """Begin to call callbacks."""
        self._thread.start()

    def stop(self) -> None:
        """Return once no callback runs any more."""
        self._stop.set()
        self._executor.wake()
        self._thread.join(_JOIN_TIMEOUT_S)
        self._executor.remove_node(self._node)
        self._executor.shutdown(timeout_sec=0)

    def _spin(self) -> None:
        while not self._stop.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.5)
            except ExternalShutdownException:
                return
            except Exception as error:  # a callback's own: no message may end the node
                if not self._stop.is_set():
                    self._node.get_logger().error(f'a callback failed: {name_and_reason(error)}')
            if self._pause_s:
                self._stop.wait(self._pause_s)


def run(create: Callable[[], Node], args: list[str] | None = None) -> int:
    """Create the node, run it until it is done or a SIGINT or SIGTERM comes; return the status.

    The signals are blocked and waited for rather than handled: a handler could run anywhere, and
    an exception out of it would surface as a traceback from wherever the node happened to be.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.set_threshold(*_COLLECT_AFTER)
    gc.freeze()  # what was imported stays
    gc.enable()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # of rcl: a params file that cannot be read, say
        print(f'{create.__name__}: {one_line(error)}', file=sys.stderr, flush=True)
        return 2
    node = None
    try:
        node = create()
        if not _signalled(0.0):  # while it was made, which may take seconds
            _run_until_done(node)
        return node.interrupted_exit_code if node.exit_code is None else node.exit_code
    except InvalidParameter as error:
        name = node.get_name() if node is not None else create.__name__
        print(f'{name}: {error}', file=sys.stderr, flush=True)
        return 2
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def leave(status: int) -> NoReturn:
    """End a process whose node has ended: all that it had is closed and written.

    To take the interpreter down takes a second where torch is loaded, and nobody needs it.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    # The middleware leaves its shared memory behind where anything still refers to a node.
    gc.collect()
    get_default_context(shutting_down=True).destroy()
    os._exit(status)


def _run_until_done(node: Node) -> None:
    spinning = SpinThread(node, node.events_executor, node.spin_pause_s)
    node.start()
    spinning.start()
    try:
        while node.exit_code is None and not _signalled(_LOOK_EVERY_S):
            pass
    finally:
        node.stop()
        spinning.stop()


def _signalled(timeout_s: float) -> bool:
    """Wait, and return whether a signal has come that asks the process to end.

    Not by sigtimedwait: interrupted by a stop and continued after its time, CPython 3.11 returns a
    signal that never came.
    """
    time.sleep(timeout_s)
    return bool(signal.sigpending() & _SIGNALS)
