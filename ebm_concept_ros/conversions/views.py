# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies as a map, and links as transforms: what tools of ROS show without knowing this package.

Of a map they show whole numbers from 0 to 100, and for some of these they have colours of their
own. So the map does not say how high the energy is, which has no unit either, but which part of the
table is better: 1 where it is lowest, 98 where it is highest, and in between the number rises with
the share of the places whose energy is lower. -1 is where nothing is enacted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from nav_msgs.msg import OccupancyGrid
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from ebm_concept_ros.arm.link_tree import Pose, TreeJoint
from ebm_concept_ros.conversions.scenes import point
from ebm_concept_ros.conversions.stamps import ns_to_stamp
from ebm_concept_ros.types import EnergyOverTable

LOWEST, HIGHEST, UNKNOWN = 1, 98, -1


def energy_to_map(
    energy: EnergyOverTable, base_frame: str, height_m: float, stamp_ns: int
) -> OccupancyGrid:
    """Return the map of ranks, level in the base frame at height_m; a cell around each place."""
    message = OccupancyGrid(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=base_frame),
        data=array('b', ranks(energy.energies).T.tobytes()),
    )
    info = message.info
    info.map_load_time = message.header.stamp
    info.resolution = energy.resolution_m
    info.width, info.height = energy.energies.shape
    x, y = energy.origin_m[:2] - energy.resolution_m / 2
    info.origin.position = point((x, y, height_m))
    return message


def forgotten_map(message: OccupancyGrid) -> OccupancyGrid:
    """Return the same map with nothing on it."""
    data = array('b', [UNKNOWN]) * len(message.data)
    return OccupancyGrid(header=message.header, info=message.info, data=data)


def ranks(energies: np.ndarray) -> np.ndarray:
    """Return 1 to 98 for energies of any shape, by how many are lower; int8."""
    ordered = np.sort(energies, axis=None)
    lower = np.searchsorted(ordered, energies, side='left')
    highest = max(int(lower.max()), 1)
    return np.rint(LOWEST + (HIGHEST - LOWEST) * lower / highest).astype(np.int8)


def transforms_to_message(poses: Iterable[tuple[TreeJoint, Pose]], stamp_ns: int) -> TFMessage:
    """Return where the children of joints are in their parents."""
    stamp = ns_to_stamp(stamp_ns)
    return TFMessage(transforms=[_transform(joint, pose, stamp) for joint, pose in poses])


def _transform(joint: TreeJoint, pose: Pose, stamp: object) -> TransformStamped:
    message = TransformStamped(
        header=Header(stamp=stamp, frame_id=joint.parent), child_frame_id=joint.child
    )
    x, y, z = (float(value) for value in pose.position_m)
    message.transform.translation = Vector3(x=x, y=y, z=z)
    w, x, y, z = (float(value) for value in pose.quat)
    message.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
    return message
