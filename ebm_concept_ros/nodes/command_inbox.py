# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What reaches the simulation from other threads: torque commands, requests, and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ebm_concept_ros.types import EffortCommand

T = TypeVar('T')


class CommandInbox:
    """Holds the newest command, what is to be done between two steps, and whether to end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all below
        self._command: EffortCommand | None = None
        self._requests: list[tuple[Callable[[], object], Future]] = []
        self._ended = False

    # For other threads -----------------------------------------------------------------------

    def put(self, command: EffortCommand) -> None:
        """Replace the newest command."""
        with self._changed:
            self._command = command
            self._changed.notify_all()

    def ask(self, do: Callable[[], T]) -> Future[T]:
        """Have it done by the simulation's thread between two steps; cancelled where it ends."""
        future: Future[T] = Future()
        with self._changed:
            if self._ended:
                future.cancel()
            else:
                self._requests.append((do, future))
                self._changed.notify_all()
        return future

    def end(self) -> None:
        """Ask the simulation to end."""
        with self._changed:
            self._ended = True
            requests, self._requests = self._requests, []
            self._changed.notify_all()
        for _, future in requests:
            future.cancel()

    # For the simulation ----------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Tell whether it is to end."""
        return self._ended

    @property
    def interrupted(self) -> bool:
        """Tell whether it is to end, or something is to be done."""
        return self._ended or bool(self._requests)

    def wait_for_request(self, timeout_s: float) -> None:
        """Return once something is to be done, or it is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self.interrupted, timeout=timeout_s)

    def do_requests(self) -> None:
        """Do what was asked for; what a request raises is told to who asked."""
        if not self._requests:
            return
        with self._changed:
            requests, self._requests = self._requests, []
        for do, future in requests:
            try:
                result = do()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

    def wait_for_answer(self, stamp_ns: int, timeout_s: float) -> EffortCommand | None:
        """Return the command that answers the state of that stamp; None: none, or interrupted."""

        def answer() -> EffortCommand | None:
            command = self._command
            return command if command is not None and command.stamp_ns == stamp_ns else None

        with self._changed:
            self._changed.wait_for(
                lambda: answer() is not None or self.interrupted, timeout=timeout_s
            )
            return None if self.interrupted else answer()

    def forget_command(self) -> None:
        """Drop a command that was for the time before."""
        with self._changed:
            self._command = None
