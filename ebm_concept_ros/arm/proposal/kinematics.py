# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Inverse kinematics with the hand pointing down."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
from scipy.optimize import least_squares

from ebm_concept_ros.arm.hold import carrying_effort_nm

_PLACE_SCALE_M, _TILT_SCALE, _POSTURE_SCALE_RAD = 0.01, 0.1, 30.0
_FOUND_WITHIN_M, _TILT_WITHIN = 2e-3, 0.3
_RANGE_MARGIN_RAD = 0.1
_NO_RANGE_RAD = 3.2


class HandDown:
    """Finds joint angles that put a site at a place with its z axis down, within ranges."""

    def __init__(self, model: mujoco.MjModel, site: str) -> None:
        self.model = model
        self.data = mujoco.MjData(model)
        self._site = model.site(site).id
        low, high = np.where(
            model.jnt_limited[:, None] > 0, model.jnt_range, (-_NO_RANGE_RAD, _NO_RANGE_RAD)
        ).T
        margin = np.minimum(_RANGE_MARGIN_RAD, (high - low) / 4)
        self.low, self.high = low + margin, high - margin

    def place(self, angles_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the site's place (3,) m and its z axis (3,) at angles (n,)."""
        self.data.qpos[:] = angles_rad
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.site_xpos[self._site].copy(), self.data.site_xmat[self._site][2::3].copy()

    def solve(self, place_m: np.ndarray, start_rad: np.ndarray) -> np.ndarray | None:
        """Return angles (n,) near `start_rad` for a place (3,) m, or None where there are none."""
        jacobian, turn = np.zeros((3, self.model.nv)), np.zeros((3, self.model.nv))

        def residuals(angles: np.ndarray) -> np.ndarray:
            position, axis = self.place(angles)
            away = (angles - start_rad) / _POSTURE_SCALE_RAD
            return np.concatenate(
                [(position - place_m) / _PLACE_SCALE_M, self._tilt(axis) / _TILT_SCALE, away]
            )

        def derivatives(angles: np.ndarray) -> np.ndarray:
            _, axis = self.place(angles)
            mujoco.mj_comPos(self.model, self.data)
            mujoco.mj_jacSite(self.model, self.data, jacobian, turn, self._site)
            tilts = np.cross(turn.T, axis).T
            posture = np.eye(self.model.nv) / _POSTURE_SCALE_RAD
            return np.concatenate([jacobian / _PLACE_SCALE_M, tilts / _TILT_SCALE, posture])

        start = np.clip(start_rad, self.low + 1e-9, self.high - 1e-9)
        found = least_squares(
            residuals, start, derivatives, bounds=(self.low, self.high), max_nfev=60
        ).x
        position, axis = self.place(found)
        near = np.linalg.norm(position - place_m) < _FOUND_WITHIN_M
        return found if near and np.linalg.norm(self._tilt(axis)) < _TILT_WITHIN else None

    def solve_anywhere(
        self,
        place_m: np.ndarray,
        rng: np.random.Generator,
        tries: int,
        holds: Callable[[np.ndarray | None], bool],
    ) -> np.ndarray | None:
        """Return the best of several tries from random angles: the arm's lowest part is highest.

        holds: tells of angles (n,) whether they are any good.
        """
        best, best_height = None, -np.inf
        # A joint that turns more than once begins within its first turn.
        low, high = np.maximum(self.low, -np.pi), np.minimum(self.high, np.pi)
        low, high = np.where(low < high, (low, high), (self.low, self.high))
        for _ in range(tries):
            angles = self.solve(place_m, rng.uniform(low, high))
            if not holds(angles):
                continue
            self.place(angles)
            height = float(self.data.xpos[self.model.jnt_bodyid, 2].min())
            height += 0.1 * float(self.data.xpos[self.model.jnt_bodyid, 2].mean())
            if height > best_height:
                best, best_height = angles, height
        return best

    def carrying_nm(self, angles_rad: np.ndarray) -> np.ndarray:
        """Return the torques (n,) that hold the arm at angles (n,), N·m, without their signs."""
        self.data.qpos[:] = angles_rad
        self.data.qvel[:] = 0.0
        mujoco.mj_forward(self.model, self.data)
        return np.abs(carrying_effort_nm(self.data))

    @staticmethod
    def _tilt(axis: np.ndarray) -> np.ndarray:
        """Return (3,): zero where an axis points down, and long where it points up."""
        return axis - (0.0, 0.0, -1.0)
