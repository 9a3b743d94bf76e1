# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A simulation of blocks that come, go and are put elsewhere while the arm stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.editable_simulation import EditableSimulation
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.grasping.blocks import MOST_BLOCKS, Block, BlockTable, Pose
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.workspace import Workspace


class EditableBlocks(EditableSimulation):
    """As `EditableSimulation`, of blocks and of an arm with its hand."""

    entity_type: ClassVar[type[Config]] = Block
    most: ClassVar[int] = MOST_BLOCKS

    def __init__(
        self,
        arm: ArmConfig,
        hand: HandConfig,
        workspace: Workspace,
        table: BlockTable,
        timestep_s: float,
    ) -> None:
        self._hand = hand
        super().__init__(arm, workspace, table, timestep_s)

    def _table(self, entities: Sequence[Block]) -> BlockTable:
        return BlockTable(blocks=tuple(entities))

    def _where(self, name: str) -> Pose:
        return self.sim.block_pose(name)

    def _back(self, name: str, where: Pose) -> None:
        self.sim.put(name, where)

    def _simulation(self, table: BlockTable) -> BlockSimulation:
        return BlockSimulation(self._arm, self._hand, self._workspace, table, self._timestep_s)
