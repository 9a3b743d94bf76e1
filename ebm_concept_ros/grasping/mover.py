# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm as whoever carries a plan out wants it: `arranging.enacting.enact`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.pick_and_place import MoveRefused, PickAndPlace
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Stage


@dataclass(frozen=True)
class Refused:
    """What came of a move that cannot be: nothing has moved, and why."""

    reason: str
    success: bool = False


class BlockMover:
    """Carries the blocks of a simulation by torques."""

    def __init__(
        self, simulation: BlockSimulation, each_step: Callable[[Stage], None] | None = None
    ) -> None:
        """each_step: as of `PickAndPlace.move`."""
        self.simulation, self.arm = simulation, PickAndPlace(simulation)
        self._each_step = each_step

    @property
    def hand_yaw_rad(self) -> float:
        """Return the yaw of the hand's closing axis now."""
        return self.simulation.grasp_pose.yaw_rad

    def standing(self) -> list[Standing]:
        """Return what stands where now."""
        return standing(self.simulation)

    def move(self, move: Move) -> Outcome | Refused:
        """Carry a block, and return what came of it; a move that is refused has failed."""
        try:
            return self.arm.move(move, self._each_step)
        except MoveRefused as error:
            return Refused(str(error))


def standing(simulation: BlockSimulation) -> list[Standing]:
    """Return what stands where, in the table's order."""
    found = []
    for block in simulation.table.blocks:
        pose = simulation.block_pose(block.id)
        x, y = pose.position_m[:2].tolist()
        found.append(Standing(block.id, block.footprint, (x, y), pose.yaw_rad))
    return found
