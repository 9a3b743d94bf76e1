# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What hand and fingers are told at one time, and when that is over; heights, speeds, times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from pydantic import Field

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.grasping.grip import FingerTarget
from ebm_concept_ros.grasping.motion import Path
from ebm_concept_ros.grasping.view import View

# Friction of the wrist may hold back the last of a turn: after so long, more and more of that is
# left, up to so many times more than the arrival allows.
_PATIENCE_S, _MOST_WIDER = 1.0, 2.0


class Phase(Enum):
    """What a move is at, in this order."""

    ABOVE = auto()
    DOWN = auto()
    CLOSE = auto()
    LIFT = auto()
    CARRY = auto()
    LOWER = auto()
    RELEASE = auto()
    OPEN = auto()
    RETREAT = auto()


# In which the block is in the hand.
HOLDING = (Phase.LIFT, Phase.CARRY, Phase.LOWER)


class PhaseConfig(Config):
    """Heights, speeds and times of a move."""

    carry_height_m: float = Field(
        0.12, ge=0.05, le=0.5, description='of the grasp centre above the table, at least, m'
    )
    clearance_m: float = Field(
        0.03, ge=0, le=0.2, description='of what is carried above the tallest that stands, m'
    )
    reach_speed_m_s: float | None = Field(
        None, gt=0, le=2, description='to above a block, mean, m/s; None: as fast as the arm can'
    )
    line_speed_m_s: float = Field(0.1, gt=0, le=0.5, description='up and down, mean, m/s')
    carry_speed_m_s: float = Field(
        0.2, gt=0, le=0.5, description='with a block; as fast as the arm can, some slip, m/s'
    )
    lower_speed_m_s: float = Field(0.08, gt=0, le=0.5, description='down with a block, m/s')
    press_m: float = Field(
        0.001, ge=0, le=0.01, description='above the table where a block is let go, m'
    )
    standing_m: float = Field(
        0.0003, ge=0, le=0.01, description='above the table is on it: it is let go, m'
    )
    close_s: float = Field(0.9, gt=0, le=5, description='until the grip is full, s')
    release_s: float = Field(0.25, gt=0, le=5, description='until the grip has gone, s')
    open_s: float = Field(0.2, ge=0, le=5, description='to wait once fingers are open, s')
    timeout_s: float = Field(12.0, gt=0, le=120, description='of each phase, s')


@dataclass(frozen=True)
class Arrival:
    """How near the hand has to be to the end of its path, how still, and not before when."""

    within_m: float
    slower_rad_s: float
    within_rad: float = 0.03
    not_before_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Stage:
    """One phase at work: its path, its fingers, and when it is over."""

    phase: Phase
    begin_s: float
    path: Path
    fingers: FingerTarget
    arrival: Arrival

    def after_a_break(self, view: View, break_s: float) -> Stage:
        """Return it as it goes on after so long a time in which the hand was held."""
        path = self.path.from_here(view.time_s, view.hand)
        return replace(self, begin_s=self.begin_s + break_s, path=path)

    def has_arrived(self, view: View) -> bool:
        """Tell whether the next phase may begin."""
        elapsed_s = view.time_s - self.begin_s
        if elapsed_s < self.arrival.not_before_s:
            return False
        late_s = elapsed_s - max(self.path.move_s, self.path.turn_s) - _PATIENCE_S
        within_rad = self.arrival.within_rad * (1.0 + min(max(late_s, 0.0), _MOST_WIDER))
        away_m = np.linalg.norm(view.hand.position_m - self.path.goal_m)
        turned_rad = abs(wrapped(view.hand.yaw_rad - self.path.goal_yaw_rad))
        return bool(
            away_m < self.arrival.within_m
            and turned_rad < within_rad
            and np.abs(view.velocities_rad_s).max() < self.arrival.slower_rad_s
        )


@dataclass(frozen=True)
class Target:
    """Where a block is to stand in the end: its middle (x, y) in base, and its yaw."""

    place_m: tuple[float, float]
    yaw_rad: float
