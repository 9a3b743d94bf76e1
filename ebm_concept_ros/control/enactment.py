# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One goal: the effector is to stay where the energy is lowest; whether it does; how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.measured import Measured
from ebm_concept_ros.types import AnyConcept, Goal


class Code(IntEnum):
    """How an enactment ended; values as in EnactConcept.action."""

    REACHED = 1
    INVALID_GOAL = 2
    UNKNOWN_CONCEPT = 3
    NO_LEARNER = 4
    NOT_UNDERSTOOD = 5
    REFUSED = 6
    BUSY = 7
    TIMED_OUT = 8
    CANCELLED = 9
    PREEMPTED = 10
    STOPPED = 11
    STRUCK = 12


@dataclass(frozen=True)
class Result:
    """How an enactment ended, in words too.

    distance_m: to where the energy is as low as anywhere in the end, NaN where not known.
    duration_s: from its beginning, pauses left out.
    """

    code: Code
    message: str
    distance_m: float = math.nan
    duration_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Observation:
    """What is known of the controller at one instant.

    time_s: on the controller's clock, NaN before there is a state. refusal: why no target could be
    made of the goal's concept, or empty. is_paused: whether it holds until somebody resumes.
    """

    time_s: float
    mode: Mode
    reason: str
    measured: Measured
    refusal: str = ''
    is_paused: bool = False


class Enactment:
    """Watches one concept from its beginning to its end."""

    def __init__(self, concept: AnyConcept, goal: Goal) -> None:
        self.concept = concept
        self.result: Result | None = None
        self._goal = goal
        self._last_s = math.nan
        self._duration_s = 0.0
        self._within_s: float | None = None  # for how long, None: it is not
        self._distance_m = math.nan

    @property
    def distance_m(self) -> float:
        """To where the energy is as low as anywhere when last observed, NaN where not known."""
        return self._distance_m

    @property
    def is_satisfied(self) -> bool:
        """Tell whether the effector was within the tolerance when last observed."""
        return self._distance_m <= self._goal.tolerance_m

    def observe(self, seen: Observation) -> Result | None:
        """Take what is known now; return the result once there is one."""
        if self.result is not None:
            return self.result
        passed_s = seen.time_s - self._last_s
        step_s = passed_s if passed_s > 0.0 else 0.0  # not a number: this is the first time
        began_anew = seen.time_s < self._last_s
        self._last_s = seen.time_s
        if not seen.is_paused:
            self._duration_s += step_s
        is_mine = seen.measured.concept is self.concept
        self._distance_m = seen.measured.distance_m if is_mine else math.nan
        if seen.mode is not Mode.TRACKING or not self.is_satisfied or began_anew:
            self._within_s = None
        else:
            self._within_s = 0.0 if self._within_s is None else self._within_s + step_s
        if seen.refusal:
            return self.end(Code.REFUSED, seen.refusal)
        if self._within_s is not None and self._within_s >= self._goal.hold_time_s:
            return self.end(Code.REACHED, f'{self.concept.name}: reached')
        if self._duration_s > self._goal.timeout_s:
            return self.end(Code.TIMED_OUT, f'not within {self._goal.timeout_s:g} s: {seen.reason}')
        return None

    def end(self, code: Code, message: str) -> Result:
        """End it; return the result, which is the first one that there was."""
        if self.result is None:
            self.result = Result(code, message, self._distance_m, self._duration_s)
        return self.result
