# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm as whoever carries a plan out wants it: `arranging.enacting.enact`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.pick_and_place import MoveRefused, PickAndPlace
from ebm_concept_ros.grasping.stages import Stage
from ebm_concept_ros.grasping.world import BlockWorld, WorldChanged

# Where a block that is in the hand may be put down: here, or so far away, m, in so many directions.
_ASIDE_M, _DIRECTIONS = (0.05, 0.1, 0.15), 8


@dataclass(frozen=True)
class Refused:
    """What came of a move that cannot be, or cannot go on, and why."""

    reason: str
    success: bool = False


class BlockMover:
    """Carries the blocks of a world by torques."""

    def __init__(
        self, simulation: BlockWorld, each_step: Callable[[Stage], None] | None = None
    ) -> None:
        """simulation: or what is like one. each_step: as of `PickAndPlace.move`."""
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
        except (MoveRefused, WorldChanged) as error:
            return Refused(str(error))

    def put_down(self) -> Outcome | Refused | None:
        """Put down what is in the hand, as near as there is room; None: the hand is empty."""
        outcome = None
        for x, y in self._places_nearby():
            # Whoever was moved before anything was tried is still in the hand.
            if (held := self.arm.in_the_hand) is None:
                break
            yaw_rad = self.hand_yaw_rad
            outcome = self.move(Move(held, (x, y), yaw_rad, yaw_rad))
        return outcome

    def _places_nearby(self) -> Iterator[tuple[float, float]]:
        held = self.arm.in_the_hand
        pose = self.simulation.block_poses().get(held)
        if pose is None:
            return
        x, y, _ = pose.position_m.tolist()
        yield x, y
        for away_m in _ASIDE_M:
            for k in range(_DIRECTIONS):
                angle = 2 * math.pi * k / _DIRECTIONS
                yield x + away_m * math.cos(angle), y + away_m * math.sin(angle)


def standing(simulation: BlockWorld) -> list[Standing]:
    """Return what stands where, in the table's order."""
    poses, found = simulation.block_poses(), []
    for block in simulation.table.blocks:
        x, y = poses[block.id].position_m[:2].tolist()
        found.append(Standing(block.id, block.footprint, (x, y), poses[block.id].yaw_rad))
    return found
