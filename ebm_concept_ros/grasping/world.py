# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What moves are made in: a simulation, or an arm that is measured and blocks that are seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.workspace import Workspace


class WorldChanged(Exception):
    """What a move went by is not so any more, and it cannot go on; the message says what."""


class BlockWorld(Protocol):
    """An arm of n joints with a hand of f fingers over blocks; all as of the last step.

    Torques, joints and their limits (n + f,) are in the order of the arm's, then of the hand's.
    """

    arm: ArmConfig
    hand: HandConfig
    workspace: Workspace
    effort_limits_nm: np.ndarray
    effort_rate_limits_nm_s: np.ndarray
    velocity_limits_rad_s: np.ndarray

    @property
    def table(self) -> BlockTable:
        """Return what stands there."""

    @property
    def timestep_s(self) -> float:
        """Return the time from one torque to the next, s."""

    @property
    def time_s(self) -> float: ...

    @property
    def joint_positions_rad(self) -> np.ndarray: ...

    @property
    def joint_velocities_rad_s(self) -> np.ndarray: ...

    @property
    def applied_effort_nm(self) -> np.ndarray: ...

    @property
    def grasp_pose(self) -> Pose:
        """Return where the grasp centre is; x of its frame is the closing axis, z points down."""

    def block_poses(self) -> Mapping[str, Pose]:
        """Return where the middle of each block is, by id, at the time of `grasp_pose`."""

    def apply(self, effort_nm: np.ndarray) -> None:
        """Have this torque act from now on."""

    def step(self) -> None:
        """Return when the next torque is due; raises WorldChanged."""
