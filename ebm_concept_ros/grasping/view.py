# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known at one instant, which phases and the watch decide by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.grasping.blocks import Block, Pose


@dataclass(frozen=True, eq=False)
class View:
    """Poses, and the joints of arm and hand, at a time.

    hand: of the grasp centre. blocks: by id. velocities_rad_s: (n,) of the arm.
    fingers_rad: (f,).
    """

    time_s: float
    hand: Pose
    blocks: Mapping[str, Pose]
    velocities_rad_s: np.ndarray
    fingers_rad: np.ndarray


def lowest_m(block: Block, pose: Pose) -> float:
    """Return the height of a block's lowest corner in the base frame, m."""
    return float(pose.of(block.corners())[:, 2].min())


def highest_m(block: Block, pose: Pose) -> float:
    """Return the height of its highest corner."""
    return float(pose.of(block.corners())[:, 2].max())
