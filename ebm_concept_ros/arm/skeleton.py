# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm as lines from body to body: what is needed to draw it in a few strokes."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.model import compile_arm

_THINNEST_M, _THICKEST_M = 0.012, 0.05


class Skeleton:
    """Lines of an arm for joint positions.

    lines: (L, 2) indices of points that a line connects. radii_m: (L,) how thick it is, about half
    of the shortest side of what the body is made of.
    """

    def __init__(self, arm: ArmConfig) -> None:
        self._model = compile_arm(arm)
        self._data = mujoco.MjData(self._model)
        self._site = self._model.site(arm.effector_site).id
        parents = self._model.body_parentid
        bodies = [b for b in range(1, self._model.nbody) if parents[b] > 0]
        tip = self._model.nbody - 1  # of the points, of which the world is none
        lines = [(parents[body] - 1, body - 1) for body in bodies]
        lines.append((self._model.site_bodyid[self._site] - 1, tip))
        self.lines = np.array(lines, int)
        radii_m = [self._radius_m(parents[body]) for body in bodies]
        self.radii_m = np.array([*radii_m, self._radius_m(self._model.site_bodyid[self._site])])

    def points_in_base_m(self, positions_rad: np.ndarray) -> np.ndarray:
        """Return (P, 3) m: where the bodies are, and as the last one the effector."""
        self._data.qpos[:] = positions_rad
        mujoco.mj_kinematics(self._model, self._data)
        return np.concatenate([self._data.xpos[1:], self._data.site_xpos[[self._site]]])

    def _radius_m(self, body: int) -> float:
        geoms = np.flatnonzero(self._model.geom_bodyid == body)
        if not len(geoms):
            return _THINNEST_M
        half_sides_m = self._model.geom_aabb[geoms, 3:]
        return float(np.clip(half_sides_m.min(axis=1).max(), _THINNEST_M, _THICKEST_M))
