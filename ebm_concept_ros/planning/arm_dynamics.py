# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The derivatives of a bare arm's dynamics, in closed form.

Finite differences of MuJoCo's steps are dear, and good to six digits. These are exact, from the
inverse dynamics: Singh, Russell and Wensing, "Efficient Analytical Derivatives of Rigid-Body
Dynamics using Spatial Vector Algebra" (RA-L 2022). Spatial vectors are (angular, linear) in the
base frame, taken at its origin.

`src/planning_kernel/arm.cpp` is the same compiled; the tests hold it against this.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

_HINGE = mujoco.mjtJoint.mjJNT_HINGE


@dataclass(frozen=True, eq=False)
class ArmDynamics:
    """An arm of n joints under its inertia, gravity, damping and springs, and nothing else.

    It is described in the base frame in the posture with every joint at its zero; a joint's body is
    all that moves with it and with no joint after it.

    parent: (n,) the joint before, -1 for none. slide: (n,) 0 for a hinge. zero: (n,) rad. axis:
    (n, 3). anchor: (n, 3) m. mass: (n,) kg. centre: (n, 3) m. inertia: (n, 3, 3) kg·m² about the
    centre of mass. damping: (n,) N·m·s/rad. armature: (n,) kg·m². stiffness: (n,) N·m/rad.
    spring_rad: (n,) where springs are at rest. gravity: (3,) m/s². site_joint: the last joint that
    moves the effector. site: (3,) m, where that is. site_axis, site_side: (3,) its z and x axes.
    """

    parent: np.ndarray
    slide: np.ndarray
    zero: np.ndarray
    axis: np.ndarray
    anchor: np.ndarray
    mass: np.ndarray
    centre: np.ndarray
    inertia: np.ndarray
    damping: np.ndarray
    armature: np.ndarray
    stiffness: np.ndarray
    spring_rad: np.ndarray
    gravity: np.ndarray
    site_joint: int
    site: np.ndarray
    site_axis: np.ndarray
    site_side: np.ndarray
    step_s: float

    @classmethod
    def of(cls, model: mujoco.MjModel, site: int) -> ArmDynamics:
        """Take the arm from a model of hinges and slides; site: number of the effector's."""
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)  # new data is in the posture of the zeros
        n = model.nv
        joints = model.dof_jntid
        mass, centre, inertia = np.zeros(n), np.zeros((n, 3)), np.zeros((n, 3, 3))
        # The last joint before each body, -1 where none is.
        last = (model.body_dofadr + model.body_dofnum - 1)[model.body_weldid]
        last[model.body_dofnum[model.body_weldid] == 0] = -1
        for body in np.flatnonzero(last >= 0):
            i, own = last[body], model.body_mass[body]
            turn, place = data.ximat[body].reshape(3, 3), data.xipos[body]
            before, centre_before = mass[i], centre[i].copy()
            mass[i] += own
            if mass[i] > 0.0:
                centre[i] = (before * centre_before + own * place) / mass[i]
            inertia[i] += (
                turn @ np.diag(model.body_inertia[body]) @ turn.T
                + before * _about(centre_before - centre[i])
                + own * _about(place - centre[i])
            )
        return cls(
            parent=model.dof_parentid.astype(np.int32),
            slide=(model.jnt_type[joints] != _HINGE).astype(np.int32),
            zero=model.qpos0.copy(),
            axis=data.xaxis[joints].copy(),
            anchor=data.xanchor[joints].copy(),
            mass=mass,
            centre=centre,
            inertia=inertia,
            damping=linear_coefficients(model.dof_damping, n),
            armature=model.dof_armature.copy(),
            stiffness=linear_coefficients(model.jnt_stiffness, n),
            spring_rad=model.qpos_spring.copy(),
            gravity=model.opt.gravity.copy(),
            site_joint=int(last[model.site_bodyid[site]]),
            site=data.site_xpos[site].copy(),
            site_axis=data.site_xmat[site].reshape(3, 3)[:, 2].copy(),
            site_side=data.site_xmat[site].reshape(3, 3)[:, 0].copy(),
            step_s=float(model.opt.timestep),
        )

    def linearise(
        self, positions: np.ndarray, velocities: np.ndarray, accelerations: np.ndarray
    ) -> np.ndarray:
        """Return how the state after a step depends on state and torque, (K, 2n, 3n).

        positions, velocities: (K, n) before the step; accelerations: (K, n), what the step, which
        takes damping implicitly, made of them.
        """
        n, identity = len(self.parent), np.eye(len(self.parent))
        inertia, by_position, by_velocity = self._inverse_dynamics(
            positions, velocities, accelerations
        )
        implicit = inertia + self.step_s * np.diag(self.damping)
        right = np.concatenate(
            [
                -by_position - np.diag(self.stiffness),
                -by_velocity - np.diag(self.damping),
                np.broadcast_to(identity, by_position.shape),
            ],
            axis=-1,
        )
        velocity = self.step_s * np.linalg.solve(implicit, right)
        velocity[..., n : 2 * n] += identity
        position = self.step_s * velocity
        position[..., :n] += identity
        return np.concatenate([position, velocity], axis=-2)

    def _inverse_dynamics(
        self, positions: np.ndarray, velocities: np.ndarray, accelerations: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the inertia (K, n, n) and the torques' derivatives by positions and velocities."""
        knots, n = positions.shape
        motion, body = self._posture(positions)
        nothing = np.zeros((knots, 6))
        falling = np.concatenate([np.zeros(3), -self.gravity]) + nothing
        velocity, acceleration = np.empty((n, knots, 6)), np.empty((n, knots, 6))
        force, rate, second = (np.empty((n, knots, 6)) for _ in range(3))
        coriolis = np.empty((n, knots, 6, 6))  # twice Singh's B
        for i in range(n):
            p, s = self.parent[i], motion[i]
            v_before = nothing if p < 0 else velocity[p]
            a_before = falling if p < 0 else acceleration[p]
            # How the joint's motion changes as its parent moves, and once more.
            rate[i] = _times(_moved(v_before), s)
            second[i] = _times(_moved(a_before), s) + _times(_moved(v_before), rate[i])
            velocity[i] = v_before + s * velocities[:, i, None]
            acceleration[i] = a_before + s * accelerations[:, i, None]
            acceleration[i] += rate[i] * velocities[:, i, None]
            moved = _moved(velocity[i])
            momentum = _times(body[i], velocity[i])
            pushed = -moved.transpose(0, 2, 1)
            force[i] = _times(body[i], acceleration[i]) + _times(pushed, momentum)
            coriolis[i] = pushed @ body[i] - body[i] @ moved + _force_moved(momentum)

        inertia = np.zeros((knots, n, n))
        by_position, by_velocity = np.zeros((knots, n, n)), np.zeros((knots, n, n))
        for i in reversed(range(n)):
            s = motion[i]
            inertia_force = _times(body[i], s)
            velocity_force = 2.0 * _times(body[i], rate[i]) + _times(coriolis[i], s)
            position_force = (
                _times(body[i], second[i])
                + _times(coriolis[i], rate[i])
                - _times(_moved(s).transpose(0, 2, 1), force[i])
            )
            row = _times(coriolis[i].transpose(0, 2, 1), s)
            j = i
            while j >= 0:
                inertia[:, i, j] = inertia[:, j, i] = _dot(motion[j], inertia_force)
                by_position[:, j, i] = _dot(motion[j], position_force)
                by_velocity[:, j, i] = _dot(motion[j], velocity_force)
                if j != i:
                    by_position[:, i, j] = _dot(row, rate[j]) + _dot(inertia_force, second[j])
                    by_velocity[:, i, j] = _dot(row, motion[j])
                    by_velocity[:, i, j] += 2.0 * _dot(inertia_force, rate[j])
                j = self.parent[j]
            inertia[:, i, i] += self.armature[i]
            if (p := self.parent[i]) >= 0:
                body[p] += body[i]
                coriolis[p] += coriolis[i]
                force[p] += force[i]
        return inertia, by_position, by_velocity

    def _posture(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the joints' motions (n, K, 6), and inertias (n, K, 6, 6) of their bodies."""
        knots, n = positions.shape
        motion, body = np.zeros((n, knots, 6)), np.zeros((n, knots, 6, 6))
        turns, places = np.empty((n, knots, 3, 3)), np.empty((n, knots, 3))
        for i in range(n):
            p = self.parent[i]
            turn = np.broadcast_to(np.eye(3), (knots, 3, 3)) if p < 0 else turns[p]
            place = np.zeros((knots, 3)) if p < 0 else places[p]
            angle = positions[:, i] - self.zero[i]
            axis = turn @ self.axis[i]
            if self.slide[i]:
                motion[i, :, 3:] = axis
                turns[i], places[i] = turn, place + angle[:, None] * axis
            else:
                anchor = turn @ self.anchor[i] + place
                motion[i, :, :3], motion[i, :, 3:] = axis, np.cross(anchor, axis)
                turns[i] = turn @ _rotations(self.axis[i], angle)
                places[i] = anchor - turns[i] @ self.anchor[i]
            moment = self.mass[i] * _cross(turns[i] @ self.centre[i] + places[i])
            body[i, :, :3, :3] = turns[i] @ self.inertia[i] @ turns[i].transpose(0, 2, 1)
            if self.mass[i] > 0.0:
                body[i, :, :3, :3] -= moment @ moment / self.mass[i]
            body[i, :, :3, 3:], body[i, :, 3:, :3] = moment, -moment
            body[i, :, 3:, 3:] = self.mass[i] * np.eye(3)
        return motion, body


def linear_coefficients(coefficients: np.ndarray, n: int) -> np.ndarray:
    """Return the linear ones: newer MuJoCo has polynomials."""
    return coefficients.reshape(n, -1)[:, 0].copy()


def _about(offset: np.ndarray) -> np.ndarray:
    """Return the inertia (3, 3) of one unit of mass at an offset (3,)."""
    return offset @ offset * np.eye(3) - np.outer(offset, offset)


def _rotations(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the rotations (K, 3, 3) about a unit axis by angles (K,), by Rodrigues' formula."""
    sine, versine = np.sin(angle)[:, None, None], 1.0 - np.cos(angle)[:, None, None]
    cross = _cross(axis)
    return np.eye(3) + sine * cross + versine * (cross @ cross)


def _cross(a: np.ndarray) -> np.ndarray:
    """Return the matrices (..., 3, 3) of the cross products with a (..., 3)."""
    x, y, z = np.moveaxis(a, -1, 0)
    zero = np.zeros_like(x)
    return np.stack(
        [
            np.stack([zero, -z, y], axis=-1),
            np.stack([z, zero, -x], axis=-1),
            np.stack([-y, x, zero], axis=-1),
        ],
        axis=-2,
    )


def _moved(v: np.ndarray) -> np.ndarray:
    """Return the matrices (K, 6, 6) of how motions change that are carried along by v (K, 6)."""
    out = np.zeros((*v.shape, 6))
    out[:, :3, :3] = out[:, 3:, 3:] = _cross(v[:, :3])
    out[:, 3:, :3] = _cross(v[:, 3:])
    return out


def _force_moved(f: np.ndarray) -> np.ndarray:
    """Return the matrices (K, 6, 6) that take a motion v to how a force f (K, 6) changes by it."""
    out = np.zeros((*f.shape, 6))
    out[:, :3, :3] = -_cross(f[:, :3])
    out[:, :3, 3:] = out[:, 3:, :3] = -_cross(f[:, 3:])
    return out


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrices @ vectors[..., None])[..., 0]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum('ki,ki->k', a, b)
