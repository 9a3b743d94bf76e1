# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the effector is: at the far end of what the last joint moves, looking away from the arm."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import SiteConfig
from ebm_concept_ros.arm.geometry import outline

_FAR_END_SHARE = 0.2
_ALONG_AXIS, _ALONG_ARM = 0.8, 0.5


def site_at_the_end(model: mujoco.MjModel, joint: str, body: str) -> SiteConfig:
    """Return a site on `body`, which `joint` is the last to move, with its z axis outwards.

    Its axis is the joint's where the hand lies along that, or else the body's own axis that comes
    nearest. model: hands held, so that they are one piece with the body.
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    index, last = model.body(body).id, model.joint(joint).id
    points = _points(model, data, index)
    rotation = data.xmat[index].reshape(3, 3)
    axis = rotation.T @ data.xaxis[last]
    anchor = _local(data, index, data.xanchor[last])
    before = _local(data, index, data.xanchor[max(last - 1, 0)])
    outwards = _outwards(points, axis, anchor, before)
    along = points @ outwards
    far = points[along >= along.max() - _FAR_END_SHARE * (np.ptp(along) + 1e-9)]
    sideways = (far.min(0) + far.max(0)) / 2
    place = sideways + outwards * (along.max() - sideways @ outwards)
    if abs(outwards @ axis) > 0.999 and np.linalg.norm(np.cross(place - anchor, axis)) < 0.02:
        place = anchor + axis * ((place - anchor) @ axis)  # a hand that is centred on its joint
    return SiteConfig(
        body=body,
        position_m=tuple(float(value) for value in place.round(4)),
        rpy_rad=_rpy_of_z(outwards),
    )


def _rpy_of_z(direction: np.ndarray) -> tuple[float, float, float]:
    """Return roll, pitch and yaw of a frame whose z axis points along a unit vector, rad."""
    pitch = np.arctan2(np.hypot(direction[0], direction[1]), direction[2])
    yaw = np.arctan2(direction[1], direction[0]) if np.sin(pitch) > 1e-9 else 0.0
    return 0.0, round(float(pitch), 5), round(float(yaw), 5)


def _outwards(
    points: np.ndarray, axis: np.ndarray, anchor: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Return the unit vector from the arm out of the hand; all in the body's frame."""
    centre = (points.min(0) + points.max(0)) / 2
    # From the joint before it: a flange may lie behind the origin of its own link.
    for origin, share in ((before, _ALONG_ARM), (anchor, _ALONG_AXIS)):
        away = centre - origin
        length = np.linalg.norm(away)
        if length > 1e-3 and abs(away @ axis) > share * length:
            return axis * np.sign(away @ axis)
    away = centre - anchor
    nearest = int(np.abs(away).argmax())
    return np.eye(3)[nearest] * (np.sign(away[nearest]) or 1.0)


def _points(model: mujoco.MjModel, data: mujoco.MjData, body: int) -> np.ndarray:
    """Return points (M, 3) on all that is one piece with a body, in its frame, m."""
    piece = model.body_weldid[body]
    points = [_local(data, body, data.xpos[i]) for i in np.flatnonzero(model.body_weldid == piece)]
    for geom in np.flatnonzero(model.body_weldid[model.geom_bodyid] == piece):
        in_world = (
            outline(model, geom) @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        )
        points.extend(_local(data, body, point) for point in in_world)
    return np.array(points)


def _local(data: mujoco.MjData, body: int, point: np.ndarray) -> np.ndarray:
    return data.xmat[body].reshape(3, 3).T @ (point - data.xpos[body])
