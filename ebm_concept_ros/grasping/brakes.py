# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torques that keep arm and fingers where they are, with what they hold, when nobody commands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import joint_inertias_kg_m2
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.grasping.hand import HandConfig

# What hangs from the hand weighs on the arm, and nobody says how much: damping alone would let it
# sink. So the joints are drawn back to where they were, as stiffly as this, without overshoot.
_NATURAL_RAD_S = 20.0


@dataclass(frozen=True, eq=False)
class Braked:
    """Where the joints (n + f,) are to stay, rad, and the torques of the fingers (f,), N·m."""

    positions_rad: np.ndarray
    fingers_nm: np.ndarray


class Brakes:
    """Of an arm with n joints and the f fingers of its hand."""

    def __init__(self, live: ArmConfig, hand: HandConfig) -> None:
        """live: the arm whose fingers move."""
        fingers = len(hand.fingers)
        self._n = len(live.joints) - fingers
        inertias = joint_inertias_kg_m2(compile_arm(live), live.home_rad)
        self._stiffness = inertias * _NATURAL_RAD_S**2
        self._damping = 2.0 * inertias * _NATURAL_RAD_S
        self._stiffness[self._n :] = hand.grip.opening_nm_per_rad
        self._damping[self._n :] = hand.grip.opening_nms_per_rad

    def braked(self, positions_rad: np.ndarray, efforts_nm: np.ndarray) -> Braked:
        """Return what is to stay as it is: fingers that grip go on to press as they do."""
        return Braked(positions_rad.copy(), efforts_nm[self._n :].copy())

    def effort_nm(
        self,
        braked: Braked,
        carrying_nm: np.ndarray,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
    ) -> np.ndarray:
        """Return the torque (n + f,) N·m; 0 where it is not finite. carrying_nm: the arm's own."""
        effort = carrying_nm + self._stiffness * (braked.positions_rad - positions_rad)
        effort -= self._damping * velocities_rad_s
        effort[self._n :] += braked.fingers_nm
        return np.nan_to_num(effort, nan=0.0, posinf=0.0, neginf=0.0)
