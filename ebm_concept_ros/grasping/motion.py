# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the hand is to be at which time: along a straight line, from rest to rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.grasping.blocks import Pose
from ebm_concept_ros.grasping.cost import HandReference

_PUSHED_RAD = 0.3  # that a hand at rest may have been turned back
_LEAST_S = 0.2
_TURN_RAD_S = 0.6
_SMOOTH_TURN_RAD_S = 0.5


@dataclass(frozen=True, eq=False)
class Path:
    """A straight line of the grasp centre, the yaw of its x axis changed along.

    begin_s: on the clock of the simulation. move_s, turn_s: how long each takes, from rest to rest;
    at 0 the end is asked for at once.
    """

    begin_s: float
    start_m: np.ndarray
    goal_m: np.ndarray
    start_yaw_rad: float
    turn_rad: float
    move_s: float
    turn_s: float

    @property
    def goal_yaw_rad(self) -> float:
        """Return the yaw at its end."""
        return self.start_yaw_rad + self.turn_rad

    def reference(self, times_s: np.ndarray) -> HandReference:
        """Return the reference at times (K,) s."""
        elapsed = times_s - self.begin_s
        places = self.start_m + _smooth(elapsed, self.move_s)[:, None] * (
            self.goal_m - self.start_m
        )
        turned = (_smooth if self.move_s else _linear)(elapsed, self.turn_s)
        yaws = self.start_yaw_rad + self.turn_rad * turned
        sides = np.stack([np.cos(yaws), np.sin(yaws), np.zeros(len(yaws))], axis=1)
        return HandReference(places, sides)

    def from_here(self, begin_s: float, hand: Pose) -> Path:
        """Return what is left of it for a hand that has come to rest, as fast as it was."""
        turn = self._turn_left(wrapped(self.goal_yaw_rad - hand.yaw_rad))
        share = _share(
            float(np.linalg.norm(self.goal_m - hand.position_m)),
            float(np.linalg.norm(self.goal_m - self.start_m)),
        )
        return Path(
            begin_s,
            hand.position_m,
            self.goal_m,
            hand.yaw_rad,
            turn,
            self.move_s and max(share * self.move_s, _LEAST_S),
            _share(abs(turn), abs(self.turn_rad)) * self.turn_s,
        )

    def _turn_left(self, shorter_rad: float) -> float:
        """Return how far it still has to turn, the way round that it went."""
        ways = [shorter_rad + 2 * math.pi * k for k in (-1, 0, 1)]
        most_rad = abs(self.turn_rad) + _PUSHED_RAD
        onwards = [way for way in ways if way * self.turn_rad > 0.0 and abs(way) <= most_rad]
        return min(onwards, key=abs, default=shorter_rad)


def straight(
    begin_s: float,
    hand: Pose,
    goal_m: np.ndarray,
    yaw_rad: float,
    speed_m_s: float | None,
    turn_rad: float = 0.0,
) -> Path:
    """Return the path from where the hand is.

    speed_m_s: the mean; None: the arm is as fast as its limits and the cost let it be. turn_rad:
    roughly how far it is to turn, which says which way round; 0 for the shorter.
    """
    turn = wrapped(yaw_rad - hand.yaw_rad)
    turn += 2 * math.pi * round((turn_rad - turn) / (2 * math.pi))
    distance = float(np.linalg.norm(goal_m - hand.position_m))
    move_s = 0.0 if speed_m_s is None else max(distance / speed_m_s, _LEAST_S)
    turn_rad_s = _TURN_RAD_S if speed_m_s is None else _SMOOTH_TURN_RAD_S
    return Path(
        begin_s,
        hand.position_m,
        np.asarray(goal_m, float),
        hand.yaw_rad,
        turn,
        move_s,
        abs(turn) / turn_rad_s,
    )


def _share(left: float, all_: float) -> float:
    return left / all_ if all_ > 0.0 else 0.0


def _linear(elapsed: np.ndarray, duration_s: float) -> np.ndarray:
    if duration_s <= 0.0:
        return np.ones_like(elapsed)
    return np.clip(elapsed / duration_s, 0.0, 1.0)


def _smooth(elapsed: np.ndarray, duration_s: float) -> np.ndarray:
    """Return the share of the way, without a jump of the speed."""
    share = _linear(elapsed, duration_s)
    return share * share * (3.0 - 2.0 * share)
