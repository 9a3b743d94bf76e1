# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is enacted: a goal that ends, or a concept that somebody asked to be followed; and holds.

A pause lasts until it is resumed. Every other hold lasts until something else is to be enacted; the
one after a contact ends with either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.enactment import Code, Enactment, Observation, Result
from ebm_concept_ros.control.measured import Measured
from ebm_concept_ros.control.target import same_codes
from ebm_concept_ros.control.targeting import Targeting
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.types import AnyConcept, Goal

PAUSED = 'paused'
_UNTIL = 'holds until another concept comes'
STOPPED = f'stopped: {_UNTIL}'
# After one of these the arm does not go on with what it did.
_HOLDS_AFTER = {
    Code.REFUSED: 'refused',
    Code.TIMED_OUT: 'timed out',
    Code.CANCELLED: 'cancelled',
}


def goal_clock(controller: TrackingController, lockstep: bool) -> Callable[[], float]:
    """Return the clock that goals go by, s: in lockstep the joint states', NaN before one."""
    if not lockstep:
        return time.monotonic

    def stamp_s() -> float:
        state = controller.state
        return math.nan if state is None else state.stamp_s

    return stamp_s


class Enactor:
    """Enacts one thing at a time; all is called by one thread. clock_s: as goals count time."""

    def __init__(
        self, controller: TrackingController, targeting: Targeting, clock_s: Callable[[], float]
    ) -> None:
        self._controller = controller
        self._targeting = targeting
        self._clock_s = clock_s
        self._active: Enactment | None = None
        self._ended: Callable[[Result], None] = lambda result: None

    @property
    def active(self) -> Enactment | None:
        """The goal that has not ended yet, or None."""
        return self._active

    @property
    def is_paused(self) -> bool:
        """Tell whether it holds until somebody resumes."""
        return self._controller.held == PAUSED

    def follow(self, concept: AnyConcept) -> None:
        """Enact a concept from now on, in place of whatever was enacted.

        What a goal enacts already, it goes on to enact: what was taught may come on the topic after
        the goal that asks for it.
        """
        if self._active is not None and _is_same(self._active.concept, concept):
            return
        self._end(Code.PREEMPTED, f'{concept.name} came on the topic concept')
        self._take(concept)

    def begin(self, concept: AnyConcept, goal: Goal, ended: Callable[[Result], None]) -> Enactment:
        """Enact a concept until the goal's end, in place of whatever was enacted.

        ended: told the result, once.
        """
        self._end(Code.PREEMPTED, f'another goal, {concept.name}, took its place')
        self._active, self._ended = Enactment(concept, goal), ended
        self._take(concept)
        return self._active

    def observe(self, decision: Decision, known: Measured) -> None:
        """Take what is known now; the goal may end by it."""
        active = self._active
        if active is None:
            return
        if contact := self._controller.contact:
            self._end(Code.STRUCK, contact.reason)
            return
        seen = Observation(
            self._clock_s(),
            decision.mode,
            decision.reason,
            known,
            self._targeting.why_rejected(active.concept),
            self.is_paused,
        )
        if result := active.observe(seen):
            self._end(result.code, result.message)

    def cancel(self) -> None:
        """End the goal that is active, and hold."""
        self._end(Code.CANCELLED, 'cancelled')

    def pause(self) -> str:
        """Hold until `resume`; return why it holds."""
        if not self._controller.held:
            self._controller.hold(PAUSED)
        return self._controller.held

    def resume(self) -> tuple[bool, str]:
        """End a pause, or the hold after a contact; return whether, and why not."""
        if not self.is_paused and self._controller.contact is None:
            return False, self._controller.held or 'it is not paused'
        self._controller.go_on()
        return True, 'goes on from the measured state'

    def stop(self, reason: str = STOPPED) -> str:
        """Hold until another concept comes that was sent afterwards; a goal ends by it."""
        self._controller.hold(reason)
        self._end(Code.STOPPED, reason)
        return reason

    def give_up(self, reason: str) -> None:
        """End the goal that is active; nothing is done about the arm."""
        self._end(Code.STOPPED, reason)

    def _take(self, concept: AnyConcept) -> None:
        if self._controller.held and not self.is_paused:
            self._controller.await_target_of(concept)
        self._targeting.set_concept(concept)

    def _end(self, code: Code, message: str) -> None:
        active, self._active = self._active, None
        if active is None:
            return
        result = active.end(code, message)
        if result.code in _HOLDS_AFTER:
            self._controller.hold(f'{_HOLDS_AFTER[result.code]}: {_UNTIL}')
        self._ended(result)


def _is_same(one: AnyConcept, other: AnyConcept) -> bool:
    """Tell whether two concepts have a name, and are sums of the same codes."""
    return (one.name, one.weights) == (other.name, other.weights) and all(
        same_codes(a, b) for a, b in zip(one.terms, other.terms, strict=True)
    )
