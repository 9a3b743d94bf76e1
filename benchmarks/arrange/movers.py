# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who carries the blocks: nobody, so that they are there at once, or the arm by torques."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.arrange.objects import USUAL, Objects, drawn
from benchmarks.arrange.tasks import Task
from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.grasping.mover import BlockMover
from ebm_concept_ros.grasping.random_table import SLENDEREST
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.workspace import Workspace

_AT_REST_S, _TILTED_RAD, _SUNK_M = 0.5, 0.09, 0.005
_STILL_M = 0.0005  # that something at rest may move while it is watched


@dataclass(frozen=True)
class Placed:
    """The outcome of a move that takes no time."""

    success: bool = True
    reason: str = ''


class AtOnce:
    """Things are where they are to be, exactly."""

    def __init__(self, task: Task) -> None:
        self._standing = {each.id: each for each in task.standing}
        self.time_s = self.hand_yaw_rad = 0.0

    def standing(self) -> list[Standing]:
        """Return what stands where."""
        return list(self._standing.values())

    def move(self, move: Move) -> Placed:
        """Put something elsewhere."""
        thing = self._standing[move.entity]
        yaw = thing.yaw_rad + move.place_yaw_rad - move.pick_yaw_rad
        self._standing[move.entity] = thing.at(np.array(move.place_in_base_m), yaw)
        return Placed()

    def unrest(self) -> str:
        """Return nothing: all is at rest."""
        return ''


class ByTorque(BlockMover):
    """The arm's own hand, in lockstep."""

    def __init__(
        self,
        task: Task,
        seed: int,
        arm: ArmConfig,
        hand: HandConfig,
        workspace: Workspace,
        objects: Objects = USUAL,
    ) -> None:
        rng = np.random.default_rng([seed, 1])
        table = BlockTable(blocks=tuple(_block(rng, each, objects) for each in task.standing))
        super().__init__(BlockSimulation(arm, hand, workspace, table))

    @property
    def time_s(self) -> float:
        """Return the simulated time, s."""
        return self.simulation.time_s

    def unrest(self) -> str:
        """Return what has fallen or moves, or nothing, after watching for a while."""
        before = self.simulation.block_poses()
        self.arm.hold(_AT_REST_S)
        table_m = self.simulation.workspace.table_height_in_base_m
        for block in self.simulation.table.blocks:
            pose = self.simulation.block_pose(block.id)
            sunk_m = table_m + block.height_m / 2 - pose.position_m[2]
            if pose.tilt_rad > _TILTED_RAD or abs(sunk_m) > _SUNK_M:
                return f'{block.id} has fallen'
            if np.linalg.norm(pose.position_m - before[block.id].position_m) > _STILL_M:
                return f'{block.id} moves'
        return ''


def _block(rng: np.random.Generator, thing: Standing, objects: Objects) -> Block:
    """Return a block of that footprint, of a height, mass and friction at random."""
    footprint = thing.footprint
    height_m = min(drawn(rng, objects.size_m), SLENDEREST * footprint.narrowest_m)
    return Block(
        id=thing.id,
        shape=footprint.shape,
        width_m=footprint.width_m,
        depth_m=footprint.depth_m,
        height_m=round(height_m, 4),
        mass_kg=round(drawn(rng, objects.mass_kg), 4),
        friction=round(drawn(rng, objects.friction), 3),
        position_in_base_m=thing.position_in_base_m,
        yaw_rad=thing.yaw_rad,
    )
