# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The model that plans are made on: the arm alone, without contacts, friction and limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.arm.model import arm_spec
from ebm_concept_ros.planning.arm_dynamics import ArmDynamics

_FINITE_DIFFERENCE = 1e-6
_HINGE_OR_SLIDE = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)

# In two planned steps an arm turns by a few hundredths of a radian, over which its dynamics hardly
# change; finite differences of them are dear.
_DIFFERENCES_EVERY = 2


@dataclass(frozen=True)
class Rollout:
    """A trajectory of N steps, N + 1 knots, of an arm with n joints.

    states: (N + 1, 2n) joint positions rad, then velocities rad/s.
    efforts: (N, n) N·m.
    bias_nm: (N, n) torque that gravity, motion and springs ask for at each state.
    site_m: (N + 1, 3) effector in the base frame.
    approach: (N + 1, 3) the effector's z axis in the base frame.
    side: (N + 1, 3) its x axis, of rollouts of `PlanModel`.
    """

    states: np.ndarray
    efforts: np.ndarray
    bias_nm: np.ndarray
    site_m: np.ndarray
    approach: np.ndarray
    side: np.ndarray | None = None


@dataclass(frozen=True)
class Linearisation:
    """Derivatives along a rollout.

    dynamics: (N, 2n, 3n) of the next state by state and effort.
    site: (N + 1, 3, n) of the effector's position by joint positions, m/rad.
    turn: (N + 1, 3, n) rotation of the effector by joint positions, rad/rad in the base frame.
    """

    dynamics: np.ndarray
    site: np.ndarray
    turn: np.ndarray


