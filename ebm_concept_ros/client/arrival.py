# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether the arm has arrived at what it enacts, from the statuses of the controller."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions import stamp_to_ns

_FOR_GOOD_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """How an enactment ended. distance_m: to the energy's minimum, NaN where it is not known."""

    reached: bool
    reason: str
    distance_m: float


class Arrival:
    """Watches one concept: whether the effector stays at the minimum, or the arm holds for good."""

    def __init__(self, concept: str, tolerance_m: float, hold_s: float) -> None:
        self.outcome: Outcome | None = None
        self._concept = concept
        self._tolerance_m = tolerance_m
        self._hold_s = hold_s
        self._within_since_ns: int | None = None
        self._over_since_ns: int | None = None
        self._distance_m = math.nan
        self._reason = 'nothing was heard of the controller'

    def update(self, status: ros.ControllerStatus) -> None:
        """Take a status, in order."""
        if self.outcome is not None:
            return
        now_ns = stamp_to_ns(status.header.stamp)
        self._reason = status.reason
        self._distance_m = self._distance_of(status)
        # Neither need be of what is awaited: its target takes a moment.
        is_over = status.state == status.FAULT or status.reason.startswith('stopped')
        self._over_since_ns = _since(self._over_since_ns, is_over, now_ns)
        if is_over and now_ns - self._over_since_ns >= _FOR_GOOD_S * 1e9:
            self.outcome = Outcome(False, status.reason, self._distance_m)
        within = status.state == status.TRACKING and self._distance_m <= self._tolerance_m
        self._within_since_ns = _since(self._within_since_ns, within, now_ns)
        if within and now_ns - self._within_since_ns >= self._hold_s * 1e9:
            self.outcome = Outcome(True, f'{self._concept}: reached', self._distance_m)

    def timed_out(self, timeout_s: float) -> Outcome:
        """Return what to say where it took too long."""
        return Outcome(False, f'not within {timeout_s:g} s: {self._reason}', self._distance_m)

    def _distance_of(self, status: ros.ControllerStatus) -> float:
        if status.concept != self._concept or math.isnan(status.energy):
            return math.nan
        effector, goal = status.effector_in_base, status.goal_in_base
        return math.hypot(effector.x - goal.x, effector.y - goal.y)


def _since(before_ns: int | None, holds: bool, now_ns: int) -> int | None:
    """Return since when something has held without a break; a clock that jumps back is one."""
    if not holds:
        return None
    return now_ns if before_ns is None or now_ns < before_ns else before_ns
