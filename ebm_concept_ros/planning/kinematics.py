# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the effector is, for many postures at once: geometry alone, without masses and motors."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)


class _Joint(NamedTuple):
    """What a joint and all that lies between it and the next one inwards do to a place x.

    Of a hinge at angle q, by the rows of turns (9, 3): B x + sin q · S x + cos q · C x + offset
    (Rodrigues). Of a slide, by those of turns (3, 3): B x + q · along + offset.
    """

    index: int
    turns: np.ndarray
    along: np.ndarray | None
    offset: np.ndarray


class Kinematics:
    """The chain from the world to a site, as the arm's model file has it.

    It is followed from the hand inwards: a place and an axis are sooner turned than a frame.
    """

    def __init__(self, model: mujoco.MjModel, site: str) -> None:
        """model: with no joints but hinges and slides."""
        site_id = model.site(site).id
        body = int(model.site_bodyid[site_id])
        own = _matrix(model.site_quat[site_id])
        self._site = np.stack((model.site_pos[site_id], own[:, 2]), 1)
        self._zeros = model.qpos0.copy()
        self._joints: list[_Joint] = []
        joint, turn, offset = None, np.eye(3), np.zeros(3)
        while body:
            first = int(model.body_jntadr[body])
            for number in reversed(range(first, first + int(model.body_jntnum[body]))):
                # About its anchor a hinge turns what is before it.
                self._end(model, joint, turn, offset - model.jnt_pos[number])
                joint, turn, offset = number, np.eye(3), model.jnt_pos[number].copy()
            own = _matrix(model.body_quat[body])
            turn, offset = own @ turn, own @ offset + model.body_pos[body]
            body = int(model.body_parentid[body])
        self._end(model, joint, turn, offset)

    def _end(
        self, model: mujoco.MjModel, joint: int | None, turn: np.ndarray, offset: np.ndarray
    ) -> None:
        """Keep a joint and what comes after it; before the first one the site itself is moved."""
        if joint is None:
            self._site = turn @ self._site
            self._site[:, 0] += offset
            return
        index, axis = int(model.jnt_qposadr[joint]), model.jnt_axis[joint]
        if model.jnt_type[joint] == _HINGE:
            self._joints.append(_Joint(index, (turn @ _turns(axis)).reshape(9, 3), None, offset))
        else:
            self._joints.append(_Joint(index, turn, turn @ axis, offset))

    def __call__(self, positions_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return places in the base frame (..., 3) m and z axes (..., 3), for postures (..., n)."""
        before = positions_rad.shape[:-1]
        moved = positions_rad - self._zeros[: positions_rad.shape[-1]]
        angles = np.ascontiguousarray(moved.reshape(-1, moved.shape[-1]).T)
        sines, cosines = np.sin(angles), np.cos(angles)
        # (3, 2, postures): the place and the axis.
        pair = self._site[..., None]
        for index, turns, along, offset in self._joints:
            pair = (turns @ pair.reshape(3, -1)).reshape(len(turns), *pair.shape[1:])
            if along is None:
                pair = pair[:3] + sines[index] * pair[3:6] + cosines[index] * pair[6:]
            else:
                pair = np.repeat(pair, angles.shape[1] // pair.shape[2], 2)
                pair[:, 0] += along[:, None] * angles[index]
            pair[:, 0] += offset[:, None]
        pair = np.broadcast_to(pair, (3, 2, angles.shape[1]))
        place, axis = np.ascontiguousarray(pair.transpose(1, 2, 0))
        return place.reshape(*before, 3), axis.reshape(*before, 3)


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _turns(axis: np.ndarray) -> np.ndarray:
    """Return B, S and C (3, 3, 3) of a unit axis: a turn by q about it is B + sin q S + cos q C."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.stack((np.eye(3) + cross @ cross, cross, -cross @ cross))
