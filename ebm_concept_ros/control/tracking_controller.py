# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller without a node: from joint states and a target to a torque, whatever goes wrong.

Up to four threads use one TrackingController: the executor's (`hold`, `go_on`; in lockstep
`on_state`), the targeting thread (`assign`), the planning thread (`replan`) and the control thread
(`decide`; in real time `on_state`). They share immutable
snapshots only, each replaced by one assignment: the newest joint state, what is to be done (or why
nothing is), and the plan.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.contact_reflex import IGNORE, Contact, ContactReflex
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs, Decision, Mode
from ebm_concept_ros.control.journal import NO_JOURNAL, NOT_NOTED, Journal
from ebm_concept_ros.control.momentum_observer import Impulse, impulse_at
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.types import AnyConcept, JointSample

# A jump of the stamps by more than this, or backwards, is a clock that jumped, not a late message.
_MAX_STAMP_STEP_S = 0.5

T = TypeVar('T')


@dataclass(slots=True, eq=False)  # see Decision
class TimedState:
    """A joint state and when its stamp first arrived on this machine's monotonic clock, s.

    number: of its note in the journal. impulse: that the motors have exerted up to it, None
    where that is not reported.
    """

    sample: JointSample
    arrived_s: float
    number: int = NOT_NOTED
    impulse: Impulse | None = None

    @property
    def stamp_s(self) -> float:
        """Return the state's own time, s."""
        return self.sample.stamp_s


@dataclass(frozen=True, eq=False)
class Assignment:
    """What the controller is to do, or why there is nothing that it may do: one snapshot of all.

    missing: what there is not yet; fault: why nothing may be enacted; absent: who took part and is
    gone. All three are in words, or empty.
    """

    target: Target | None = None
    missing: str = ''
    fault: str = ''
    absent: str = ''


@dataclass(frozen=True, eq=False)
class _Numbered(Generic[T]):
    """A snapshot, or none, and the number of its note in the journal."""

    value: T | None = None
    number: int = NOT_NOTED


