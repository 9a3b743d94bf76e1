# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The two torques that an arm is ever given: what follows a plan, and what holds."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.arm.hold import HoldLaw
from ebm_concept_ros.control.speed_limit import SpeedLimit
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import FRICTION_SPEED_RAD_S, NotFinite, Plan
from ebm_concept_ros.types import JointSample


class Torques(Protocol):
    """Torques (n,) N·m within the limits of torques and speeds, and finite; one thread's.

    Positions and velocities are (n,) rad and rad/s.
    """

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        sample: JointSample,
        former_nm: np.ndarray | None = None,
        elapsed_s: float = 0.0,
    ) -> np.ndarray:
        """Return the torque that follows a plan.

        former_nm: what went out elapsed_s ago, within whose rates it is to be, or None. Raises
        PlanExpired and InvalidState as `Plan.effort`, and NotFinite.
        """

    def holding_nm(
        self,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        wanted_rad_s: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the torque that carries the arm and damps it; zero where that is not finite.

        wanted_rad_s: (n,) what its velocities are damped towards, at rest if None.
        """


class PlainTorques:
    """Torques in NumPy and MuJoCo, for every arm; what the compiled ones are tested against."""

    def __init__(self, arm: ArmConfig, model: PlanModel, period_s: float) -> None:
        """model: of that arm, and nobody else's. period_s: from one torque to the next."""
        self._model = model
        self._rate_limit = EffortRateLimit(arm.effort_rate_limits_nm_s, period_s)
        self._limits_nm = arm.effort_limits_nm
        self._hold = HoldLaw(model.model, arm.home_rad, self._limits_nm)
        self._speed_limit = SpeedLimit(model, arm)

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        sample: JointSample,
        former_nm: np.ndarray | None = None,
        elapsed_s: float = 0.0,
    ) -> np.ndarray:
        """See Torques."""
        positions_rad, velocities_rad_s = sample.positions_rad, sample.velocities_rad_s
        effort = plan.effort(time_s, positions_rad, velocities_rad_s)
        # What it takes to keep a joint within its speed depends on the torques of the others: on
        # those that go out, not on those wanted.
        if former_nm is not None:
            effort = self._rate_limit.limited(effort, former_nm, elapsed_s)
        effort = self._speed_limit.limited(effort, positions_rad, velocities_rad_s)
        effort = np.minimum(np.maximum(effort, -self._limits_nm), self._limits_nm)
        if not np.isfinite(effort).all():
            raise NotFinite
        if former_nm is None:
            return effort
        return self._rate_limit.limited(effort, former_nm, elapsed_s)

    def holding_nm(
        self,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        wanted_rad_s: np.ndarray | None = None,
    ) -> np.ndarray:
        """See Torques."""
        bias = self._model.bias_nm(positions_rad, velocities_rad_s)
        if wanted_rad_s is None:
            return self._hold.effort_nm(bias, velocities_rad_s)
        friction_nm = self._model.friction_nm * np.tanh(wanted_rad_s / FRICTION_SPEED_RAD_S)
        return self._hold.effort_nm(bias + friction_nm, velocities_rad_s - wanted_rad_s)
