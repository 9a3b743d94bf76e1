# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Points on the surface of a model's geometry."""

from __future__ import annotations

import mujoco
import numpy as np


def outline(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """Return points (M, 3) in the geom's frame that no part of it reaches beyond, m."""
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        first = model.mesh_vertadr[mesh]
        return model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
    # The corners of the box around it.
    centre, half = np.split(model.geom_aabb[geom], 2)
    signs = np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3)
    return centre + half * signs
