# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an arm is asked for that arranges things, how far it is, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from ebm_concept_ros.arranging.arranger import Plan
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.grasping.stages import Phase, Stage
from ebm_concept_ros.planning.planner import PlanningFailed
from ebm_concept_ros.planning.policy import InvalidState
from ebm_core.world.scene import Demonstration, InvalidInput

STAGES = {
    Phase.ABOVE: 'approach',
    Phase.DOWN: 'approach',
    Phase.CLOSE: 'grasp',
    Phase.LIFT: 'lift',
    Phase.CARRY: 'carry',
    Phase.LOWER: 'place',
    Phase.RELEASE: 'release',
    Phase.OPEN: 'release',
    Phase.RETREAT: 'retreat',
}


class Code(IntEnum):
    """How a task ended; values as in ArrangeConcept.action."""

    ARRANGED = 1
    INVALID_GOAL = 2
    UNKNOWN_CONCEPT = 3
    NO_LEARNER = 4
    NOT_UNDERSTOOD = 5
    REFUSED = 6
    FAILED = 7
    TIMED_OUT = 8
    CANCELLED = 9
    PREEMPTED = 10
    STOPPED = 11
    STRUCK = 12


@dataclass(frozen=True)
class Result:
    """How a task ended, in words too.

    moved: ids of what was put elsewhere, in order. troubles: all that was noticed. duration_s: from
    its beginning, pauses left out.
    """

    code: Code
    message: str
    moved: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    duration_s: float = 0.0


class Ended(Exception):
    """The arm is to do nothing any more; raised out of the world's exchange."""


class Interrupted(Exception):
    """A task that is to end now."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def ending_of(error: Exception) -> tuple[Code, str]:
    """Return how a task ends that raised this, and why, in words."""
    match error:
        case Interrupted():
            return error.code, str(error)
        case Ended():
            return Code.STOPPED, 'the arranger was deactivated'
        case CannotArrange(reason=Reason.NOT_UNDERSTOOD):
            return Code.NOT_UNDERSTOOD, str(error)
        case CannotArrange() | InvalidInput():
            return Code.REFUSED, str(error)
        case PlanningFailed() | InvalidState():
            return Code.FAILED, f'no plan: {error}'
    return Code.FAILED, name_and_reason(error)


class Term(NamedTuple):
    """One of the concepts to be brought about, and its weight among them."""

    concept: str
    demonstrations: tuple[Demonstration, ...]
    weight: float = 1.0


@dataclass(eq=False)
class Task:
    """Bring about what was demonstrated; of several concepts, their sum.

    concept: what that is called. timeout_s: of its duration, inf for never. ended: told the result,
    once, by the arm's thread or by whoever ends it before it has begun.
    """

    concept: str
    terms: tuple[Term, ...]
    timeout_s: float
    ended: Callable[[Result], None]


@dataclass(frozen=True)
class Progress:
    """What the arm does and why.

    entity: id of what is being moved, stage: see STAGES, both empty between moves. move: its
    number, of so many moves. tries: of this move. movers, references: ids.
    """

    mode: Mode = Mode.WAITING
    reason: str = 'no goal yet'
    concept: str = ''
    entity: str = ''
    stage: str = ''
    move: int = 0
    moves: int = 0
    tries: int = 0
    movers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def planned(self, plan: Plan) -> Progress:
        """Return it with what is planned."""
        return replace(self, moves=len(plan.moves), movers=plan.movers, references=plan.references)

    def moving(self, entity: str) -> Progress:
        """Return it at the beginning of the next move."""
        move = self.move + 1
        return replace(self, entity=entity, move=move, moves=max(move, self.moves))

    def at(self, stage: Stage, tries: int) -> Progress:
        """Return it in a stage of a move."""
        name = STAGES[stage.phase]
        which = f'move {self.move} of {self.moves}' if self.move else 'to put it down'
        reason = f'{self.concept}: {name} {self.entity}, {which}'
        if tries > 1:
            reason += f', try {tries}'
        return replace(self, mode=Mode.TRACKING, reason=reason, stage=name, tries=tries)

    def holding(self, reason: str) -> Progress:
        """Return it while the arm holds."""
        return replace(self, mode=Mode.HOLDING, reason=reason)


class Stopwatch:
    """Adds up the time of a clock that may begin anew, or stand still for whoever reads it."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._last_s = math.nan

    def read(self, time_s: float, counts: bool = True) -> None:
        """Take the time; counts: whether what has passed since the last one does."""
        passed_s = time_s - self._last_s
        if counts and passed_s > 0.0:  # not where it is the first, or time went back
            self.elapsed_s += passed_s
        self._last_s = time_s
