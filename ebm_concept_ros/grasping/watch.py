# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What may go wrong with a move, noticed from what is measured at every instant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from pydantic import Field

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.grasping.blocks import (
    Block,
    BlockTable,
    outline_in_base,
    separation_m,
)
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.grasping.phases import Phases
from ebm_concept_ros.grasping.stages import HOLDING, Phase, Stage, Target
from ebm_concept_ros.grasping.view import View, lowest_m

_REACHING = (Phase.ABOVE, Phase.DOWN)


class Kind(Enum):
    """What went wrong."""

    MOVED = auto()  # the block, before the hand was there
    MISSED = auto()  # the fingers closed on nothing
    SLIPPED = auto()  # within the hand, which still has it
    DROPPED = auto()  # out of the hand
    MISPLACED = auto()  # it stands elsewhere in the end
    FELL = auto()  # over, off the table, or onto something
    TAKEN = auto()  # the place
    TOO_LONG = auto()  # a phase


@dataclass(frozen=True)
class Trouble:
    """What went wrong, and in words."""

    kind: Kind
    reason: str


class WatchConfig(Config):
    """From when on something is trouble."""

    moved_m: float = Field(0.006, gt=0, le=0.1, description='of a block, before it is gripped, m')
    moved_rad: float = Field(0.15, gt=0, le=3, description='the same of its yaw')
    slipped_m: float = Field(0.008, gt=0, le=0.1, description='of a block in the hand, m')
    dropped_m: float = Field(0.03, gt=0, le=0.2, description='the same, where it is lost, m')
    missed_share: float = Field(
        0.35, gt=0, lt=1, description='of its half width that fingers are apart where it is not'
    )
    placed_within_m: float = Field(0.01, gt=0, le=0.1, description='of its place in the end, m')
    fallen_rad: float = Field(0.35, gt=0, le=1.5, description='off upright is fallen')
    overlap_m: float = Field(
        0.001, ge=0, le=0.05, description='that two blocks may stand in each other, for rounding, m'
    )


