# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller without a node: from joint states and a target to a torque, whatever goes wrong.

Four threads use one TrackingController: the executor's (`on_state`), the targeting thread (`target`
and why there is none), the planning thread (`replan`) and the control thread (`decide`). They share
immutable snapshots only, each replaced by one assignment: the newest joint state, the target, the
plan, and a reason in words for each that is missing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs, Decision, Mode
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.recording.event_log import NOT_LOGGED, EventLog
from ebm_concept_ros.types import JointSample

__all__ = ['Decision', 'Mode', 'TimedState', 'TrackingController']

# A jump of the stamps by more than this, or backwards, is a clock that jumped, not a late message.
_MAX_STAMP_STEP_S = 0.5

T = TypeVar('T')


@dataclass(frozen=True, eq=False)
class TimedState:
    """A joint state and when its stamp first arrived on this machine's monotonic clock, s.

    number: in the event log, if there is one.
    """

    sample: JointSample
    arrived_s: float
    number: int = NOT_LOGGED

    @property
    def stamp_s(self) -> float:
        """Return the state's own time, s."""
        return self.sample.stamp_s


@dataclass(frozen=True, eq=False)
class _Numbered(Generic[T]):
    """A snapshot, or none, and its number in the event log."""

    value: T | None = None
    number: int = NOT_LOGGED


class TrackingController:
    """Plans towards the target, tracks the plan, and holds when either is not to be trusted."""

    def __init__(
        self, arm: ArmConfig, planner: Planner, max_state_age_s: float, predict: bool
    ) -> None:
        """predict: a state ages by the wall clock (real time); False: time stands still."""
        self._planner = planner
        self._decider = ControlLaw(arm, max_state_age_s)
        self._predict = predict
        self._log: EventLog | None = None
        self._target: _Numbered[Target] = _Numbered()
        self._plan: _Numbered[Plan] = _Numbered()
        self.state: TimedState | None = None
        self.missing = 'no concept and no scene yet'
        self.fault = ''
        self.absent = ''
        self.plan_failure = ''
        self.plan_failures = 0
        self.clock_jumps = 0

    @property
    def target(self) -> Target | None:
        """What is to be done, or None."""
        return self._target.value

    @target.setter
    def target(self, target: Target | None) -> None:
        self._target = self._numbered_target(target)

    @property
    def plan(self) -> Plan | None:
        """The plan that is followed, or None."""
        return self._plan.value

    def restart(self, log: EventLog | None = None) -> None:
        """Forget state and plan: what comes next starts from the next measured state.

        log: where all that happens from now on is noted. Not while other threads are at work.
        """
        self._log = log
        self._target = self._numbered_target(self.target)
        self.state = None
        self._plan = _Numbered()
        self.plan_failure = ''

    # Executor thread -------------------------------------------------------------------------

    def on_state(self, sample: JointSample) -> None:
        """Take the newest joint state."""
        before = self.state
        arrived_s = time.monotonic()
        if before is not None:
            step_s = (sample.stamp_ns - before.sample.stamp_ns) / 1e9
            if not 0.0 <= step_s <= _MAX_STAMP_STEP_S:
                self._plan = _Numbered()
                self.clock_jumps += 1
            elif step_s == 0.0 and self._predict:
                # Sent again, or never stamped: it ages on, or it would keep a dead plan alive.
                arrived_s = before.arrived_s
        number = NOT_LOGGED if self._log is None else self._log.state(sample)
        self.state = TimedState(sample, arrived_s, number)

    # Planning thread -------------------------------------------------------------------------

    def replan(self) -> bool:
        """Plan from the newest state; on failure the last plan stays until it expires."""
        state, target, before = self.state, self._target, self._plan
        if state is None or target.value is None:
            return False
        jumps = self.clock_jumps
        sample = state.sample
        plan, failure = None, ''
        try:
            plan = self._planner.plan(
                state.stamp_s,
                sample.positions_rad,
                sample.velocities_rad_s,
                target.value.field,
                before.value,
            )
        except Exception as error:  # whatever a planner does, the control loop goes on
            failure = f'{type(error).__name__}: {error}'
        number = NOT_LOGGED
        if self._log is not None:
            number = self._log.plan(state.number, target.number, before.number)
        if plan is None:
            self.plan_failures += 1
            self.plan_failure = failure
            return False
        if self.clock_jumps != jumps or self._target is not target:
            return False
        self._plan = _Numbered(plan, number)
        self.plan_failure = ''
        return True

    # Control thread --------------------------------------------------------------------------

    def decide(self, now_s: float) -> Decision:
        """Return what to do at now_s on the monotonic clock."""
        state, target, plan = self.state, self._target, self._plan
        age_s = 0.0 if state is None or not self._predict else now_s - state.arrived_s
        situation = ControllerInputs(
            sample=None if state is None else state.sample,
            age_s=age_s,
            concept=None if target.value is None else target.value.concept.name,
            plan=plan.value,
            fault=self.fault,
            plan_failure=self.plan_failure,
            absent=self.absent,
            missing=self.missing,
        )
        decision = self._decider.decide(situation)
        if self._log is not None:
            number = NOT_LOGGED if state is None else state.number
            self._log.decision(situation, number, target.number, plan.number, decision)
        return decision

    def _numbered_target(self, target: Target | None) -> _Numbered[Target]:
        if target is None or self._log is None:
            return _Numbered(target)
        return _Numbered(target, self._log.target(target))
