# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A move with its attempts: from phase to phase, and what to do about trouble."""

from __future__ import annotations

from ebm_concept_ros.grasping.phases import Phase, Phases, Stage, Target
from ebm_concept_ros.grasping.view import View
from ebm_concept_ros.grasping.watch import Kind, Trouble, Watch

MOST_RETRIES = 3
_EMPTY_HAND = (Kind.MISSED, Kind.DROPPED)
_LOST_GRIP = (Kind.MISSED, Kind.DROPPED, Kind.SLIPPED)


class Attempts:
    """The state of one move: `stage` is what is being done, `reason` why it fails, if it does.

    A block that cannot be put down where it was to is taken back to where it was. Where that fails
    too, the hand holds it.
    """

    def __init__(self, phases: Phases, watch: Watch, view: View) -> None:
        """Begin the first attempt."""
        self._phases, self._watch = phases, watch
        self.stage: Stage = phases.above(view)
        self.is_over = False
        self.reason = ''
        self._tries_again = False  # as soon as the hand is empty and up
        self.slips = self.retries = 0
        self.troubles: list[str] = []

    def advance(self, view: View) -> None:
        """Go on to the next phase, or do something about trouble, where it is time."""
        if trouble := self._watch.trouble(self.stage, self._phases, view):
            self._react(trouble, view)
        elif self.stage.has_arrived(view):
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
        self.troubles.append(trouble.reason)
        self.slips += trouble.kind in _LOST_GRIP
        phase = self.stage.phase
        holds = phase in (Phase.LIFT, Phase.CARRY, Phase.LOWER) and trouble.kind not in _EMPTY_HAND
        if trouble.kind in (Kind.TAKEN, Kind.TOO_LONG, Kind.FELL):
            self._give_up(trouble.reason, holds, view)
        elif self.reason:
            # On the way back: it is tried once.
            self._end_here(holds, view)
        elif self.retries == MOST_RETRIES:
            self._give_up(f'tried {MOST_RETRIES + 1} times: {trouble.reason}', holds, view)
        else:
            self.retries += 1
            self._try_again(trouble, holds, view)

    def _try_again(self, trouble: Trouble, holds: bool, view: View) -> None:
        self._tries_again = True
        if holds:
            here = view.blocks[self._phases.block.id]
            place = Target(tuple(here.position_m[:2].tolist()), here.yaw_rad)
            if self._watch.taken(place, view):
                # It cannot be put down here: on, with what still holds it.
                self._tries_again = False
                self.stage = self._phases.carry(self.stage, view)
            else:
                self.stage = self._phases.lower(self.stage, view, place)
        elif trouble.kind in _EMPTY_HAND or self.stage.phase is Phase.DOWN:
            self.stage = self._phases.open_up(self.stage, view)
        else:
            self._tries_again = False
            self.stage = self._phases.above(view)

    def _give_up(self, reason: str, holds: bool, view: View) -> None:
        if self.reason:  # that of before is why; this is the way back
            self._end_here(holds, view)
            return
        self.reason = reason
        if not holds:
            self.stage = self._phases.open_up(self.stage, view)
            return
        origin = self._phases.aimed_at
        back = Target(tuple(origin.position_m[:2].tolist()), origin.yaw_rad)
        if taken := self._watch.taken(back, view):
            self.reason = f'{reason}; {taken.reason}: the hand holds it'
            self.is_over = True
            return
        self._phases.target = back
        self.stage = self._phases.carry(self.stage, view)

    def _end_here(self, holds: bool, view: View) -> None:
        if holds:
            self.reason += f'; {self.troubles[-1]}: the hand holds it'
            self.is_over = True
        elif self.stage.phase in (Phase.OPEN, Phase.RETREAT):
            self.is_over = True
        else:
            self.stage = self._phases.open_up(self.stage, view)
