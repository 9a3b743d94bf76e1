"""The controller without ROS: from joint states and a target to a torque, whatever goes wrong.

Three threads use one Enactor: the executor's (`on_state`), the planning thread (`replan`) and the
control thread (`decide`). They share immutable snapshots only, each replaced by one assignment:
the newest joint state, the target and the plan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ebm_concept_ros.arm.config import HOLD_DAMPING_NMS_PER_RAD, ArmConfig
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.conversions import JointSample
from ebm_concept_ros.mpc.ilqg import IlqgPlanner
from ebm_concept_ros.mpc.plan_model import PlanModel
from ebm_concept_ros.mpc.policy import Plan, PlanExpired

# A jump of the stamps by more than this, or backwards, is a clock that jumped, not a late message.
_MAX_STAMP_STEP_S = 0.5


class Mode(IntEnum):
    """What the controller does; values as in ControllerStatus.msg."""

    WAITING = 0
    HOLDING = 1
    TRACKING = 2
    FAULT = 3


@dataclass(frozen=True, eq=False)
class TimedState:
    """A joint state and when its stamp first arrived on this machine's monotonic clock, s."""

    sample: JointSample
    arrived_s: float

    @property
    def stamp_s(self) -> float:
        """Return the state's own time, s."""
        return self.sample.stamp_ns / 1e9


@dataclass(frozen=True, eq=False)
class Decision:
    """A torque (n,) N·m, finite and within the limits, or None; and why."""

    mode: Mode
    reason: str
    effort_nm: np.ndarray | None = None
    stamp_ns: int = 0


class Enactor:
    """Plans towards the target, tracks the plan, and holds when either is not to be trusted."""

    def __init__(
        self, arm: ArmConfig, planner: IlqgPlanner, max_state_age_s: float, predict: bool
    ) -> None:
        """predict: a state ages by the wall clock (real time); False: time stands still."""
        self._planner = planner
        self._hold_model = PlanModel(arm, 0.002)
        self._limits_nm = arm.effort_limits_nm
        self._max_state_age_s = max_state_age_s
        self._predict = predict
        self.state: TimedState | None = None
        self.target: Target | None = None
        self.plan: Plan | None = None
        self.missing = 'no concept and no scene yet'
        self.fault = ''
        self.plan_failure = ''
        self.plan_failures = 0
        self.clock_jumps = 0

    def restart(self) -> None:
        """Forget state and plan: what comes next starts from the next measured state."""
        self.state = None
        self.plan = None
        self.plan_failure = ''

    # Executor thread -------------------------------------------------------------------------

    def on_state(self, sample: JointSample) -> None:
        """Take the newest joint state."""
        before = self.state
        arrived_s = time.monotonic()
        if before is not None:
            step_s = (sample.stamp_ns - before.sample.stamp_ns) / 1e9
            if not 0.0 <= step_s <= _MAX_STAMP_STEP_S:
                self.plan = None
                self.clock_jumps += 1
            elif step_s == 0.0 and self._predict:
                # Sent again, or never stamped: it ages on, or it would keep a dead plan alive.
                arrived_s = before.arrived_s
        self.state = TimedState(sample, arrived_s)

    # Planning thread -------------------------------------------------------------------------

    def replan(self) -> bool:
        """Plan from the newest state; on failure the last plan stays until it expires."""
        state, target = self.state, self.target
        if state is None or target is None:
            return False
        before = self.plan
        jumps = self.clock_jumps
        sample = state.sample
        try:
            plan = self._planner.plan(
                state.stamp_s,
                sample.positions_rad,
                sample.velocities_rad_s,
                target.field,
                before,
            )
        except Exception as error:  # whatever a planner does, the control loop goes on
            self.plan_failures += 1
            self.plan_failure = f'{type(error).__name__}: {error}'
            return False
        if self.clock_jumps != jumps or self.target is not target:
            return False
        self.plan = plan
        self.plan_failure = ''
        return True

    # Control thread --------------------------------------------------------------------------

    def decide(self, now_s: float) -> Decision:
        """Return what to do at now_s on the monotonic clock."""
        state, target, plan = self.state, self.target, self.plan
        if state is None:
            return Decision(Mode.WAITING, 'no joint state yet')
        sample = state.sample
        age_s = now_s - state.arrived_s if self._predict else 0.0
        if age_s > self._max_state_age_s:
            # The velocity is as old as the state: damping by it would be a push.
            effort = self.hold_effort(sample.positions_rad, np.zeros(len(self._limits_nm)))
            return Decision(
                Mode.HOLDING,
                f'joint state is older than {self._max_state_age_s * 1e3:.0f} ms',
                effort,
                sample.stamp_ns,
            )
        if self.fault:
            return self._hold(Mode.FAULT, self.fault, sample)
        if target is None:
            return Decision(Mode.WAITING, self.missing)
        if plan is None:
            if self.plan_failure:
                return self._hold(Mode.FAULT, f'no plan: {self.plan_failure}', sample)
            return self._hold(Mode.HOLDING, 'no plan yet', sample)
        try:
            effort = plan.effort(
                state.stamp_s + age_s, sample.positions_rad, sample.velocities_rad_s
            )
        except PlanExpired:
            if self.plan_failure:
                return self._hold(Mode.FAULT, f'plan expired: {self.plan_failure}', sample)
            return self._hold(Mode.HOLDING, 'plan expired', sample)
        except ValueError as error:
            return self._hold(Mode.FAULT, str(error), sample)
        if not np.isfinite(effort).all():
            return self._hold(Mode.FAULT, 'the plan gave a torque that is not finite', sample)
        return Decision(Mode.TRACKING, f'enacting {target.concept.name}', effort, sample.stamp_ns)

    def hold_effort(self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray) -> np.ndarray:
        """Return the torque that carries the arm and damps it, (n,) N·m; zero if not finite."""
        bias = self._hold_model.bias_nm(positions_rad, velocities_rad_s)
        effort = bias - HOLD_DAMPING_NMS_PER_RAD * velocities_rad_s
        effort = np.nan_to_num(effort, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(effort, -self._limits_nm, self._limits_nm)

    def _hold(self, mode: Mode, reason: str, sample: JointSample) -> Decision:
        effort = self.hold_effort(sample.positions_rad, sample.velocities_rad_s)
        return Decision(mode, reason, effort, sample.stamp_ns)
