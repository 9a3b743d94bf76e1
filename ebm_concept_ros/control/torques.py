# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The two torques that an arm is ever given: what follows a plan, and what holds."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import HoldLaw
from ebm_concept_ros.control.speed_limit import SpeedLimit
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import FRICTION_SPEED_RAD_S, Plan

# The lowest and the highest torque (n,) N·m that can go out.
Reachable = tuple[np.ndarray, np.ndarray]


class Torques(Protocol):
    """Torques (n,) N·m within the limits of torques and speeds, but not of rates; one thread's.

    Positions and velocities are (n,) rad and rad/s.
    """

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        reachable_nm: Reachable | None = None,
    ) -> np.ndarray:
        """Return the torque that follows a plan; it may be not finite.

        reachable_nm: within the rates. What it takes to keep a joint within its speed depends on
        the torques of the others, so it is told of those that go out, not of those wanted.
        Raises PlanExpired and InvalidState as `Plan.effort`.
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

    def __init__(self, arm: ArmConfig, model: PlanModel) -> None:
        """model: of that arm, and nobody else's."""
        self._model = model
        self._limits_nm = arm.effort_limits_nm
        self._hold = HoldLaw(model.model, arm.home_rad, self._limits_nm)
        self._speed_limit = SpeedLimit(model, arm)

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        reachable_nm: Reachable | None = None,
    ) -> np.ndarray:
        """See Torques."""
        effort = plan.effort(time_s, positions_rad, velocities_rad_s)
        if reachable_nm is not None:
            effort = np.minimum(np.maximum(effort, reachable_nm[0]), reachable_nm[1])
        effort = self._speed_limit.limited(effort, positions_rad, velocities_rad_s)
        return np.minimum(np.maximum(effort, -self._limits_nm), self._limits_nm)

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
