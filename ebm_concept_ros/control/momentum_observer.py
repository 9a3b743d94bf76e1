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
from typing import Protocol

import mujoco
import numpy as np

from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import JointSample

# Of two states in a row; what is further apart is another time.
_LONGEST_STEP_S = 0.5
# What comes so many times later than the state before it did, has lost others on the way, and with
# them which torques acted in between.
_STEPS_LOST = 3.0


@dataclass(frozen=True, eq=False)
class Impulse:
    """What the driver says the motors have exerted, (n,) N·m·s, since the state of a stamp.

    step_s: between the last two states, 0 where there were no two.
    """

    exerted_nms: np.ndarray
    since_ns: int
    step_s: float = 0.0


def impulse_at(
    sample: JointSample, before: JointSample | None, former: Impulse | None
) -> Impulse | None:
    """Return the impulse up to a state, None where no efforts are reported.

    before, former: the state before and the impulse up to it. After a jump of the clock, or where
    states were lost, it begins anew.
    """
    if sample.efforts_nm is None:
        return None
    step_s = -1.0 if before is None else (sample.stamp_ns - before.stamp_ns) / 1e9
    is_next = former is not None and 0.0 <= step_s <= _LONGEST_STEP_S
    if not is_next or 0.0 < _STEPS_LOST * former.step_s < step_s:
        return Impulse(np.zeros_like(sample.efforts_nm), sample.stamp_ns)
    return Impulse(former.exerted_nms + step_s * sample.efforts_nm, former.since_ns, step_s)


class Forces(Protocol):
    """What moves an arm of n joints by itself; one thread's."""

    def at(
        self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the inertia (n, n), and the torque (n,) N·m that balances the arm's own forces.

        These are those of gravity, motion, springs and damping. Both arrays are filled in anew by
        the call after the next.
        """


class PlainForces:
    """Forces by MuJoCo, for every arm; what the compiled ones are tested against."""

    def __init__(self, model: PlanModel) -> None:
        """model: of the arm, and nobody else's."""
        self._model, self._data = model.model, model.data

    def at(
        self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See Forces."""
        model, data = self._model, self._data
        data.qpos[:], data.qvel[:] = positions_rad, velocities_rad_s
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        inertia = np.empty((model.nv, model.nv))
        mujoco.mj_fullM(model, data, inertia)
        return inertia, carrying_effort_nm(data) - data.qfrc_damper


class MomentumObserver:
    """Integrates the residual from one joint state to the next. Not for two threads at once.

    The same states and torques give the same residual, bit for bit.
    """

    def __init__(
        self, forces: Forces, num_joints: int, bandwidth_hz: float, longest_step_s: float
    ) -> None:
        """forces: of the arm of so many joints. longest_step_s: between two states.

        After more it is not known what acted in between, and the residual begins anew.
        """
        self._forces = forces
        self._bandwidth_rad_s = 2.0 * math.pi * bandwidth_hz
        self._longest_step_s = longest_step_s
        n = num_joints
        self._before: JointSample | None = None
        self._impulse: Impulse | None = None
        self._inertia = np.zeros((n, n))
        self._carrying_nm = np.zeros(n)
        self._efforts_nm: list[np.ndarray] = []  # of all torques since the last state
        self.residual_nm = np.zeros(n)
        self.is_new = True  # the residual has begun anew with the last update

    @property
    def inertia(self) -> np.ndarray:
        """The arm's inertia matrix (n, n) at the last state."""
        return self._inertia

    def reset(self) -> None:
        """Forget everything: what comes next is the first state."""
        self._before = None

    def update(
        self,
        sample: JointSample,
        effort_nm: np.ndarray | None,
        impulse: Impulse | None = None,
    ) -> np.ndarray:
        """Return the residual (n,) N·m at a state; 0 where it begins anew.

        effort_nm: (n,) N·m that the motors have been given since the last call, None where that is
        not known. impulse: up to the state, where that is reported; then the other does not count.
        A state that was seen before leaves the residual as it is.
        """
        before, step_s = self._before, 0.0
        if before is not None:
            step_s = (sample.stamp_ns - before.stamp_ns) / 1e9
        former = self._impulse
        is_reported = impulse is not None and former is not None
        is_known = before is not None and (is_reported or effort_nm is not None)
        if is_reported and impulse.since_ns != former.since_ns:
            is_known = False  # the clock has jumped in between, and perhaps back again
        self.is_new = not is_known or not 0.0 <= step_s <= self._longest_step_s
        if self.is_new:
            self._start(sample, impulse)
            return self.residual_nm
        if effort_nm is not None:
            self._efforts_nm.append(effort_nm)
        if step_s == 0.0:
            return self.residual_nm
        if is_reported:
            effort_nm = (impulse.exerted_nms - former.exerted_nms) / step_s
        else:
            effort_nm = sum(self._efforts_nm) / max(len(self._efforts_nm), 1)
        former_inertia, former_carrying_nm = self._inertia, self._carrying_nm
        self._look_at(sample)
        # With Cᵀq̇ = Ṁq̇ − Cq̇, the step's change of momentum less that of the inertia alone is that
        # of the velocity at the step's mean inertia.
        gained_nm = (former_inertia + self._inertia).dot(
            (sample.velocities_rad_s - before.velocities_rad_s) / step_s
        )
        carrying_nm = former_carrying_nm + self._carrying_nm
        external_nm = 0.5 * (gained_nm + carrying_nm) - effort_nm
        # What r = K (…) comes to over a step in which τ_ext is steady, however long that is.
        share = -math.expm1(-self._bandwidth_rad_s * step_s)
        self.residual_nm = self.residual_nm + share * (external_nm - self.residual_nm)
        if not math.isfinite(
            self.residual_nm.dot(self.residual_nm)
        ):  # a state that is finite, but absurd
            self.is_new = True
            self.residual_nm = np.zeros_like(self.residual_nm)
        self._begin_interval(sample, impulse)
        return self.residual_nm

    def _start(self, sample: JointSample, impulse: Impulse | None) -> None:
        self._look_at(sample)
        self.residual_nm = np.zeros_like(self.residual_nm)
        self._begin_interval(sample, impulse)

    def _begin_interval(self, sample: JointSample, impulse: Impulse | None) -> None:
        self._before, self._impulse = sample, impulse
        self._efforts_nm.clear()

    def _look_at(self, sample: JointSample) -> None:
        self._inertia, self._carrying_nm = self._forces.at(
            sample.positions_rad, sample.velocities_rad_s
        )