class PlanModel:
    """Steps and linearises the bare arm. Not safe for use by two threads at once.

    Torque limits are left out on purpose: where MuJoCo clamps, its derivatives by the torque are
    zero. The planner keeps the limits. Joint limits and velocity limits are costs.
    """

    def __init__(self, arm: ArmConfig, step_s: float) -> None:
        self.model = plan_spec(arm, step_s).compile()
        self.data = mujoco.MjData(self.model)
        self.step_s = step_s
        self.num_joints = self.model.nv
        self.friction_nm = self.model.dof_frictionloss.copy()
        self.joint_ranges_rad = np.where(
            self.model.jnt_limited[:, None] > 0, self.model.jnt_range, (-np.inf, np.inf)
        )
        self._site = self.model.site(arm.effector_site).id

    @cached_property
    def dynamics(self) -> ArmDynamics | None:
        """The arm's dynamics in closed form; None where a joint is neither hinge nor slide."""
        if not np.isin(self.model.jnt_type, _HINGE_OR_SLIDE).all():
            return None
        return ArmDynamics.of(self.model, self._site)

    def effector_in_base_m(self, positions_rad: np.ndarray) -> np.ndarray:
        """Return (3,) m for joint positions (n,) rad."""
        self.data.qpos[:] = positions_rad
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.site_xpos[self._site].copy()

    def bias_nm(self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray) -> np.ndarray:
        """Return the (n,) torque of gravity and motion, less what springs carry, N·m."""
        self.data.qpos[:] = positions_rad
        self.data.qvel[:] = velocities_rad_s
        mujoco.mj_fwdPosition(self.model, self.data)
        mujoco.mj_fwdVelocity(self.model, self.data)
        return carrying_effort_nm(self.data)

    def rollout(
        self,
        start: np.ndarray,
        efforts: np.ndarray,
        limits_nm: np.ndarray,
        gains: np.ndarray | None = None,
        reference: np.ndarray | None = None,
        excess: bool = False,
    ) -> Rollout:
        """Roll out from `start` (2n,) under `efforts` (N, n) + gains (x - reference), clipped.

        gains: (N, n, 2n); reference: (N or more, 2n). With `excess`, `efforts` are what is added to
        gravity and motion, so zeros hold a resting arm.
        """
        model, data, site, n = self.model, self.data, self._site, self.num_joints
        steps = len(efforts)
        states = np.empty((steps + 1, 2 * n))
        applied, bias = np.empty((steps, n)), np.empty((steps, n))
        position, rotation = np.empty((steps + 1, 3)), np.empty((steps + 1, 9))
        qpos, qvel, ctrl = data.qpos, data.qvel, data.ctrl
        site_xpos, site_xmat = data.site_xpos[site], data.site_xmat[site]
        qpos[:], qvel[:] = start[:n], start[n:]
        for k in range(steps):
            states[k, :n], states[k, n:] = qpos, qvel
            effort = efforts[k]
            if excess:
                effort = effort + self.bias_nm(states[k, :n], states[k, n:])
            if gains is not None:
                effort = effort + gains[k] @ (states[k] - reference[k])
            ctrl[:] = applied[k] = np.minimum(np.maximum(effort, -limits_nm), limits_nm)
            mujoco.mj_step(model, data)
            # A step leaves forces and kinematics of the state that it started from.
            bias[k] = carrying_effort_nm(data)
            position[k], rotation[k] = site_xpos, site_xmat
        states[steps, :n], states[steps, n:] = qpos, qvel
        mujoco.mj_kinematics(model, data)
        position[steps], rotation[steps] = site_xpos, site_xmat
        return Rollout(states, applied, bias, position, rotation[:, 2::3], rotation[:, 0::3])

    def linearise(self, rollout: Rollout, closed_form: bool = False) -> Linearisation:
        """Return the derivatives along a rollout.

        closed_form: those of `dynamics`, in place of MuJoCo's finite differences, which know every
        force that MuJoCo does and are good to six digits.
        """
        model, data, site, n = self.model, self.data, self._site, self.num_joints
        steps = len(rollout.efforts)
        jacobian, turn = np.empty((steps + 1, 3, n)), np.empty((steps + 1, 3, n))
        for k in range(steps + 1):
            data.qpos[:] = rollout.states[k, :n]
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_jacSite(model, data, jacobian[k], turn[k], site)
        if closed_form:
            states = rollout.states
            accelerations = np.diff(states[:, n:], axis=0) / self.step_s
            dynamics = self.dynamics.linearise(states[:-1, :n], states[:-1, n:], accelerations)
        else:
            dynamics = self._differences(rollout)
        return Linearisation(dynamics, jacobian, turn)

    def _differences(self, rollout: Rollout) -> np.ndarray:
        """Return the derivatives of steps (N, 2n, 3n) by finite differences."""
        model, data, n = self.model, self.data, self.num_joints
        steps = len(rollout.efforts)
        a, b = np.empty((2 * n, 2 * n)), np.empty((2 * n, n))
        dynamics = np.empty((steps, 2 * n, 3 * n))
        for k in range(0, steps, _DIFFERENCES_EVERY):
            data.qpos[:], data.qvel[:] = rollout.states[k, :n], rollout.states[k, n:]
            data.ctrl[:] = rollout.efforts[k]
            mujoco.mjd_transitionFD(model, data, _FINITE_DIFFERENCE, False, a, b, None, None)
            dynamics[k : k + _DIFFERENCES_EVERY, :, : 2 * n] = a
            dynamics[k : k + _DIFFERENCES_EVERY, :, 2 * n :] = b
        return dynamics


def plan_spec(arm: ArmConfig, step_s: float) -> mujoco.MjSpec:
    """Return the arm alone, without what it looks like, contacts, friction and limits."""
    spec = _stripped(arm_spec(arm))
    spec.option.timestep = step_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # A diverged rollout must show: MuJoCo would otherwise put the arm back to zero.
    spec.option.disableflags |= int(
        mujoco.mjtDisableBit.mjDSBL_CONSTRAINT | mujoco.mjtDisableBit.mjDSBL_AUTORESET
    )
    return spec


def _stripped(spec: mujoco.MjSpec) -> mujoco.MjSpec:
    """Return the spec without geoms, its welded bodies fused: a step then costs a third."""
    full = spec.compile()
    for body in spec.bodies[1:]:
        compiled = full.body(body.name)
        body.explicitinertial = True
        body.mass = compiled.mass[0]
        body.ipos, body.iquat = compiled.ipos, compiled.iquat
        body.inertia = compiled.inertia
    wrapped = {
        step.target.name
        for tendon in spec.tendons
        for step in tendon.path
        if step.type in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER)
    }
    geoms = [geom for geom in spec.geoms if geom.name not in wrapped]
    for element in [*spec.pairs, *spec.excludes, *geoms, *spec.meshes]:
        spec.delete(element)
    # A fused body would take its parent's counterweight.
    spec.compiler.fusestatic = len({body.gravcomp for body in spec.bodies[1:]}) == 1
    return spec
