# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Poles on the straight way: too tall to be passed above, and so to be gone around."""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.workspace import Workspace

RADIUS_M, HEIGHT_M = 0.012, 0.2
COLOUR = 'orange'  # not one that concepts are shown with here
# From a pole's axis to where the effector starts, and to where it is to go: there the hand leans.
START_CLEARANCE_M, GOAL_CLEARANCE_M = 0.13, 0.16
# From a pole's axis to the border of the plane: it leaves a way around.
_PASSAGE_M = 0.16
_GAP_M = 0.01


def with_obstacles(
    table: TableScene,
    count: int,
    start_m: np.ndarray,
    goal_m: np.ndarray,
    workspace: Workspace,
) -> TableScene | None:
    """Return the table with `count` poles evenly on the way from start to goal, (2,) m each.

    None where they find no room: the way is too short, something else stands there, or it is so
    near the border that no way leads around.
    """
    way_m = goal_m - start_m
    length_m = float(np.linalg.norm(way_m))
    free_m = length_m - START_CLEARANCE_M - GOAL_CLEARANCE_M
    if free_m < (count - 1) * (2 * RADIUS_M + _GAP_M) or free_m < 0:
        return None
    shares = [0.5] if count == 1 else np.linspace(0.0, 1.0, count)
    places = [start_m + way_m / length_m * (START_CLEARANCE_M + s * free_m) for s in shares]
    inside = workspace.half_width_units - _PASSAGE_M / workspace.metres_per_unit
    if np.abs(workspace.to_plane(np.array(places))).max() > inside:
        return None
    for entity in table.entities:
        nearest_m = np.linalg.norm(np.array(places) - entity.position_in_base_m, axis=1).min()
        if nearest_m < RADIUS_M + 1.2 * entity.radius_m + _GAP_M:  # a prism's corners stand out
            return None
    poles = tuple(
        TableEntity(
            id=f'obstacle_{number}',
            position_in_base_m=(round(float(x), 4), round(float(y), 4)),
            colour=COLOUR,
            radius_m=RADIUS_M,
            height_m=HEIGHT_M,
        )
        for number, (x, y) in enumerate(places)
    )
    return TableScene(entities=(*table.entities, *poles))
