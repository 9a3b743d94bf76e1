# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm with its hand over a table of blocks: torques in, states and poses out."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.torque_simulation import TorqueSimulation
from ebm_concept_ros.grasping.block_scene import block_scene_spec
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.brakes import Braked, Brakes
from ebm_concept_ros.grasping.hand import (
    GRASP_SITE,
    HandConfig,
    with_grasp_site,
    with_live_fingers,
)
from ebm_concept_ros.workspace import Workspace

_SETTLING_S = 0.1


class BlockSimulation(TorqueSimulation):
    """An arm of n joints and f fingers, driven by torque motors, over free blocks.

    Joints are in the order of the arm's, then of the hand's: those of `live`, the arm whose
    effector is the grasp centre and whose fingers move. The torque of the last `apply` acts until
    the next one. Raises ConfigError where the hand is not that of the arm, or a block cannot be
    on its table.
    """

    def __init__(
        self,
        arm: ArmConfig,
        hand: HandConfig,
        workspace: Workspace,
        table: BlockTable,
        timestep_s: float = 0.002,
    ) -> None:
        self.arm, self.hand, self.workspace, self.table = arm, hand, workspace, table
        live = with_live_fingers(with_grasp_site(arm, hand), hand)
        super().__init__(live, block_scene_spec(live, workspace, table, timestep_s).compile())
        self.effort_rate_limits_nm_s = live.effort_rate_limits_nm_s
        self.velocity_limits_rad_s = live.velocity_limits_rad_s
        self._home_rad = live.home_rad
        self._brakes = Brakes(live, hand)
        self._braked: Braked | None = None  # while it holds
        self._site = self.model.site(GRASP_SITE).id
        self._bodies = {id_: self.model.body(own(id_)).id for id_ in table.ids}
        self.reset()

    @property
    def table_scene(self) -> BlockTable:
        """Return the table, as `ArmSimulation` calls it."""
        return self.table

    @property
    def grasp_pose(self) -> Pose:
        """Return where the grasp centre is; x of its frame is the closing axis, z points down."""
        return Pose(
            self.data.site_xpos[self._site].copy(),
            self.data.site_xmat[self._site].reshape(3, 3).copy(),
        )

    def block_pose(self, id_: str) -> Pose:
        """Return where the middle of a block is; raises KeyError."""
        body = self._bodies[id_]
        return Pose(self.data.xpos[body].copy(), self.data.xmat[body].reshape(3, 3).copy())

    def block_poses(self) -> dict[str, Pose]:
        """Return where all blocks are, by id."""
        return {id_: self.block_pose(id_) for id_ in self._bodies}

    def reset(self) -> None:
        """Go back to time zero: the arm at home and held, the hand open, the blocks settled."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[: self._n] = self._home_rad
        mujoco.mj_forward(self.model, self.data)
        for _ in range(round(_SETTLING_S / self.timestep_s)):
            self.apply(carrying_effort_nm(self.data)[: self._n])
            self.step()
        self.data.time = 0.0

    def apply(self, effort_nm: np.ndarray) -> None:
        """Set the torque, (n + f,) N·m, clipped to the limits; raises InvalidEffort."""
        super().apply(effort_nm)
        self._braked = None

    def hold_effort(self) -> np.ndarray:
        """Return the torque (n + f,) N·m with which all stays where it is, and what is gripped."""
        q, v, effort = self.joint_state
        braked = self._braked or self._brakes.braked(q, effort)
        return self._brakes.effort_nm(braked, carrying_effort_nm(self.data)[: self._n], q, v)

    def hold(self) -> None:
        """Set the torque that holds, or what its rate lets come nearest to it, for one step."""
        braked = self._braked or self._brakes.braked(*self.joint_state[::2])
        self._braked = braked
        super().hold()
        self._braked = braked

    def put(self, id_: str, pose: Pose) -> None:
        """Put a block elsewhere, at rest: what a person would do."""
        joint = self.model.joint(own(id_))
        position, velocity = joint.qposadr[0], joint.dofadr[0]
        self.data.qpos[position : position + 3] = pose.position_m
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, pose.rotation.ravel())
        self.data.qpos[position + 3 : position + 7] = quaternion
        self.data.qvel[velocity : velocity + 6] = 0.0
        mujoco.mj_forward(self.model, self.data)

    def move(self, id_: str, position_in_base_m: tuple[float, float]) -> None:
        """Stand a block upright at (x, y) m, turned as it is."""
        yaw = self.block_pose(id_).yaw_rad
        c, s = math.cos(yaw), math.sin(yaw)
        height_m = self.workspace.table_height_in_base_m + self.table[id_].height_m / 2
        upright = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        self.put(id_, Pose(np.array([*position_in_base_m, height_m]), upright))

    def take_over(self, former: BlockSimulation) -> None:
        """Go on from the state of a simulation of the same arm over another table.

        The blocks that both have stay where they are, and move as they do.
        """
        mine, theirs = self.data, former.data
        mine.time, mine.ctrl[:] = theirs.time, theirs.ctrl
        mine.qpos[: self._n], mine.qvel[: self._n] = theirs.qpos[: self._n], theirs.qvel[: self._n]
        for id_ in set(self._bodies) & set(former._bodies):
            here, there = self.model.joint(own(id_)), former.model.joint(own(id_))
            self.data.joint(here.id).qpos[:] = former.data.joint(there.id).qpos
            self.data.joint(here.id).qvel[:] = former.data.joint(there.id).qvel
        self._braked = former._braked
        mujoco.mj_forward(self.model, self.data)