class TrackingController:
    """Plans towards the target, tracks the plan, and holds when either is not to be trusted."""

    def __init__(
        self,
        arm: ArmConfig,
        planner: Planner,
        max_state_age_s: float,
        predict: bool,
        period_s: float,
        on_contact: str = IGNORE,
    ) -> None:
        """predict: a state ages by the wall clock (real time); False: time stands still.

        period_s: from one decision to the next. on_contact: HOLD, RETREAT or IGNORE where
        something strikes the arm while it follows a plan.
        """
        self._planner = planner
        self._law = ControlLaw(arm, max_state_age_s, period_s)
        self._reflex = _reflex(arm, on_contact, max_state_age_s)
        self._follows = False  # a plan, with the last decision
        self._predict = predict
        self._period_s = period_s
        self._journal: Journal = NO_JOURNAL
        # The number is that of the assignment's target.
        self._assigned = _Numbered(Assignment(missing='no concept and no scene yet'))
        self._plan: _Numbered[Plan] = _Numbered()
        # The last torque, and when: by the wall clock, in lockstep by the state's stamp.
        self._former: tuple[np.ndarray | None, float] = (None, -math.inf)
        self._holding = threading.Lock()  # guards changes of the four below
        self._held = ''  # why it holds whatever is assigned, in words
        self._holds = 0  # how often it was told to, or to go on
        self._lifted_by: AnyConcept | None = None  # the concept whose target ends a stop
        self._contact: Contact | None = None  # what it holds for
        self.state: TimedState | None = None
        self.plan_failure = ''
        self.plan_failures = 0
        self.clock_jumps = 0

    @property
    def assignment(self) -> Assignment:
        """What is to be done, or why nothing is."""
        return self._assigned.value

    @property
    def plan(self) -> Plan | None:
        """The plan that is followed, or None."""
        return self._plan.value

    def restart(self, journal: Journal = NO_JOURNAL) -> None:
        """Forget state and plan: what comes next starts from the next measured state.

        The last torque is remembered: the next one must not be far from it too soon.

        journal: where all that happens from now on is noted. Not while other threads are at work.
        """
        self._journal = journal
        self._assigned = self._noted(self.assignment)
        self.state = None
        self._plan = _Numbered()
        self.plan_failure = ''
        self._follows = False
        self._end_retreat()
        if self._reflex is not None:
            self._reflex.reset()

    def retune(
        self, arm: ArmConfig, planner: Planner, max_state_age_s: float, on_contact: str
    ) -> None:
        """Go on with other limits and another planner; torques keep their rates in between.

        The arm's joints are the same. Not while a journal is kept: it could not be replayed.
        """
        law = ControlLaw(arm, max_state_age_s, self._period_s)
        reflex = _reflex(arm, on_contact, max_state_age_s)
        self._planner, self._law, self._reflex = planner, law, reflex

    # Executor thread: told what to do ----------------------------------------------------------

    @property
    def held(self) -> str:
        """Why it holds whatever is assigned, in words, or empty."""
        return self._held

    @property
    def contact(self) -> Contact | None:
        """What struck the arm, for as long as it holds for that and nothing else is asked of it."""
        return self._contact

    @property
    def reflex(self) -> ContactReflex | None:
        """What notices blows, None where they are ignored."""
        return self._reflex

    def hold(self, reason: str) -> None:
        """Hold from the next tick on, until `go_on` or what `await_target_of` waits for."""
        with self._holding:
            self._hold_for(reason, None)

    def _hold_for(self, reason: str, contact: Contact | None) -> None:
        self._lifted_by = None
        self._contact = contact
        self._held = reason
        self._holds += 1

    def go_on(self) -> None:
        """End a hold: what comes next is planned from the measured state."""
        with self._holding:
            self._lift()

    def await_target_of(self, concept: AnyConcept) -> None:
        """Go on once there is a target of this concept, and of no other."""
        with self._holding:
            self._lifted_by = concept
            self._contact = None

    def _lift(self) -> None:
        self._holds += 1
        self._plan = _Numbered()
        self._lifted_by = None
        self._contact = None
        self._held = ''  # last: who sees this does not see the plan of before

    # Targeting thread ------------------------------------------------------------------------

    def assign(self, assignment: Assignment) -> None:
        """Take what is to be done from now on; a plan for another target is not followed up."""
        former = self._assigned
        if assignment.target is former.value.target:
            self._assigned = _Numbered(assignment, former.number)
        else:
            self._assigned = self._noted(assignment)
        target = assignment.target
        with self._holding:
            if target is not None and target.concept is self._lifted_by:
                self._lift()

    def _noted(self, assignment: Assignment) -> _Numbered[Assignment]:
        target = assignment.target
        return _Numbered(assignment, NOT_NOTED if target is None else self._journal.target(target))

    # The thread that hears the driver ----------------------------------------------------------

    def on_state(self, sample: JointSample, arrived_s: float | None = None) -> None:
        """Take the newest joint state; it arrived at a time on the monotonic clock, None: now."""
        before = self.state
        if arrived_s is None:
            arrived_s = time.monotonic()
        if before is None:
            impulse = impulse_at(sample, None, None)
        else:
            impulse = impulse_at(sample, before.sample, before.impulse)
            step_s = (sample.stamp_ns - before.sample.stamp_ns) / 1e9
            if not 0.0 <= step_s <= _MAX_STAMP_STEP_S:
                self._plan = _Numbered()
                self.clock_jumps += 1
                self._end_retreat()
            elif step_s == 0.0 and self._predict:
                # Sent again, or never stamped: it ages on, or it would keep a dead plan alive.
                arrived_s = before.arrived_s
        self.state = TimedState(sample, arrived_s, self._journal.state(sample), impulse)

    def _end_retreat(self) -> None:
        """Hold for a contact where the arm is: its time is that of another clock by now."""
        with self._holding:
            if self._contact is not None:
                self._contact = replace(self._contact, retreat_rad_s=None)

    # Planning thread -------------------------------------------------------------------------

    def replan(self) -> bool:
        """Plan from the newest state; on failure the last plan stays until it expires."""
        state, assigned, before = self.state, self._assigned, self._plan
        target = assigned.value.target
        if state is None or target is None or self._held:
            return False
        jumps, holds = self.clock_jumps, self._holds
        sample = state.sample
        plan, failure = None, ''
        try:
            plan = self._planner.plan(
                state.stamp_s,
                sample.positions_rad,
                sample.velocities_rad_s,
                target.field,
                before.value,
            )
        except Exception as error:  # whatever a planner does, the control loop goes on
            failure = name_and_reason(error)
        number = self._journal.plan(state.number, assigned.number, before.number)
        if plan is None:
            self.plan_failures += 1
            self.plan_failure = failure
            return False
        if (self.clock_jumps, self._holds) != (jumps, holds):
            return False
        if self.assignment.target is not target:
            return False
        self._plan = _Numbered(plan, number)
        self.plan_failure = ''
        return True

    # Control thread --------------------------------------------------------------------------

    def decide(self, now_s: float) -> Decision:
        """Return what to do at now_s on the monotonic clock."""
        held = self._held  # first: see _lift
        state, assigned, plan = self.state, self._assigned, self._plan
        assignment = assigned.value
        age_s = 0.0 if state is None or not self._predict else now_s - state.arrived_s
        if state is not None and not self._predict:
            now_s = state.stamp_s
        former_nm, former_s = self._former
        target = assignment.target
        inputs = ControllerInputs(
            *((None if state is None else state.sample), age_s),
            *((None if target is None else target.concept.name), plan.value),
            *(assignment.fault, self.plan_failure, held or assignment.absent, assignment.missing),
            *(former_nm, now_s - former_s, (None if state is None else state.impulse)),
        )
        reflex = self._reflex
        if state is not None and reflex is not None:
            inputs = self._watched(reflex, inputs)
        decision = self._law.decide(inputs)
        self._follows = decision.mode is Mode.TRACKING
        if decision.effort_nm is not None:
            self._former = (decision.effort_nm, now_s)
        number = NOT_NOTED if state is None else state.number
        self._journal.decision(inputs, number, assigned.number, plan.number, decision)
        return decision

    def _watched(self, reflex: ContactReflex, inputs: ControllerInputs) -> ControllerInputs:
        """Return the inputs with what the reflex makes of them; a blow is held for."""
        struck = reflex.watch(inputs)
        if struck is not None and self._follows:
            # Not where it holds anyway: who pushes an arm that stands still does no harm.
            with self._holding:
                if not self._held:
                    self._hold_for(struck.reason, struck)
        held, contact = self._held, self._contact
        if not held and struck is None:
            return inputs
        return replace(
            inputs,
            absent=held or inputs.absent,
            is_struck=struck is not None,
            retreat_rad_s=contact.retreat_at(inputs.sample.stamp_s) if contact else None,
        )


def _reflex(arm: ArmConfig, on_contact: str, max_state_age_s: float) -> ContactReflex | None:
    return None if on_contact == IGNORE else ContactReflex(arm, on_contact, max_state_age_s)
