# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the effector is, for many postures at once: geometry alone, without masses and motors."""

from __future__ import annotations

import mujoco
import numpy as np

_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)


class Kinematics:
    """The chain from the world to a site, as the arm's model file has it."""

    def __init__(self, model: mujoco.MjModel, site: str) -> None:
        """model: with no joints but hinges and slides."""
        site_id = model.site(site).id
        chain, body = [], int(model.site_bodyid[site_id])
        while body:
            chain.append(body)
            body = int(model.body_parentid[body])
        # Parts of (offset, turn, joints), each joint with its anchor and axis in the body's frame.
        self._parts = []
        for body in reversed(chain):
            first = int(model.body_jntadr[body])
            joints = range(first, first + int(model.body_jntnum[body]))
            self._parts.append(
                (
                    model.body_pos[body].copy(),
                    _matrix(model.body_quat[body]),
                    [
                        (
                            int(model.jnt_qposadr[joint]),
                            int(model.jnt_type[joint]) == _HINGE,
                            model.jnt_pos[joint].copy(),
                            model.jnt_axis[joint].copy(),
                            float(model.qpos0[model.jnt_qposadr[joint]]),
                        )
                        for joint in joints
                    ],
                )
            )
        self._site = model.site_pos[site_id].copy(), _matrix(model.site_quat[site_id])

    def __call__(self, positions_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return places in the base frame (..., 3) m and z axes (..., 3), for postures (..., n)."""
        place, turn = np.zeros((*positions_rad.shape[:-1], 3)), np.eye(3)
        for offset, own, joints in self._parts:
            place = place + turn @ offset
            turn = turn @ own
            for index, hinge, anchor, axis, zero in joints:
                angle = positions_rad[..., index] - zero
                if hinge:
                    rotated = turn @ _rotations(axis, angle)
                    place = place + (turn - rotated) @ anchor
                    turn = rotated
                else:
                    place = place + angle[..., None] * (turn @ axis)
        offset, own = self._site
        return place + turn @ offset, (turn @ own)[..., 2]


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _rotations(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return rotations (..., 3, 3) by angles (...,) about a unit axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, rest = np.sin(angle)[..., None, None], 1 - np.cos(angle)[..., None, None]
    return np.eye(3) + sine * cross + rest * (cross @ cross)