class Watch:
    """Looks at one move of a block."""

    def __init__(
        self,
        block: Block,
        table: BlockTable,
        table_height_m: float,
        hand: HandConfig,
        config: WatchConfig,
        timeout_s: float,
    ) -> None:
        """timeout_s: of each phase."""
        self._block, self._table, self._table_height_m = block, table, table_height_m
        self._hand, self._config, self._timeout_s = hand, config, timeout_s
        # Of a circle around each block.
        self._radius_m = {each.id: each.footprint.radius_m for each in table.blocks}

    def trouble(self, stage: Stage, phases: Phases, view: View) -> Trouble | None:
        """Return what is wrong at this instant, or None."""
        if stage.phase in _REACHING:
            found = self.fallen(view) or self._moved(phases, view)
        elif stage.phase is Phase.CLOSE:
            found = self._taken_away(phases, view)
        elif stage.phase in HOLDING:
            found = self._lost(phases, view)
        else:
            found = None
        if found is None and stage.phase in (*_REACHING, *HOLDING):
            found = self.taken(phases.target, view)
        if found is None and view.time_s - stage.begin_s > self._timeout_s:
            found = Trouble(
                Kind.TOO_LONG,
                f'{stage.phase.name} is not over after {self._timeout_s:g} s, '
                f'{1e3 * np.linalg.norm(view.hand.position_m - stage.path.goal_m):.0f} mm off',
            )
        return found

    def missed(self, phases: Phases, view: View) -> Trouble | None:
        """Return whether fingers that have closed have nothing between them."""
        half_m = self._hand.half_width_m(float(view.fingers_rad.mean()))
        # Fingers wrap around small blocks, and turn prisms between them: then it is where they are.
        away_m = math.dist(view.blocks[self._block.id].position_m[:2], view.hand.position_m[:2])
        if (
            half_m > self._config.missed_share * phases.half_width_m
            or away_m <= phases.half_width_m
        ):
            return None
        return Trouble(Kind.MISSED, f'the hand closed beside {self._block.id!r}')

    def misplaced(self, phases: Phases, view: View) -> Trouble | None:
        """Return whether the block, let go, does not stand where it was to."""
        if wrong := self.not_on_table(view):
            return wrong
        away = view.blocks[self._block.id].position_m[:2] - phases.target.place_m
        if (away_m := float(np.linalg.norm(away))) <= self._config.placed_within_m:
            return None
        return Trouble(
            Kind.MISPLACED, f'{self._block.id!r} stands {1e3 * away_m:.0f} mm beside its place'
        )

    def taken(self, target: Target, view: View) -> Trouble | None:
        """Return whether another block stands where this one is to."""
        place_m = np.array(target.place_m)
        for id_, pose in view.blocks.items():
            away_m = math.dist(pose.position_m[:2], target.place_m)
            if (
                id_ == self._block.id
                or away_m > self._radius_m[self._block.id] + self._radius_m[id_]
            ):
                continue
            mine = outline_in_base(self._block, place_m, target.yaw_rad)
            theirs = outline_in_base(self._table[id_], pose.position_m, pose.yaw_rad)
            if separation_m(mine, theirs) < -self._config.overlap_m:
                return Trouble(Kind.TAKEN, f'the place of {self._block.id!r} is taken by {id_!r}')
        return None

    def fallen(self, view: View) -> Trouble | None:
        """Return whether the block, which nobody holds, lies on its side or is off the table."""
        pose = view.blocks[self._block.id]
        if pose.tilt_rad > self._config.fallen_rad or pose.rotation[2, 2] < 0.0:
            return Trouble(Kind.FELL, f'{self._block.id!r} has fallen over')
        if lowest_m(self._block, pose) < self._table_height_m - self._config.dropped_m:
            return Trouble(Kind.FELL, f'{self._block.id!r} has fallen off the table')
        return None

    def not_on_table(self, view: View) -> Trouble | None:
        """Return whether the block, which is at rest, does not stand upright on the table."""
        above_m = lowest_m(self._block, view.blocks[self._block.id]) - self._table_height_m
        if above_m > self._config.moved_m:
            raised = f'{self._block.id!r} stands {1e3 * above_m:.0f} mm above the table'
            return Trouble(Kind.FELL, raised)
        return self.fallen(view)

    def _taken_away(self, phases: Phases, view: View) -> Trouble | None:
        # Fingers that close move it a little themselves, and turn it.
        away_m = math.dist(view.blocks[self._block.id].position_m, phases.aimed_at.position_m)
        if away_m <= self._config.dropped_m:
            return None
        return Trouble(Kind.MOVED, f'{self._block.id!r} was taken away from between the fingers')

    def _moved(self, phases: Phases, view: View) -> Trouble | None:
        pose, aimed_at = view.blocks[self._block.id], phases.aimed_at
        away_m = float(np.linalg.norm(pose.position_m - aimed_at.position_m))
        turned_rad = abs(wrapped(pose.yaw_rad - aimed_at.yaw_rad))
        if self._block.shape == 'cylinder':
            turned_rad = 0.0
        if away_m <= self._config.moved_m and turned_rad <= self._config.moved_rad:
            return None
        return Trouble(Kind.MOVED, f'{self._block.id!r} was moved before it was gripped')

    def _lost(self, phases: Phases, view: View) -> Trouble | None:
        now = view.blocks[self._block.id].seen_from(view.hand)
        if math.dist(now.position_m, phases.gripped.position_m) > self._config.dropped_m:
            return Trouble(Kind.DROPPED, f'{self._block.id!r} fell out of the hand')
        if math.dist(now.position_m, phases.held.position_m) > self._config.slipped_m:
            return Trouble(Kind.SLIPPED, f'{self._block.id!r} slipped in the hand')
        return None
