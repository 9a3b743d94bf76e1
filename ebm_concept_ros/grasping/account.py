# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an arm that arranges does, told at every change, and what its task has come to so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.grasping.mover import Refused
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.tasks import Code, Interrupted, Progress, Result, Stopwatch


class Account:
    """changed: told what the arm does. `progress` is for any thread, all else for the arm's."""

    def __init__(self, changed: Callable[[Progress], None]) -> None:
        self.progress = Progress()
        self.watch = Stopwatch()
        self.moved: list[str] = []
        self.troubles: list[str] = []
        self._changed = changed
        self._before_waiting: Progress | None = None

    def begin(self) -> None:
        """Begin with another task."""
        self.watch, self.moved, self.troubles = Stopwatch(), [], []

    def say(self, progress: Progress) -> None:
        """Say what the arm does."""
        self._before_waiting = None
        self._tell(progress)

    def wait_for(self, missing: str) -> None:
        """Say what the arm waits for; with nothing, what it did before it waited."""
        if missing:
            self._before_waiting = before = self._before_waiting or self.progress
            self._tell(replace(before, mode=Mode.WAITING, reason=f'waits for {missing}'))
        elif self._before_waiting is not None:
            self.say(self._before_waiting)

    def pass_time(self, time_s: float, counts: bool, timeout_s: float) -> None:
        """Take the time; raises Interrupted where that is more than the task was given.

        counts: whether what has passed since the last time does.
        """
        self.watch.read(time_s, counts)
        if self.watch.elapsed_s > timeout_s:
            late = f'not within {timeout_s:g} s: {self.progress.reason}'
            raise Interrupted(Code.TIMED_OUT, late)

    def note(self, entity: str, outcome: Outcome | Refused) -> None:
        """Take what came of a move."""
        self.troubles += getattr(outcome, 'troubles', ())
        if outcome.success:
            self.moved.append(entity)
        elif outcome.reason not in self.troubles[-1:]:
            self.troubles.append(outcome.reason)

    def result(self, code: Code, message: str) -> Result:
        """Return how the task ended."""
        noted = tuple(self.moved), tuple(self.troubles)
        return Result(code, message, *noted, self.watch.elapsed_s)

    def _tell(self, progress: Progress) -> None:
        if progress != self.progress:
            self.progress = progress
            self._changed(progress)
