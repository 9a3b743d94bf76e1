# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torque that holds an arm where it is: what it weighs, and damping."""

from __future__ import annotations

import mujoco
import numpy as np

_STOPS_WITHIN_S = 0.25


def carrying_effort_nm(data: mujoco.MjData) -> np.ndarray:
    """Return the (n,) torque of gravity and motion that springs and counterweights leave, N·m.

    data: forces must belong to its positions and velocities. Damping is not in it.
    """
    return data.qfrc_bias - data.qfrc_spring - data.qfrc_gravcomp


class HoldLaw:
    """The torque with which an arm of n joints stays where it is, within its motors' limits.

    model: holds the arm's joints alone. home_rad: (n,), where the damping is chosen. limits_nm:
    (n,) N·m.
    """

    def __init__(self, model: mujoco.MjModel, home_rad: np.ndarray, limits_nm: np.ndarray) -> None:
        self._damping = hold_damping_nms_per_rad(model, home_rad)
        self._limits_nm = limits_nm

    def effort_nm(self, carrying_nm: np.ndarray, velocities_rad_s: np.ndarray) -> np.ndarray:
        """Return the torque (n,) N·m that carries the arm and damps it; 0 where it is not finite.

        carrying_nm: (n,) of `carrying_effort_nm`.
        """
        effort = carrying_nm - self._damping * velocities_rad_s
        effort = np.nan_to_num(effort, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(effort, -self._limits_nm, self._limits_nm)


def hold_damping_nms_per_rad(model: mujoco.MjModel, home_rad: np.ndarray) -> np.ndarray:
    """Return (n,) N·m·s/rad that stops the arm's joints within about a quarter of a second.

    In proportion to the inertia that each joint turns at home, so that it neither creeps on nor
    makes a light joint oscillate from one time step to the next. model: holds no other joints.
    """
    return joint_inertias_kg_m2(model, home_rad) / _STOPS_WITHIN_S


def joint_inertias_kg_m2(model: mujoco.MjModel, home_rad: np.ndarray) -> np.ndarray:
    """Return the inertia (n,) that each joint turns at home. model: holds no other joints."""
    data = mujoco.MjData(model)
    data.qpos[:] = home_rad
    mujoco.mj_forward(model, data)
    inertia = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, inertia)
    return np.diag(inertia)
