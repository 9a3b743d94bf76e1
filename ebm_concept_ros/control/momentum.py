# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torque that something else than the motors exerts, seen from how the arm's momentum changes.

The generalised momentum p = M(q) q̇ of an arm changes by ṗ = τ + Cᵀq̇ − g + τ_ext. The residual

    r = K (p − ∫ (τ + Cᵀq̇ − g + r) dt − p(0))

needs no accelerations and follows τ_ext as a low-pass of bandwidth K does (De Luca, Albu-Schäffer,
Haddadin, Hirzinger, "Collision detection and safe reaction with the DLR-III lightweight manipulator
arm", IROS 2006). Springs and damping of the arm's model count as g does; friction is none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import mujoco
import numpy as np

from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import JointSample


class Seen(IntEnum):
    """What a state tells; values as in momentum.hpp.

    IMPOSSIBLE: no arm can have come to it from the one before. ABSURD: the residual overflows.
    """

    QUIET = 0
    STRUCK = 1
    IMPOSSIBLE = 2
    ABSURD = 3


@dataclass(frozen=True, eq=False)
class Bounds:
    """What counts. threshold_nm: (n,) N·m from outside that is a blow.

    bandwidth_rad_s: of the residual; smoothing_rad_s: of what smooths it once more.
    unexplained_rad: that a joint may come further than its speeds before and after tell.
    """

    threshold_nm: np.ndarray
    bandwidth_rad_s: float
    smoothing_rad_s: float
    unexplained_rad: float


class Momentum(Protocol):
    """The residual of one arm of n joints from state to state; one thread's.

    residual_nm, external_nm: (n,) N·m, the second smoothed once more. inertia: (n, n) at the last
    state. They are written anew by every call.
    """

    residual_nm: np.ndarray
    external_nm: np.ndarray
    inertia: np.ndarray

    def begin(self, sample: JointSample) -> None:
        """Begin anew at a state of n joints: nothing is exerted from outside."""

    def observe(self, sample: JointSample, effort_nm: np.ndarray | None, step_s: float) -> Seen:
        """Go on to the state step_s > 0 after the last one; return what it tells.

        effort_nm: (n,) N·m that the motors have exerted in between, None: as the state has it.
        Where the state is impossible nothing changes; where it is absurd, residual and external
        are 0.
        """


class PlainMomentum:
    """A Momentum in NumPy and MuJoCo, for every arm; what the compiled one is tested against."""

    def __init__(self, model: PlanModel, bounds: Bounds) -> None:
        """model: of the arm, and nobody else's."""
        self._model, self._data, self._bounds = model.model, model.data, bounds
        n = model.num_joints
        self._positions_rad, self._velocities_rad_s = np.zeros(n), np.zeros(n)
        self._carrying_nm = np.zeros(n)
        self.inertia = np.zeros((n, n))
        self.residual_nm, self.external_nm = np.zeros(n), np.zeros(n)

    def begin(self, sample: JointSample) -> None:
        """See Momentum."""
        self._look_at(sample.positions_rad, sample.velocities_rad_s)
        self._forget()

    def observe(self, sample: JointSample, effort_nm: np.ndarray | None, step_s: float) -> Seen:
        """See Momentum."""
        positions_rad, velocities_rad_s = sample.positions_rad, sample.velocities_rad_s
        if effort_nm is None:
            effort_nm = sample.efforts_nm
        told_rad = 0.5 * step_s * (velocities_rad_s + self._velocities_rad_s)
        unexplained_rad = np.abs(positions_rad - self._positions_rad - told_rad)
        # However hard it is struck, its joints come as far as their speeds say.
        if not (unexplained_rad <= self._bounds.unexplained_rad).all():
            return Seen.IMPOSSIBLE
        former_inertia, former_carrying_nm = self.inertia, self._carrying_nm
        faster = (velocities_rad_s - self._velocities_rad_s) / step_s
        self._look_at(positions_rad, velocities_rad_s)
        # With Cᵀq̇ = Ṁq̇ − Cq̇, the step's change of momentum less that of the inertia alone is that
        # of the velocity at the step's mean inertia.
        gained_nm = (former_inertia + self.inertia) @ faster
        exerted_nm = 0.5 * (gained_nm + former_carrying_nm + self._carrying_nm) - effort_nm
        # What r = K (…) comes to over a step in which τ_ext is steady, however long that is.
        share = -math.expm1(-self._bounds.bandwidth_rad_s * step_s)
        self.residual_nm = self.residual_nm + share * (exerted_nm - self.residual_nm)
        if not np.isfinite(self.residual_nm).all():  # a state that is finite, but not of an arm
            self._forget()
            return Seen.ABSURD
        share = -math.expm1(-self._bounds.smoothing_rad_s * step_s)
        self.external_nm = self.external_nm + share * (self.residual_nm - self.external_nm)
        is_struck = (np.abs(self.external_nm) > self._bounds.threshold_nm).any()
        return Seen.STRUCK if is_struck else Seen.QUIET

    def _forget(self) -> None:
        self.residual_nm = np.zeros_like(self.residual_nm)
        self.external_nm = np.zeros_like(self.external_nm)

    def _look_at(self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray) -> None:
        model, data = self._model, self._data
        data.qpos[:], data.qvel[:] = positions_rad, velocities_rad_s
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        self.inertia = np.empty((model.nv, model.nv))
        mujoco.mj_fullM(model, data, self.inertia)
        self._carrying_nm = carrying_effort_nm(data) - data.qfrc_damper
        self._positions_rad, self._velocities_rad_s = positions_rad, velocities_rad_s
