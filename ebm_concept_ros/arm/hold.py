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


def hold_damping_nms_per_rad(model: mujoco.MjModel, home_rad: np.ndarray) -> np.ndarray:
    """Return (n,) N·m·s/rad that stops the arm's joints within about a quarter of a second.

    In proportion to the inertia that each joint turns at home, so that it neither creeps on nor
    makes a light joint oscillate from one time step to the next. model: holds no other joints.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = home_rad
    mujoco.mj_forward(model, data)
    inertia = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, inertia)
    return np.diag(inertia) / _STOPS_WITHIN_S
