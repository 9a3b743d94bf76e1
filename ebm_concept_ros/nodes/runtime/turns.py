# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A thread that does what others ask of it, one thing after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from ebm_core.world.scene import InvalidInput

# How often who waits for an answer looks whether the thread ends.
_LOOK_S = 0.1
_JOIN_TIMEOUT_S = 10.0


class Turns:
    """Started once and ended once; what is not done by then is left undone.

    failed: told of the error where nobody waits for the job; the thread goes on.
    """

    def __init__(self, name: str, failed: Callable[[Exception], None]) -> None:
        self._name = name
        self._failed = failed
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin with what was asked for so far."""
        self._thread.start()

    def end(self) -> None:
        """Return once the job that it is at is done, or after some seconds."""
        self._ended.set()
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT_S)

    def later(self, job: Callable[[], None]) -> None:
        """Have it done after all that was asked for before."""
        self._jobs.put(job)

    def now(self, job: Callable[[], None]) -> None:
        """Have it done in its turn, and return then; raises what it raises.

        Raises InvalidInput where the thread ends before.
        """
        done: Future[None] = Future()

        def noted() -> None:
            try:
                job()
            except Exception as error:  # of whoever asked for it
                done.set_exception(error)
            else:
                done.set_result(None)

        self._jobs.put(noted)
        while True:
            try:
                return done.result(_LOOK_S)
            except TimeoutError:
                if self._ended.is_set():
                    raise InvalidInput(f'{self._name} is ending') from None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._ended.is_set():
            try:
                job()
            except Exception as error:  # the next one may do better
                self._failed(error)
