# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm with its hand over a table of blocks: torques in, states and poses out."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.simulation import within_limits_nm
from ebm_concept_ros.grasping.block_scene import block_scene_spec
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.hand import (
    GRASP_SITE,
    HandConfig,
    with_grasp_site,
    with_live_fingers,
)
from ebm_concept_ros.workspace import Workspace

_SETTLING_S = 0.1


class BlockSimulation:
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
        self.live = live = with_live_fingers(with_grasp_site(arm, hand), hand)
        self.model = block_scene_spec(live, workspace, table, timestep_s).compile()
        self.data = mujoco.MjData(self.model)
        self.effort_limits_nm = live.effort_limits_nm
        self.effort_rate_limits_nm_s = live.effort_rate_limits_nm_s
        self.velocity_limits_rad_s = live.velocity_limits_rad_s
        self._home_rad = live.home_rad
        self._n, self._all = len(arm.joints), len(live.joints)
        assert self.model.nu == self._all, 'motors are those of the arm and the hand'
        self._site = self.model.site(GRASP_SITE).id
        self._bodies = {id_: self.model.body(own(id_)).id for id_ in table.ids}
        self.reset()

    @property
    def timestep_s(self) -> float:
        """Return the simulation step, s."""
        return float(self.model.opt.timestep)

    @property
    def time_s(self) -> float:
        """Return the simulated time since reset, s."""
        return float(self.data.time)

    @property
    def joint_positions_rad(self) -> np.ndarray:
        """Return a copy, (n + f,) rad."""
        return self.data.qpos[: self._all].copy()

    @property
    def joint_velocities_rad_s(self) -> np.ndarray:
        """Return a copy, (n + f,) rad/s."""
        return self.data.qvel[: self._all].copy()

    @property
    def applied_effort_nm(self) -> np.ndarray:
        """Return a copy of the torque that acts now, (n + f,) N·m."""
        return self.data.ctrl.copy()

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
        self.data.qpos[: self._all] = self._home_rad
        mujoco.mj_forward(self.model, self.data)
        for _ in range(round(_SETTLING_S / self.timestep_s)):
            self.apply(carrying_effort_nm(self.data)[: self._all])
            self.step()
        self.data.time = 0.0

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

    def apply(self, effort_nm: np.ndarray) -> None:
        """Set the torque, (n + f,) N·m, clipped to the limits.

        Raises InvalidEffort when it has another length or is not finite; the last torque stays.
        """
        self.data.ctrl[:] = within_limits_nm(effort_nm, self.effort_limits_nm, self.live)

    def step(self) -> None:
        """Advance by one timestep."""
        # In two halves, so that poses belong to the state after the step.
        mujoco.mj_step2(self.model, self.data)
        mujoco.mj_step1(self.model, self.data)
