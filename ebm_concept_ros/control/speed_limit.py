# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A hard limit on joint speeds: no torque goes out that would take a joint beyond its own."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.arm_dynamics import linear_coefficients
from ebm_concept_ros.planning.box_qp import NotConvex, solve_box_qp
from ebm_concept_ros.planning.plan_model import PlanModel

# A joint may come nearer to its limit by a fraction of what is left in each such time. States come
# late by a few milliseconds, and the model is not the arm, so the last of it is never used.
APPROACH_S = 0.02
_USED_SHARE = 0.95
# Of the jerk that torques within their rates give a joint by itself: others move it as well.
_USED_JERK_SHARE = 0.05
_BOTH_WAYS = np.array([[1.0], [-1.0]])


def used_speeds_rad_s(arm: ArmConfig) -> np.ndarray:
    """Return (n,) rad/s that each joint may come to."""
    return _USED_SHARE * arm.velocity_limits_rad_s


def used_rates_nm_s(arm: ArmConfig) -> np.ndarray:
    """Return (n,) N·m/s of torque that a joint's acceleration may cease at."""
    return _USED_JERK_SHARE * arm.effort_rate_limits_nm_s


class SpeedLimit:
    """Takes away from a torque what would make a joint too fast, and brakes one that is.

    A control barrier on each joint's speed (Ames et al., "Control barrier functions: theory and
    applications", ECC 2019): what the torque, left as it is, makes of the speed in a time constant
    is kept within the limit, and so is what becomes of it where the torque ceases at its rate.
    Joints at their limits get the torques that a stop would give them; those of the others stay as
    they are, so that the arm goes on in the direction that it is to go. Not for two threads at
    once.
    """

    def __init__(self, model: PlanModel, arm: ArmConfig) -> None:
        """model: of that arm."""
        self._model, self._data = model.model, model.data
        self._most, self._used_rates_nm_s = used_speeds_rad_s(arm), used_rates_nm_s(arm)
        self._inertia = np.zeros((len(arm.joints), len(arm.joints)))
        damping = linear_coefficients(model.model.dof_damping, len(arm.joints))
        self._damped = np.diag(APPROACH_S * damping)
        self._none = np.zeros((len(arm.joints), 1))
        # Once now: the first imports what it needs, for which no torque should wait.
        ones = np.ones(len(arm.joints))
        solve_box_qp(np.diag(ones), self._none, -ones, ones)

    def limited(
        self, effort_nm: np.ndarray, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> np.ndarray:
        """Return the torque (n,) N·m, changed near a limit alone; it may exceed torque limits."""
        model, data = self._model, self._data
        data.qpos[:], data.qvel[:] = positions_rad, velocities_rad_s
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mj_fullM(model, data, self._inertia)
        # Damping is taken implicitly: light joints that are much damped answer to a torque at once,
        # and then it is not their acceleration that tells how fast they get.
        lagging = self._inertia + self._damped
        force = effort_nm + data.qfrc_passive - data.qfrc_bias
        acceleration = np.linalg.solve(lagging, force)
        # Both ways at once, as this is done for every torque: down, and up.
        jerk = self._used_rates_nm_s / lagging.diagonal()
        left, right = _approach(self._most + _BOTH_WAYS * velocities_rad_s, jerk)
        low, high = -left, right
        if ((low <= acceleration) & (acceleration <= high)).all():
            return effort_nm
        high = np.where(velocities_rad_s < 0.0, np.maximum(low, high), high)  # to brake comes first
        low = np.minimum(low, high)
        # The least change as inertia weighs it, which is Gauss's principle of constrained motion.
        try:
            change = solve_box_qp(lagging, self._none, low - acceleration, high - acceleration)
        except NotConvex:
            return np.full_like(effort_nm, np.nan)
        return effort_nm + lagging @ change[:, 0]


def _approach(left_rad_s: np.ndarray, jerk_rad_s3: np.ndarray) -> np.ndarray:
    """Return the acceleration (…, n) rad/s² that may be had so far from a limit, or brakes.

    An acceleration that ceases at this jerk takes the speed no further than to the limit.
    """
    ceasing = np.sqrt(2.0 * jerk_rad_s3 * np.maximum(left_rad_s, 0.0))
    return np.minimum(left_rad_s / APPROACH_S, ceasing)
