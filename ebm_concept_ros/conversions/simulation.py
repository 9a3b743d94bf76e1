# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Places and results of the simulator's services."""

from __future__ import annotations

import math

from geometry_msgs.msg import Pose

import ebm_concept_ros.msg as ros
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

_TURNED = 1e-6


def place_from_pose(
    pose: Pose, frame_id: str, workspace: Workspace, field: str
) -> tuple[float, float]:
    """Return (x, y) m in the base frame; raises InvalidInput. An empty frame is the base.

    The height is the table's, whatever the pose says; a turned entity is refused.
    """
    if frame_id not in ('', workspace.base_frame):
        raise InvalidInput(
            f'{field}.header.frame_id: {frame_id!r} is unknown, allowed are '
            f'{workspace.base_frame!r} and nothing'
        )
    for axis in 'xyz':
        value = getattr(pose.position, axis)
        if not math.isfinite(value):
            raise InvalidInput(f'{field}.pose.position.{axis}: {value} is not finite')
    turned = [getattr(pose.orientation, axis) for axis in 'xyz']
    if not all(abs(value) <= _TURNED for value in turned):
        raise InvalidInput(f'{field}.pose.orientation: {turned} is turned, entities are not')
    return pose.position.x, pose.position.y


def result_message(code: int = ros.Result.RESULT_OK, reason: str = '') -> ros.Result:
    """Return what became of a request."""
    return ros.Result(result=code, error_message=reason)
