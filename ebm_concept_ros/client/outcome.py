# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How what an arm was asked for ended, or how far it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ebm_concept_ros.action import ArrangeConcept, EnactConcept

Feedback = EnactConcept.Feedback | ArrangeConcept.Feedback
Result = EnactConcept.Result | ArrangeConcept.Result

_NOT_YET = 0


@dataclass(frozen=True)
class Outcome:
    """How what was asked for ended, or that it has not.

    reached: whether it is as it was to be. code: one of EnactConcept.Result, or of an arrangement
    of ArrangeConcept.Result; 0 where it has not ended yet. distance_m: to where the energy is as
    low as anywhere, NaN where it is not known. moved, troubles: of an arrangement, ids of what was
    put elsewhere, in order, and what was noticed meanwhile, in words.
    """

    reached: bool
    code: int
    reason: str
    distance_m: float = math.nan
    moved: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


def outcome_of(result: Result) -> Outcome:
    """Return what a result of either action says."""
    if isinstance(result, EnactConcept.Result):
        reached = result.code == result.REACHED
        return Outcome(reached, result.code, result.message, result.distance_m)
    noticed = {'moved': tuple(result.moved), 'troubles': tuple(result.troubles)}
    return Outcome(result.code == result.ARRANGED, result.code, result.message, **noticed)


def not_yet(timeout_s: float, last: Feedback | None) -> Outcome:
    """Return what there is where it has not ended within timeout_s, s; last: what was heard."""
    reason = 'nothing was heard' if last is None else last.reason
    distance_m = getattr(last, 'distance_m', math.nan)
    return Outcome(False, _NOT_YET, f'not within {timeout_s:g} s: {reason}', distance_m)
