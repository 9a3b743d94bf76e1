# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes of blocks that can be picked up: with what they are, how they lie and how they are turned.

In messages the pose of a block is that of the middle of its foot, elsewhere that of its middle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from geometry_msgs.msg import Quaternion
from pydantic import ValidationError
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID
from ebm_concept_ros.config_files import describe
from ebm_concept_ros.conversions.scenes import entity_message, scene_from_message
from ebm_concept_ros.conversions.stamps import ns_to_stamp, stamp_to_ns
from ebm_concept_ros.grasping.blocks import SEEN_AS, Block, BlockTable, Pose
from ebm_concept_ros.grasping.sensed import SeenBlocks
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import ACTOR_COLOUR, COLOURS, SHAPES, InvalidInput, Scene

_KINDS = {SHAPES.index(seen): kind for kind, seen in SEEN_AS.items()}
_UNIT_WITHIN = 0.01


def blocks_to_message(
    table: BlockTable,
    poses: Mapping[str, Pose],
    grasp_pose: Pose,
    workspace: Workspace,
    stamp_ns: int = 0,
) -> ros.Scene:
    """Return the message of blocks and of the hand's grasp centre, in the base frame.

    The grasp centre is the effector: the actor, a movable black cross.
    """
    header = Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.base_frame)
    entities = [_block(block, poses[block.id]) for block in table.blocks]
    cross = SHAPES.index('cross')
    effector = entity_message(EFFECTOR_ID, grasp_pose.position_m, ACTOR_COLOUR, cross, True)
    effector.pose.orientation = _quaternion(grasp_pose.rotation)
    return ros.Scene(header=header, entities=[*entities, effector])


def _block(block: Block, pose: Pose) -> ros.Entity:
    foot = pose.of(np.array([0.0, 0.0, -block.height_m / 2]))
    size_m = (block.footprint.radius_m, block.height_m)
    shape, rgb = SHAPES.index(block.seen_as), COLOURS[block.colour]
    message = entity_message(block.id, foot, rgb, shape, False, size_m)
    message.width, message.depth = block.width_m, block.depth_m or 0.0
    message.pose.orientation = _quaternion(pose.rotation)
    return message


def _quaternion(rotation: np.ndarray) -> Quaternion:
    w, x, y, z = _from_matrix(rotation)
    return Quaternion(w=w, x=x, y=y, z=z)


def _from_matrix(rotation: np.ndarray) -> list[float]:
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    return quaternion.tolist()


class BlockReader:
    """Reads one scene of blocks after the other; what does not change is made once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: tuple[object, ...] = ()
        self._table: BlockTable | None = None

    def read(self, message: ros.Scene) -> SeenBlocks:
        """Return what stands on the table, without who acts.

        Raises InvalidInput, also for what cannot be told to be a block.
        """
        scene = scene_from_message(message, self._workspace).scene
        if message.header.frame_id != self._workspace.base_frame:
            raise InvalidInput(
                f'scene.header.frame_id: {message.header.frame_id!r} refused, blocks are in '
                f'{self._workspace.base_frame!r}'
            )
        entities = [e for e in message.entities if not e.movable]
        if not entities:
            raise InvalidInput('scene.entities: no blocks, at least one is needed')
        known = tuple((e.id, e.shape, e.width, e.depth, e.height) for e in entities)
        if known != self._known:
            self._table, self._known = _read_table(entities), known
        poses = {
            entity.id: _pose(entity, block.height_m)
            for entity, block in zip(entities, self._table.blocks, strict=True)
        }
        stays = ~scene.movable
        return SeenBlocks(
            stamp_to_ns(message.header.stamp),
            self._table,
            poses,
            Scene(
                *(scene.positions[stays], scene.colours[stays]),
                *(scene.shapes[stays], scene.movable[stays]),
            ),
        )


def _read_table(entities: Sequence[ros.Entity]) -> BlockTable:
    blocks = tuple(map(_read_block, entities))
    try:
        return BlockTable(blocks=blocks)
    except ValidationError as error:
        reason = error.errors()[0]['msg'].removeprefix('Value error, ')
        raise InvalidInput(f'scene.entities: {reason}') from None


def _read_block(entity: ros.Entity) -> Block:
    where = f'scene.entities: {entity.id!r}'
    if entity.shape not in _KINDS:
        raise InvalidInput(f'{where}: shape {SHAPES[entity.shape]} refused, no hand can grip it')
    place = entity.pose.position
    try:
        return Block(
            id=entity.id,
            shape=_KINDS[entity.shape],
            width_m=entity.width,
            depth_m=entity.depth or None,
            height_m=entity.height,
            position_in_base_m=(place.x, place.y),
        )
    except ValidationError as error:
        raise InvalidInput(f'{where}: {describe(error)}') from None


def _pose(entity: ros.Entity, height_m: float) -> Pose:
    place, turn = entity.pose.position, entity.pose.orientation
    quaternion = np.array([turn.w, turn.x, turn.y, turn.z])
    length = math.sqrt(float(quaternion @ quaternion))
    if not abs(length - 1.0) <= _UNIT_WITHIN:  # NaN is refused too
        raise InvalidInput(
            f'scene.entities: {entity.id!r}: pose.orientation: of length {length:g}, 1 is needed'
        )
    if not math.isfinite(place.z):
        raise InvalidInput(f'scene.entities: {entity.id!r}: pose.position.z: {place.z}')
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, quaternion / length)
    rotation = rotation.reshape(3, 3)
    foot = np.array([place.x, place.y, place.z])
    return Pose(foot + rotation[:, 2] * height_m / 2, rotation)
