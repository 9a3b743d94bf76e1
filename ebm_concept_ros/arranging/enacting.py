# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A plan carried out, with an eye on what came of each move: what failed is planned anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ebm_concept_ros.arranging.arranger import Arranger, Plan
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.arranging.refusals import CannotArrange

MOST_FAILURES = 3


class Result(Protocol):
    """What is asked of the outcome of a move: whether it succeeded, and if not, why."""

    @property
    def success(self) -> bool: ...

    @property
    def reason(self) -> str: ...


class Mover(Protocol):
    """Who carries things: an arm, or whatever stands in for one."""

    @property
    def hand_yaw_rad(self) -> float:
        """Return the yaw of the hand's closing axis now."""

    def standing(self) -> Sequence[Standing]:
        """Return what stands where now."""

    def move(self, move: Move) -> Result:
        """Carry something, and return when it stands, or cannot be moved."""


@dataclass(frozen=True)
class Enacted:
    """What came of a plan. reason: why it was given up, or empty. moves: all that were tried."""

    reason: str
    moves: tuple[Move, ...]
    results: tuple[Result, ...]

    @property
    def success(self) -> bool:
        """Tell whether everything stands where it was to stand."""
        return not self.reason


def enact(arranger: Arranger, plan: Plan, mover: Mover) -> Enacted:
    """Carry a plan out; after each move, what is left to do is planned from how things stand.

    It is given up after MOST_FAILURES failed moves, or where nothing can be done any more.
    """
    moves: list[Move] = []
    results: list[Result] = []
    failures, reason = 0, ''
    # As many as the plan has, what is set aside and what fails.
    most = 2 * len(plan.moves) + MOST_FAILURES
    while True:
        try:
            left = arranger.again(plan, mover.standing(), mover.hand_yaw_rad).moves
        except CannotArrange as error:
            reason = str(error)
            break
        if not left:
            break
        if failures >= MOST_FAILURES or len(moves) >= most:
            reason = results[-1].reason or f'{len(moves)} moves, and not everything in its place'
            break
        moves.append(left[0])
        results.append(mover.move(left[0]))
        failures += not results[-1].success
    return Enacted(reason, tuple(moves), tuple(results))
