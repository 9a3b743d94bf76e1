# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torque of one instant, as a function of what is known then; whatever goes wrong, it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.control.compiled_torques import torques_of
from ebm_concept_ros.control.momentum_observer import Impulse
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import NotFinite, Plan, PlanExpired
from ebm_concept_ros.types import JointSample


class Mode(IntEnum):
    """What the controller does; values as in ControllerStatus.msg."""

    WAITING = 0
    HOLDING = 1
    TRACKING = 2
    FAULT = 3


# Not frozen, as it takes a loop of 500 Hz three times as long to make what is; nobody changes them.
@dataclass(slots=True, eq=False)
class Decision:
    """A torque (n,) N·m, finite, within the limits and their rates, or None; and why.

    sample: that it was decided for. plan: that it follows at time_s, or None.
    """

    mode: Mode
    reason: str
    effort_nm: np.ndarray | None = None
    stamp_ns: int = 0
    sample: JointSample | None = None
    plan: Plan | None = None
    time_s: float = math.nan

    @property
    def gains(self) -> np.ndarray | None:
        """(n, 2n) of the plan, or None."""
        return None if self.plan is None else self.plan.gains_at(self.time_s)


@dataclass(slots=True, eq=False)
class ControllerInputs:
    """All that a torque depends on.

    age_s: of the sample, by the wall clock. concept: the name of the one to enact, None without a
    target. fault, plan_failure: why there is none that is good, or empty. absent: who took part and
    is gone, or why it is to hold in any case, in words, or empty. missing: what there is not yet,
    in words. former_nm: (n,) the torque before, elapsed_s ago. impulse: of the
    motors up to the sample, where the driver reports it. is_struck: whether something is
    noticed to strike the arm. retreat_rad_s: (n,) to give way with while it holds, or None.
    """

    sample: JointSample | None
    age_s: float
    concept: str | None
    plan: Plan | None
    fault: str = ''
    plan_failure: str = ''
    absent: str = ''
    missing: str = ''
    former_nm: np.ndarray | None = None
    elapsed_s: float = math.inf
    impulse: Impulse | None = None
    is_struck: bool = False
    retreat_rad_s: np.ndarray | None = None


class ControlLaw:
    """Decides without any memory: the same situation gives the same torque, bit for bit."""

    def __init__(self, arm: ArmConfig, max_state_age_s: float, period_s: float) -> None:
        """period_s: from one torque to the next."""
        self.max_state_age_s = max_state_age_s
        self.model = PlanModel(arm, 0.002)
        self._torques = torques_of(arm, self.model, period_s)
        self._rate_limit = EffortRateLimit(arm.effort_rate_limits_nm_s, period_s)

    def decide(self, now: ControllerInputs) -> Decision:
        """Return what to do; the torque is as near to what is wanted as its rate lets it be."""
        goes_on = self._goes_on(now)
        wanted = self._wanted(now, goes_on)
        if wanted.effort_nm is None or (goes_on and wanted.mode is Mode.TRACKING):
            return wanted
        return replace(wanted, effort_nm=self._within_rates(wanted.effort_nm, now, goes_on))

    def _within_rates(
        self, wanted_nm: np.ndarray, now: ControllerInputs, goes_on: bool
    ) -> np.ndarray:
        if goes_on:
            return self._rate_limit.limited(wanted_nm, now.former_nm, now.elapsed_s)
        # As old as this, nobody acts on a command any more: the arm holds itself, and that is what
        # to go on from. Where time began anew, so did the arm.
        former_nm = None if now.elapsed_s < 0.0 else now.former_nm
        return self._rate_limit.resumed(self._resting_nm(now), former_nm, now.elapsed_s)

    def _goes_on(self, now: ControllerInputs) -> bool:
        """Tell whether the torque before is recent enough for its rate to matter."""
        return now.former_nm is not None and 0.0 <= now.elapsed_s <= self.max_state_age_s

    def _wanted(self, now: ControllerInputs, goes_on: bool) -> Decision:
        sample = now.sample
        if sample is None:
            return Decision(Mode.WAITING, 'no joint state yet')
        if now.concept is None and not now.fault:
            return Decision(Mode.WAITING, now.missing)
        if now.age_s > self.max_state_age_s:
            return self._hold(
                Mode.HOLDING,
                f'joint state is older than {self.max_state_age_s * 1e3:.0f} ms',
                now,
            )
        if now.fault:
            return self._hold(Mode.FAULT, now.fault, now)
        if now.absent:
            return self._hold(Mode.HOLDING, now.absent, now)
        if now.plan is None:
            if now.plan_failure:
                return self._hold(Mode.FAULT, f'no plan: {now.plan_failure}', now)
            return self._hold(Mode.HOLDING, 'no plan yet', now)
        time_s = sample.stamp_s + now.age_s
        try:
            effort = self._torques.following_nm(
                *(now.plan, time_s, sample),
                *((now.former_nm, now.elapsed_s) if goes_on else ()),
            )
        except PlanExpired:
            if now.plan_failure:
                return self._hold(Mode.FAULT, f'plan expired: {now.plan_failure}', now)
            return self._hold(Mode.HOLDING, 'plan expired', now)
        except NotFinite:
            return self._hold(Mode.FAULT, 'the plan gave a torque that is not finite', now)
        except ValueError as error:
            return self._hold(Mode.FAULT, str(error), now)
        return Decision(
            *(Mode.TRACKING, f'enacting {now.concept}', effort),
            *(sample.stamp_ns, sample, now.plan, time_s),
        )

    def hold_effort(
        self,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        wanted_rad_s: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the torque that carries the arm and damps it, (n,) N·m; zero if not finite.

        wanted_rad_s: (n,) what its velocities are damped towards, at rest if None.
        """
        return self._torques.holding_nm(positions_rad, velocities_rad_s, wanted_rad_s)

    def _hold(self, mode: Mode, reason: str, now: ControllerInputs) -> Decision:
        return Decision(mode, reason, self._resting_nm(now), now.sample.stamp_ns, now.sample)

    def _resting_nm(self, now: ControllerInputs) -> np.ndarray:
        velocities_rad_s = now.sample.velocities_rad_s
        if now.age_s > self.max_state_age_s:  # damping by a velocity of then would be a push
            velocities_rad_s = np.zeros_like(velocities_rad_s)
            return self.hold_effort(now.sample.positions_rad, velocities_rad_s)
        return self.hold_effort(now.sample.positions_rad, velocities_rad_s, now.retreat_rad_s)
