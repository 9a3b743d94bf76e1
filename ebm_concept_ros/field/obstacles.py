# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which entities of a scene the arm would strike, and how wide a berth it has to give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.field.circles import NO_CIRCLES, Circles
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace

if TYPE_CHECKING:
    from ebm_concept_ros.arm.config import ArmConfig

# The hand sways by this much, up and down and to the sides, while the arm moves.
HEIGHT_MARGIN_M = 0.03
SIDE_MARGIN_M = 0.02


def hand_radius_m(arm: ArmConfig) -> float:
    """Return how far the hand reaches to the sides of its effector, at home, m.

    The hand is all that moves with the effector's body as one piece. What stands no higher than it
    strikes nothing else of the arm, as long as the arm reaches down from above.
    """
    # Imported here: what reasons about scenes alone needs no physics, which takes long to import.
    import mujoco

    from ebm_concept_ros.arm.geometry import outline
    from ebm_concept_ros.arm.model import arm_spec

    model = arm_spec(arm).compile()
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_kinematics(model, data)
    site = model.site(arm.effector_site).id
    hand = model.body_weldid[model.site_bodyid[site]]
    furthest = 0.0
    for geom in np.flatnonzero(model.body_weldid[model.geom_bodyid] == hand):
        if not (model.geom_contype[geom] or model.geom_conaffinity[geom]):
            continue
        points = outline(model, geom) @ data.geom_xmat[geom].reshape(3, 3).T
        offsets = (points + data.geom_xpos[geom] - data.site_xpos[site])[:, :2]
        furthest = max(furthest, float(np.linalg.norm(offsets, axis=1).max()))
    return furthest


def circles_to_avoid(scene: NamedScene, workspace: Workspace, hand_radius_m: float) -> Circles:
    """Return what the effector must stay out of: the still entities that it cannot pass above."""
    if scene.sizes_m is None:
        return NO_CIRCLES
    radii_m, heights_m = scene.sizes_m.T
    tall = ~scene.scene.movable & (heights_m > workspace.hover_height_m - HEIGHT_MARGIN_M)
    radii_m = radii_m[tall] + hand_radius_m + SIDE_MARGIN_M
    if not tall.any():
        return NO_CIRCLES
    above_m = max(0.0, heights_m[tall].max() + HEIGHT_MARGIN_M - workspace.hover_height_m)
    radii = radii_m / workspace.metres_per_unit
    return Circles(scene.scene.positions[tall], radii, float(above_m))
