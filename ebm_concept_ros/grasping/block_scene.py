# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The MuJoCo scene in which fingers hold things by friction alone, and why its contacts are so."""

from __future__ import annotations

import math

import mujoco

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.scene_model import bare_table_spec
from ebm_concept_ros.arm.table_scene import require_in_workspace
from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import COLOURS

# Friction of pyramids is weaker along some directions: what is held creeps.
_CONE = mujoco.mjtCone.mjCONE_ELLIPTIC
# How much stiffer friction is than the push that it comes of: at 1 what is held sinks.
_FRICTION_IMPEDANCE_RATIO = 10.0
# Touching things give by hundredths of a millimetre and come to rest within five steps: softer ones
# are pushed out of shape by the grip, and come out of the hand askew.
_SOLVER_REFERENCE = (0.01, 1.0)
_SOLVER_IMPEDANCE = (0.99, 0.999, 0.001, 0.5, 2.0)
# Fingertips are small faces, which resist a twist; the file's single points would not.
_DIMENSIONS = 4
_TORSION_M, _ROLLING_M = 0.005, 0.0001


def block_scene_spec(
    arm: ArmConfig, workspace: Workspace, table: BlockTable, timestep_s: float
) -> mujoco.MjSpec:
    """Return arm, table and free blocks, all standing.

    Raises ConfigError, also for a block off the workspace. The joints of the blocks come after
    those of the arm, six of each in the table's order.
    """
    spec = bare_table_spec(arm, workspace, timestep_s)
    spec.option.cone = _CONE
    spec.option.impratio = _FRICTION_IMPEDANCE_RATIO
    for block in table.blocks:
        where = f'blocks: {block.id!r}: position_in_base_m'
        require_in_workspace(block.position_in_base_m, workspace, where)
        _add_block(spec, block, workspace.table_height_in_base_m)
    for geom in spec.geoms:
        geom.solref, geom.solimp = _SOLVER_REFERENCE, _SOLVER_IMPEDANCE
    return spec


def _add_block(spec: mujoco.MjSpec, block: Block, table_height_m: float) -> None:
    half, yaw = block.height_m / 2, block.yaw_rad
    body = spec.worldbody.add_body(
        name=own(block.id),
        pos=[*block.position_in_base_m, table_height_m + half],
        quat=[math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)],
    )
    body.add_freejoint(name=own(block.id))
    geom = body.add_geom(
        name=own(block.id),
        mass=block.mass_kg,
        condim=_DIMENSIONS,
        friction=[block.friction, _TORSION_M, _ROLLING_M],
        priority=1,  # its friction counts, where otherwise the larger of two would
        rgba=[*COLOURS[block.colour], 1.0],
    )
    if block.shape == 'box':
        geom.type = mujoco.mjtGeom.mjGEOM_BOX
        geom.size = [block.width_m / 2, (block.depth_m or block.width_m) / 2, half]
    elif block.shape == 'cylinder':
        geom.type = mujoco.mjtGeom.mjGEOM_CYLINDER
        geom.size = [block.width_m / 2, half, 0.0]
    else:
        mesh = spec.add_mesh(name=own(block.id), uservert=block.corners().ravel())
        geom.type, geom.meshname = mujoco.mjtGeom.mjGEOM_MESH, mesh.name
