# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller's own threads: targeting, planning and control, or in lockstep one for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.priority import prioritise, relax
from ebm_concept_ros.control.targeting import Targeting
from ebm_concept_ros.control.timing import Timing
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.types import JointSample

_JOIN_TIMEOUT_S = 5.0
_IDLE_S = 0.1


class Schedule(Protocol):
    """How often the threads run, and how; the controller's parameters of these names.

    control_rate, plan_rate: Hz. control_priority: of SCHED_FIFO, 0 for none. record_limit_s: of
    real time, whose timing is kept. lockstep: one thread answers every joint state, and plans anew
    every lockstep_plan_ticks of them.
    """

    control_rate: float
    plan_rate: float
    control_priority: int
    record_limit_s: float
    lockstep: bool
    lockstep_plan_ticks: int


class ControlThreads:
    """Started once, and stopped once; then no decision is acted on any more.

    listen: has the controller take what joint states have come, in the control thread of real time,
    before each decision. act: takes each decision, in the control thread. failed: takes the name of
    a thread that an error ended, and the error; all of them end then. scheduled: takes how the
    system runs the control thread. timing: of torques and plans, in real time.
    """

    def __init__(
        self,
        schedule: Schedule,
        controller: TrackingController,
        targeting: Targeting,
        listen: Callable[[], None],
        act: Callable[[Decision], None],
        failed: Callable[[str, Exception], None],
        scheduled: Callable[[str], None],
    ) -> None:
        self.missed_deadlines = 0
        self.timing = Timing(round(schedule.record_limit_s * schedule.control_rate))
        self._schedule = schedule
        self._period_s, self._begin_s = 1.0 / schedule.control_rate, 0.0
        self._controller = controller
        self._targeting = targeting
        self._listen = listen
        self._act = act
        self._failed = failed
        self._scheduled = scheduled
        self._stop = threading.Event()
        self._acting = threading.Lock()  # after a failure no decision has the last word
        self._input = threading.Condition()  # guards _unanswered
        self._unanswered: JointSample | None = None
        loops = (
            {'lockstep': self._lockstep}
            if schedule.lockstep
            else {'targeting': self._target, 'planning': self._plan, 'control': self._control}
        )
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=name, daemon=True)
            for name, loop in loops.items()
        ]

    def start(self) -> None:
        """Start all of them."""
        self._begin_s = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Return once they have ended; False: one of them has not, within a few seconds."""
        self._stop.set()
        with self._input:
            self._input.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT_S)
        return not any(thread.is_alive() for thread in self._threads)

    def answer(self, sample: JointSample) -> None:
        """In lockstep: have this joint state answered by one decision."""
        if not self._schedule.lockstep:
            return
        with self._input:
            self._unanswered = sample
            self._input.notify_all()

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception as error:  # no torque comes from an unknown state; the simulator holds
            with self._acting:
                self._stop.set()
                self._failed(threading.current_thread().name, error)

    def _do(self, decision: Decision) -> None:
        with self._acting:
            if not self._stop.is_set():
                self._act(decision)

    def _control(self) -> None:
        if priority := self._schedule.control_priority:
            self._scheduled(prioritise(priority, with_others=True))
        try:
            self._control_loop()
        finally:
            if priority:
                relax()

    def _control_loop(self) -> None:
        pacer = Pacer(self._period_s, self._begin_s)
        while not self._stop.is_set():
            due_s = pacer.wait()
            self.missed_deadlines = pacer.missed
            self._listen()
            decision = self._controller.decide(time.monotonic())
            self._do(decision)
            if decision.effort_nm is not None:
                self.timing.torque(due_s, time.monotonic())

    def _plan(self) -> None:
        # Between two torques, where plan_rate divides control_rate: a plan that begins with one
        # would have it wait for the interpreter, and begin at the state before.
        pacer = Pacer(1.0 / self._schedule.plan_rate, self._begin_s + 0.5 * self._period_s)
        planned_from = None
        while not self._stop.is_set():
            pacer.wait()
            state = self._controller.state
            if state is not planned_from:
                planned_from = state
                began_s = time.monotonic()
                if self._controller.replan():
                    self.timing.plan(began_s, time.monotonic())

    def _target(self) -> None:
        while not self._stop.is_set():
            self._targeting.wait(_IDLE_S)
            self._targeting.update()

    def _lockstep(self) -> None:
        answered: Decision | None = None
        ticks = 0
        while not self._stop.is_set():
            with self._input:
                self._input.wait_for(
                    lambda: self._stop.is_set() or self._unanswered is not None, timeout=_IDLE_S
                )
                sample, self._unanswered = self._unanswered, None
            if sample is None or self._stop.is_set():
                continue
            if answered is not None and answered.stamp_ns == sample.stamp_ns:
                self._do(answered)  # the state was sent again: so is its answer
                continue
            self._targeting.update()
            if ticks % self._schedule.lockstep_plan_ticks == 0 or self._controller.plan is None:
                self._controller.replan()
            decision = self._controller.decide(time.monotonic())
            self._do(decision)
            # Without a torque the state stays unanswered, and the simulator sends it again: time
            # begins when scene and concept are there.
            if decision.effort_nm is not None:
                answered = decision
                ticks += 1
