# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The full MuJoCo scene: arm, table, coloured entities, camera and light."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.contacts import touching_pairs
from ebm_concept_ros.arm.model import arm_spec
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.workspace import Workspace

TABLE_RGBA = (0.82, 0.80, 0.77, 1.0)
COLUMN_RGBA = (0.35, 0.36, 0.38, 1.0)
_TABLE_THICKNESS_M = 0.04
# Tables go on at least as far behind the origin of the base frame.
NEAR_EDGE_M = -0.2
COLUMN_RADIUS_M = 0.075
_FLUSH_M = 1e-3


def scene_spec(
    arm: ArmConfig, workspace: Workspace, table_scene: TableScene, timestep_s: float
) -> mujoco.MjSpec:
    """Return arm, table and entities. Each entity is a mocap body.

    Mocap bodies can be moved between steps, and are not pushed by what touches them. Raises
    ConfigError as `bare_table_spec`.
    """
    spec = bare_table_spec(arm, workspace, timestep_s)
    for entity in table_scene.entities:
        _add_entity(spec, entity, workspace.table_height_in_base_m)
    return spec


def bare_table_spec(arm: ArmConfig, workspace: Workspace, timestep_s: float) -> mujoco.MjSpec:
    """Return arm and table, on which nothing stands.

    What this adds has names of its own, which no name in the arm's file can be. Raises ConfigError,
    also for a floor of the file that lies above the table.
    """
    spec = arm_spec(arm)
    _check_floors(spec, workspace)
    spec.option.timestep = timestep_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    half_table = workspace.half_width_units * workspace.metres_per_unit + 0.12
    far_edge = workspace.centre_in_base_m[0] + half_table
    near_edge = min(NEAR_EDGE_M, workspace.centre_in_base_m[0] - half_table)
    top = workspace.table_height_in_base_m
    middle = [(far_edge + near_edge) / 2, workspace.centre_in_base_m[1]]
    add_table(spec, middle, [(far_edge - near_edge) / 2, half_table + 0.05], top)
    add_column(spec, arm.base.position_m, top)
    return spec


def add_table(
    spec: mujoco.MjSpec, middle_m: Sequence[float], halves_m: Sequence[float], top_m: float
) -> None:
    """Add a table with its middle at x and y, half as long and wide as said, m."""
    # A body of its own: contacts of the arm's base can be left out, those of the table not.
    spec.worldbody.add_body(name=own('table')).add_geom(
        name=own('table'),
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[*halves_m, _TABLE_THICKNESS_M / 2],
        pos=[*middle_m, top_m - _TABLE_THICKNESS_M / 2],
        rgba=TABLE_RGBA,
    )


def add_column(
    spec: mujoco.MjSpec,
    base_m: Sequence[float],
    table_height_m: float,
    radius_m: float = COLUMN_RADIUS_M,
) -> None:
    """Put something under a base at a place (3,) m that is higher than the table."""
    x, y, z = base_m
    half = (z - table_height_m) / 2
    if half > 0:
        spec.worldbody.add_body(name=own('column')).add_geom(
            name=own('column'),
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=[radius_m, half, 0],
            pos=[x, y, table_height_m + half],
            rgba=COLUMN_RGBA,
        )


def check_home_is_clear(arm: ArmConfig, model: mujoco.MjModel) -> None:
    """Raise ConfigError where the arm touches the table at home; model: of the scene."""
    for pair, depth_m in touching_pairs(model, arm.home_rad).items():
        if own('table') in pair:
            body = next(name for name in pair if name != own('table'))
            raise ConfigError(
                f'home_rad: {body} is {1e3 * depth_m:.1f} mm deep in the table at home; choose '
                'another home, another base.position_m, or a workspace whose table is lower'
            )


def _check_floors(spec: mujoco.MjSpec, workspace: Workspace) -> None:
    model = spec.compile()
    for geom in spec.worldbody.geoms:
        if geom.type != mujoco.mjtGeom.mjGEOM_PLANE:
            continue
        height_m = model.geom_pos[geom.id, 2]
        if height_m > workspace.table_height_in_base_m + _FLUSH_M:
            raise ConfigError(
                f'model: the floor {geom.name or "without a name"} of the model file lies at '
                f'{height_m:.3g} m, above the table at {workspace.table_height_in_base_m:.3g} m; '
                'remove it, or change table_height_in_base_m of the workspace'
            )


def _add_entity(spec: mujoco.MjSpec, entity: TableEntity, table_height_m: float) -> None:
    x, y = entity.position_in_base_m
    half = entity.height_m / 2
    body = spec.worldbody.add_body(
        name=own(entity.id), mocap=True, pos=[x, y, table_height_m + half]
    )
    rgba = [*entity.rgb, 1.0]
    radius = entity.radius_m
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    if entity.shape == 'circle':
        body.add_geom(type=cylinder, size=[radius, half, 0], rgba=rgba)
    elif entity.shape == 'square':
        body.add_geom(type=box, size=[radius * 0.85, radius * 0.85, half], rgba=rgba)
    elif entity.shape == 'cross':
        for size in ([radius, radius / 3, half], [radius / 3, radius, half]):
            body.add_geom(type=box, size=size, rgba=rgba)
    else:
        mesh = spec.add_mesh(name=own(f'{entity.id}_prism'), uservert=_prism(radius, half).ravel())
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, rgba=rgba)


def _prism(radius_m: float, half_height_m: float) -> np.ndarray:
    """Return the (6, 3) corners of an upright triangular prism, m."""
    angles = [math.pi / 2 + k * 2 * math.pi / 3 for k in range(3)]
    return np.array(
        [
            (1.2 * radius_m * math.cos(a), 1.2 * radius_m * math.sin(a), z)
            for z in (-half_height_m, half_height_m)
            for a in angles
        ]
    )
