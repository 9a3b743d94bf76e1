# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A move with its attempts: from phase to phase, and what to do about trouble."""

from __future__ import annotations

from ebm_concept_ros.grasping.phases import Phases
from ebm_concept_ros.grasping.stages import HOLDING, Phase, Stage, Target
from ebm_concept_ros.grasping.view import View
from ebm_concept_ros.grasping.watch import Kind, Trouble, Watch

MOST_RETRIES = 3
_EMPTY_HAND = (Kind.MISSED, Kind.DROPPED)
_HOPELESS = (Kind.TAKEN, Kind.TOO_LONG, Kind.FELL)
_LOST_GRIP = (Kind.MISSED, Kind.DROPPED, Kind.SLIPPED)


class Attempts:
    """The state of one move: `stage` is what is being done, `reason` why it fails, if it does.

    A block that cannot be put down where it was to is taken back to where it was. Where that fails
    too, the hand holds it.
    """

    def __init__(self, phases: Phases, watch: Watch, first: Stage) -> None:
        """first: of the phases, what the first attempt begins with."""
        self._phases, self._watch = phases, watch
        self.stage = first
        self.is_over = False
        self.reason = ''
        self._tries_again = False  # as soon as the hand is empty and up
        self.slips = self.retries = 0
        self.troubles: list[str] = []

    @property
    def holds(self) -> bool:
        """Tell whether the block is, or was, in the hand, which has not let it go."""
        return self.stage.phase in HOLDING

    @property
    def grips(self) -> bool:
        """Tell whether fingers press on the block."""
        return self.stage.phase in (Phase.CLOSE, *HOLDING, Phase.RELEASE)

    def go_on(self, view: View, break_s: float) -> None:
        """Go on after so long a time in which the hand was held."""
        self.stage = self.stage.after_a_break(view, break_s)

    def advance(self, view: View) -> None:
        """Go on to the next phase, or do something about trouble, where it is time."""
        if trouble := self._watch.trouble(self.stage, self._phases, view):
            self._react(trouble, view)
        elif self._phases.is_over(self.stage, view):
            self._go_on(view)

    def _go_on(self, view: View) -> None:
        if self.stage.phase is Phase.CLOSE and (missed := self._watch.missed(self._phases, view)):
            self._react(missed, view)
        elif following := self._phases.after(self.stage, view):
            self.stage = following
        elif self.reason:
            self.is_over = True
        elif self._tries_again:
            self._tries_again = False
            self.stage = self._phases.above(view)
        elif wrong := self._watch.misplaced(self._phases, view):
            self._react(wrong, view)
        else:
            self.is_over = True

    def _react(self, trouble: Trouble, view: View) -> None:
        slipped = trouble.kind is Kind.SLIPPED
        if slipped:
            self._phases.take_as_held(view)  # so that the next slip is another one
        if self._tries_again and trouble.kind in _LOST_GRIP:  # it is being put down already
            if not slipped:
                self.stage = self._phases.open_up(self.stage, view)
            return
        self.troubles.append(trouble.reason)
        self.slips += trouble.kind in _LOST_GRIP
        if slipped and not self._free_place_below(view):
            return  # it cannot be put down here: on, with what still holds it; LOWER aims anew
        holds = self.holds and trouble.kind not in _EMPTY_HAND
        if self.reason:  # on the way back, which is tried once
            self._let_go(holds, view)
        elif trouble.kind in _HOPELESS:
            self.reason = trouble.reason
            if holds:
                self._take_back(view)
            else:
                self._let_go(holds, view)
        elif self.retries == MOST_RETRIES:
            self.reason = f'tried {MOST_RETRIES + 1} times: {trouble.reason}'
            self._let_go(holds, view)
        else:
            self.retries += 1
            self._try_again(trouble, holds, view)

    def _try_again(self, trouble: Trouble, holds: bool, view: View) -> None:
        if holds:
            self._tries_again = True
            self.stage = self._phases.lower(self.stage, view, self._free_place_below(view))
        elif trouble.kind in _EMPTY_HAND or self.stage.phase in (Phase.DOWN, Phase.CLOSE):
            self._tries_again = True
            self.stage = self._phases.open_up(self.stage, view)
        else:
            self.stage = self._phases.above(view)

    def _take_back(self, view: View) -> None:
        origin = self._phases.aimed_at
        back = Target(tuple(origin.position_m[:2].tolist()), origin.yaw_rad)
        if taken := self._watch.taken(back, view):
            self._hold_it(taken.reason)
        else:
            self._phases.target = back
            self.stage = self._phases.lift(view)

    def _let_go(self, holds: bool, view: View) -> None:
        """Leave the block where it is, on the table; or the hand keeps it."""
        phase = self.stage.phase
        if holds and phase is Phase.LOWER:
            self.stage = self._phases.release(self.stage, view)
        elif holds and (here := self._free_place_below(view)):
            self.stage = self._phases.lower(self.stage, view, here)
        elif holds:
            self._hold_it(self.troubles[-1])
        elif phase in (Phase.OPEN, Phase.RETREAT):
            self.is_over = True
        else:
            self.stage = self._phases.open_up(self.stage, view)

    def _hold_it(self, why: str) -> None:
        self.reason = f'{self.reason}; {why}: the hand holds it'
        self.is_over = True

    def _free_place_below(self, view: View) -> Target | None:
        here = view.blocks[self._phases.block.id]
        place = Target(tuple(here.position_m[:2].tolist()), here.yaw_rad)
        return None if self._watch.taken(place, view) else place
