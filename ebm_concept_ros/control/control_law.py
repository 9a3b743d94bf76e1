# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torque of one instant, as a function of what is known then; whatever goes wrong, it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import HoldLaw
from ebm_concept_ros.control.speed_limit import SpeedLimit
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import Plan, PlanExpired
from ebm_concept_ros.types import JointSample


class Mode(IntEnum):
    """What the controller does; values as in ControllerStatus.msg."""

    WAITING = 0
    HOLDING = 1
    TRACKING = 2
    FAULT = 3


@dataclass(frozen=True, eq=False)
class Decision:
    """A torque (n,) N·m, finite and within the limits, or None; and why."""

    mode: Mode
    reason: str
    effort_nm: np.ndarray | None = None
    stamp_ns: int = 0


@dataclass(frozen=True, eq=False)
class ControllerInputs:
    """All that a torque depends on.

    age_s: of the sample, by the wall clock. concept: the name of the one to enact, None without a
    target. fault, plan_failure: why there is none that is good, or empty. absent: who took part and
    is gone, in words, or empty. missing: what there is not yet, in words.
    """

    sample: JointSample | None
    age_s: float
    concept: str | None
    plan: Plan | None
    fault: str = ''
    plan_failure: str = ''
    absent: str = ''
    missing: str = ''


class ControlLaw:
    """Decides without any memory: the same situation gives the same torque, bit for bit."""

    def __init__(self, arm: ArmConfig, max_state_age_s: float) -> None:
        self.max_state_age_s = max_state_age_s
        self.model = PlanModel(arm, 0.002)
        self._limits_nm = arm.effort_limits_nm
        self._hold_law = HoldLaw(self.model.model, arm.home_rad, self._limits_nm)
        self._speed_limit = SpeedLimit(self.model, arm.velocity_limits_rad_s)

    def decide(self, now: ControllerInputs) -> Decision:
        """Return what to do."""
        sample = now.sample
        if sample is None:
            return Decision(Mode.WAITING, 'no joint state yet')
        if now.concept is None and not now.fault:
            return Decision(Mode.WAITING, now.missing)
        if now.age_s > self.max_state_age_s:
            # The velocity is as old as the state: damping by it would be a push.
            effort = self.hold_effort(sample.positions_rad, np.zeros(len(self._limits_nm)))
            return Decision(
                Mode.HOLDING,
                f'joint state is older than {self.max_state_age_s * 1e3:.0f} ms',
                effort,
                sample.stamp_ns,
            )
        if now.fault:
            return self._hold(Mode.FAULT, now.fault, sample)
        if now.absent:
            return self._hold(Mode.HOLDING, now.absent, sample)
        if now.plan is None:
            if now.plan_failure:
                return self._hold(Mode.FAULT, f'no plan: {now.plan_failure}', sample)
            return self._hold(Mode.HOLDING, 'no plan yet', sample)
        try:
            effort = now.plan.effort(
                sample.stamp_s + now.age_s, sample.positions_rad, sample.velocities_rad_s
            )
        except PlanExpired:
            if now.plan_failure:
                return self._hold(Mode.FAULT, f'plan expired: {now.plan_failure}', sample)
            return self._hold(Mode.HOLDING, 'plan expired', sample)
        except ValueError as error:
            return self._hold(Mode.FAULT, str(error), sample)
        if np.isfinite(effort).all():
            effort = self._speed_limit.limited(
                effort, sample.positions_rad, sample.velocities_rad_s
            )
            effort = np.clip(effort, -self._limits_nm, self._limits_nm)
        if not np.isfinite(effort).all():
            return self._hold(Mode.FAULT, 'the plan gave a torque that is not finite', sample)
        return Decision(Mode.TRACKING, f'enacting {now.concept}', effort, sample.stamp_ns)

    def hold_effort(self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray) -> np.ndarray:
        """Return the torque that carries the arm and damps it, (n,) N·m; zero if not finite."""
        bias = self.model.bias_nm(positions_rad, velocities_rad_s)
        return self._hold_law.effort_nm(bias, velocities_rad_s)

    def _hold(self, mode: Mode, reason: str, sample: JointSample) -> Decision:
        effort = self.hold_effort(sample.positions_rad, sample.velocities_rad_s)
        return Decision(mode, reason, effort, sample.stamp_ns)
