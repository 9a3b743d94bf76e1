# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether the hand can be at a place pointing down: inverse kinematics, damped least squares."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.plan_model import PlanModel

_WITHIN_M, _WITHIN_RAD = 1e-3, 1e-2
_DAMPING = 1e-4
_ON_THE_WAY = 12  # postures, of which no two are half a turn apart
_MAX_STEPS, _LONGEST_STEP_RAD, _FARTHEST_M = 150, 0.3, 0.1


class Reach:
    """Postures of one arm. Not for two threads at once."""

    def __init__(self, arm: ArmConfig) -> None:
        """arm: whose effector is the grasp centre."""
        self._plan_model = PlanModel(arm, 0.002)
        self._site = self._plan_model.model.site(arm.effector_site).id
        self._home_rad = arm.home_rad

    def posture(
        self, start_rad: np.ndarray, place_m: np.ndarray, yaw_rad: float
    ) -> np.ndarray | None:
        """Return a posture (n,) near one of start_rad and home in which the hand is there, or None.

        place_m: (3,) of the grasp centre in the base frame. yaw_rad: of the closing axis.
        """
        for begin in (start_rad, self._home_rad):
            found = self._from(begin, place_m, yaw_rad)
            if found is not None:
                return found
        return None

    def turn_rad(self, start_rad: np.ndarray, end_rad: np.ndarray) -> float:
        """Return how far the hand's x axis turns about the vertical from one posture to another.

        All joints go straight there, which never leaves their ranges, so it may be the longer way.
        """
        data, yaws = self._plan_model.data, []
        for share in np.linspace(0.0, 1.0, _ON_THE_WAY):
            data.qpos[:] = start_rad + share * (end_rad - start_rad)
            mujoco.mj_kinematics(self._plan_model.model, data)
            side = data.site_xmat[self._site].reshape(3, 3)[:, 0]
            yaws.append(math.atan2(side[1], side[0]))
        turned = np.unwrap(yaws)
        return float(turned[-1] - turned[0])

    def _from(self, begin: np.ndarray, place_m: np.ndarray, yaw_rad: float) -> np.ndarray | None:
        model, data, n = self._plan_model.model, self._plan_model.data, self._plan_model.num_joints
        low, high = self._plan_model.joint_ranges_rad.T
        c, s = math.cos(yaw_rad), math.sin(yaw_rad)
        down = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
        positions, jacobian = np.array(begin, float), np.empty((6, n))
        away, turn, quaternion = np.empty(6), np.empty((3, 3)), np.empty(4)
        for _ in range(_MAX_STEPS):
            data.qpos[:] = positions
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            away[:3] = place_m - data.site_xpos[self._site]
            turn[:] = down @ data.site_xmat[self._site].reshape(3, 3).T
            mujoco.mju_mat2Quat(quaternion, turn.ravel())
            mujoco.mju_quat2Vel(away[3:], quaternion, 1.0)
            distance_m = np.linalg.norm(away[:3])
            if distance_m < _WITHIN_M and np.linalg.norm(away[3:]) < _WITHIN_RAD:
                return positions
            away[:3] *= min(1.0, _FARTHEST_M / max(distance_m, 1e-9))
            mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], self._site)
            damped = jacobian @ jacobian.T + _DAMPING * np.eye(6)
            step = jacobian.T @ np.linalg.solve(damped, away)
            step *= min(1.0, _LONGEST_STEP_RAD / max(np.abs(step).max(), 1e-9))
            positions = np.clip(positions + step, low, high)
        return None
