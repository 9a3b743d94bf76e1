# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm that arranges things: one task after the other, in a thread of its own; it holds between.

Whatever ends a task, the arm holds afterwards, and fingers that grip go on to grip. The next task
puts down first what is in the hand.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from ebm_concept_ros.arranging.arranger import Arranger, Plan
from ebm_concept_ros.arranging.enacting import Enacted, enact
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.arranging.sums import AnyTaught, composed
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.grasping.account import Account
from ebm_concept_ros.grasping.contact import ContactWatch
from ebm_concept_ros.grasping.mover import BlockMover, Refused
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.sensed import SensedWorld
from ebm_concept_ros.grasping.stages import Stage
from ebm_concept_ros.grasping.tasks import (
    Code,
    Ended,
    Interrupted,
    Progress,
    Result,
    Task,
    ending_of,
)
from ebm_concept_ros.grasping.world import WorldChanged
from ebm_concept_ros.planning.planner import PlanningFailed
from ebm_concept_ros.planning.policy import InvalidState

PAUSED = 'paused'
_BLIND_S, _IDLE_S = 0.3, 0.1
T = TypeVar('T')


class ArrangingArm:
    """`run` by a thread of its own; what it is asked for, by others."""

    def __init__(
        self,
        world: SensedWorld,
        arranger: Arranger,
        in_lockstep: bool,
        changed: Callable[[Progress], None],
        missing: Callable[[], str] = lambda: '',
        contact: ContactWatch | None = None,
    ) -> None:
        """in_lockstep: time stands still while it thinks. changed: told what the arm does.

        missing: returns what the world has not got yet, in words. contact: None: is not watched.
        """
        self._account = Account(changed)
        self._say = self._account.say
        self._world, self._arranger = world, arranger
        self._in_lockstep, self._missing, self._contact = in_lockstep, missing, contact
        self._mover = BlockMover(world, self._after_step)
        self._thinking = ThreadPoolExecutor(1, 'thinking')
        self._lock = threading.Condition()  # guards all below
        self._next: Task | None = None
        self._active: Task | None = None
        self._interruption: tuple[Code, str] | None = None
        self._paused = self._ended = False
        self._failure = self._holds_why = ''  # why nothing can be done any more; why it holds

    # For others ------------------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """Return what it does, and why."""
        return self._account.progress

    def begin(self, task: Task) -> None:
        """Do this, in place of whatever was to be done."""
        self.interrupt(Code.PREEMPTED, f'another goal, {task.concept}, took its place')
        with self._lock:
            failure = self._failure
            self._next = None if failure else task
            self._lock.notify_all()
        if failure:
            task.ended(Result(Code.STOPPED, failure))

    def interrupt(self, code: Code, message: str) -> None:
        """End what is to be done, or is being done; the arm holds."""
        with self._lock:
            waiting, self._next = self._next, None
            if self._active is not None:
                self._interruption = code, message
        if waiting is not None:
            waiting.ended(Result(code, message))

    def pause(self) -> str:
        """Hold until `resume`; return why it holds."""
        self._paused = True
        return PAUSED

    def resume(self) -> tuple[bool, str]:
        """End a pause; return whether, and why not."""
        if not self._paused:
            return False, 'it is not paused'
        self._paused = False
        return True, 'goes on from where the hand is'

    def end(self) -> None:
        """Have `run` return; whoever exchanges has to raise Ended."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()

    # The arm's thread ------------------------------------------------------------------------

    def run(self) -> None:
        """Do what is asked for, until the end."""
        with suppress(Ended):
            while not self._ended:
                try:
                    self._world.catch_up(anew=self.progress.mode is Mode.FAULT)
                    with self._lock:
                        task = self._active = self._next
                        self._next = self._interruption = None
                    if task is not None:
                        self._do(task)
                    elif self._holds_why:
                        self._hold_until_next()
                    else:
                        self._wait()
                except (PlanningFailed, InvalidState) as error:
                    # Nothing is commanded: whatever holds an arm that nobody commands does.
                    self._say(replace(self.progress, mode=Mode.FAULT, reason=str(error)))
                    self._wait()
                except Ended:
                    raise
                except Exception as error:  # nothing is commanded from an unknown state
                    self._fail(name_and_reason(error))
                    return

    def _hold_until_next(self) -> None:
        steps = itertools.count()

        def is_held() -> bool:
            if next(steps):  # it does, also where that had failed before
                self._say(Progress(Mode.HOLDING, self._holds_why, self.progress.concept))
            return not (self._next or self._ended)

        self._hold_while(is_held)

    def _fail(self, reason: str) -> None:
        self._say(replace(self.progress, mode=Mode.FAULT, reason=reason))
        with self._lock:
            self._failure = reason
        self.interrupt(Code.STOPPED, reason)

    def _wait(self) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self._ended or self._next, timeout=_IDLE_S)

    def _do(self, task: Task) -> None:
        self._account.begin()
        self._say(Progress(Mode.HOLDING, f'{task.concept}: thinks', task.concept))
        try:
            code, message = self._carried_out(task)
        except Exception as error:  # whoever asked is told; the arm holds
            code, message = ending_of(error)
        self._end(task, code, message)

    def _end(self, task: Task, code: Code, message: str) -> None:
        if self._holds_why:
            held = self._mover.arm.in_the_hand
            self._holds_why = f'{message}; holds' + (f' {held!r}' if held else '')
            self._say(Progress(Mode.HOLDING, self._holds_why, task.concept))
        else:  # nothing was commanded, and nothing will be until the next task
            self._say(Progress(Mode.WAITING, message, task.concept))
        with self._lock:
            self._active = self._interruption = None
        task.ended(self._account.result(code, message))

    def _carried_out(self, task: Task) -> tuple[Code, str]:
        if not self._holds_why:
            while missing := self._missing():
                self._say(replace(self.progress, mode=Mode.WAITING, reason=f'no {missing} yet'))
                self.raise_interruption()
                self._wait()
            self._world.look()
            self._mover.arm.take_over()
            self._holds_why = 'thinks'
        self._put_down()
        concept = self._meanwhile(lambda: self._taught(task))
        scene, standing, yaw_rad = self._world.scene, self.standing(), self.hand_yaw_rad
        plan = self._meanwhile(
            lambda: self._arranger.plan(concept, scene, standing, hand_yaw_rad=yaw_rad)
        )
        self._say(self.progress.planned(plan))
        done: Enacted = enact(self, plan, self)
        if not done.success:
            return Code.FAILED, done.reason
        moved = len(self._account.moved)
        what = f'arranged, {moved} moved' if moved else 'holds already'
        return Code.ARRANGED, f'{task.concept}: {what}'

    def _taught(self, task: Task) -> AnyTaught:
        model = self._arranger.model
        terms = [taught(model, term.concept, term.demonstrations) for term in task.terms]
        return composed(task.concept, terms, [term.weight for term in task.terms])

    def _put_down(self) -> None:
        if held := self._mover.arm.in_the_hand:
            self._say(replace(self.progress, reason=f'puts {held!r} down', entity=held))
            outcome = self._mover.put_down()
            if self._mover.arm.in_the_hand:
                raise Interrupted(Code.REFUSED, f'{held!r} is in the hand: {outcome.reason}')

    # What `enact` asks of who plans, and of who moves.

    def again(self, plan: Plan, standing: Sequence[Standing], hand_yaw_rad: float = 0.0) -> Plan:
        """Return what is left to do; meanwhile the arm holds."""
        return self._meanwhile(lambda: self._arranger.again(plan, standing, hand_yaw_rad))

    @property
    def hand_yaw_rad(self) -> float:
        """Return the yaw of the hand's closing axis."""
        return self._mover.hand_yaw_rad

    def standing(self) -> list[Standing]:
        """Return what stands where."""
        return self._mover.standing()

    def move(self, move: Move) -> Outcome | Refused:
        """Carry a block; raises Interrupted."""
        self._say(self.progress.moving(move.entity))
        outcome = self._mover.move(move)
        self._account.note(move.entity, outcome)
        self._say(replace(self.progress, entity='', stage='', tries=0))
        return outcome

    # What happens between two torques.

    def _after_step(self, stage: Stage) -> None:
        if self._active is None:
            return
        if self._contact is not None and (reason := self._contact.after_step(self._world)):
            raise Interrupted(Code.STRUCK, reason)
        self._say(self.progress.at(stage, self._mover.arm.tries))
        self._tick()
        while why := self._why_held():
            self._say(self.progress.holding(f'{self.progress.concept}: {why}'))
            self._mover.arm.hold_while(lambda: self._tick() or self._why_held() != '')

    def _why_held(self) -> str:
        if self._paused:
            return PAUSED
        return 'nothing was seen for a while' if self._world.seen_age_s > _BLIND_S else ''

    def _tick(self) -> None:
        """Raise Interrupted where the task is to end."""
        self.raise_interruption()
        self._account.pass_time(self._world.time_s, not self._paused, self._active.timeout_s)

    def while_waiting(self, missing: str) -> None:
        """Say what the world waits for, nothing where that has come; raise Interrupted as below."""
        self._account.wait_for(missing)
        self.raise_interruption()

    def raise_interruption(self) -> None:
        """Raise Interrupted where the task is to end; for whoever waits for the world, too."""
        with self._lock:
            interruption, ended = self._interruption, self._ended
        if interruption is not None:
            raise Interrupted(*interruption)
        if ended:
            raise Ended

    def _meanwhile(self, think: Callable[[], T]) -> T:
        """Return what that returns; the arm holds, unless time stands still anyway."""
        if self._in_lockstep:
            return think()
        thought = self._thinking.submit(think)
        self._hold_while(lambda: self._tick() or not thought.done())
        return thought.result()

    def _hold_while(self, is_held: Callable[[], bool]) -> None:
        """Hold, whatever comes onto the table or leaves it, or where time begins anew."""
        while is_held():
            with suppress(WorldChanged):
                self._mover.arm.hold_while(is_held)
