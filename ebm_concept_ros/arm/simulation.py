# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm over its table: torques in, joint states out. No ROS in here."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import HoldLaw, carrying_effort_nm
from ebm_concept_ros.arm.scene_model import check_home_is_clear, scene_spec
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.arm.torque_simulation import TorqueSimulation
from ebm_concept_ros.workspace import Workspace


class ArmSimulation(TorqueSimulation):
    """An arm of n joints, driven by torque motors, in the full MuJoCo scene.

    The torque of the last `apply` acts until the next one; a fresh simulation holds. Raises
    ConfigError where the arm cannot start at home over this table.
    """

    def __init__(
        self,
        arm: ArmConfig,
        workspace: Workspace,
        table_scene: TableScene,
        timestep_s: float = 0.002,
    ) -> None:
        self.arm = arm
        self.workspace = workspace
        self.table_scene = table_scene
        super().__init__(arm, scene_spec(arm, workspace, table_scene, timestep_s).compile())
        check_home_is_clear(arm, self.model)
        # Entities are mocap bodies without joints, so the arm's come first and alone.
        assert self.model.nq == self.model.nv == self._n
        self._hold = HoldLaw(self.model, arm.home_rad, self.effort_limits_nm)
        self._site = self.model.site(arm.effector_site).id
        self.reset()

    @property
    def effector_in_base_m(self) -> np.ndarray:
        """Return a copy, (3,) m."""
        return self.data.site_xpos[self._site].copy()

    def reset(self) -> None:
        """Go back to time zero: the arm at home, at rest and held, entities where they started."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = self.arm.home_rad
        mujoco.mj_forward(self.model, self.data)
        self.apply(self.hold_effort())

    def hold_effort(self) -> np.ndarray:
        """Return the torque that carries the arm's weight and damps its motion, (n,) N·m."""
        return self._hold.effort_nm(carrying_effort_nm(self.data), self.data.qvel)

    def take_over(self, former: ArmSimulation) -> None:
        """Go on from the state of a simulation of the same arm over another table.

        The entities that both have stay where they are.
        """
        self.data.time = former.data.time
        for name in ('qpos', 'qvel', 'ctrl', 'qacc_warmstart'):
            getattr(self.data, name)[:] = getattr(former.data, name)
        places = dict(zip(former.table_scene.ids, former.data.mocap_pos, strict=True))
        for index, id_ in enumerate(self.table_scene.ids):
            if id_ in places:
                self.data.mocap_pos[index] = places[id_]
        mujoco.mj_forward(self.model, self.data)

    def move(self, id_: str, position_in_base_m: tuple[float, float]) -> None:
        """Put an entity of the table somewhere else, (x, y) m."""
        self.data.mocap_pos[self.table_scene.ids.index(id_), :2] = position_in_base_m
        mujoco.mj_forward(self.model, self.data)

    def entity_positions_in_base_m(self) -> np.ndarray:
        """Return (N, 2) m, in the order of the table scene."""
        return self.data.mocap_pos[:, :2].copy()
