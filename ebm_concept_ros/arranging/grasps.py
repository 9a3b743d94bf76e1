# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The hand's yaw, chosen so that its open fingers touch nobody, where it picks and where it places.

Who stands around is taken for the circle around its footprint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ebm_concept_ros.arranging.footprints import Grip, Standing, wrapped
from ebm_concept_ros.arranging.hand_room import HandRoom

_TURNS = 24  # of what is carried, that are tried
_ENOUGH_M = 0.02  # more room than this is no better
# What all of that room counts for beside a radian that the hand turns.
_ROOM_COUNTS = 8.0


class Carry(NamedTuple):
    """How something is carried: the hand's yaws, and how much room the fingers have, m."""

    pick_yaw_rad: float
    place_yaw_rad: float
    room_m: float


def finger_gaps_m(
    places: np.ndarray, grip: Grip, yaws_rad: np.ndarray, others: Sequence[Standing], room: HandRoom
) -> np.ndarray:
    """Return how far (C,) the nearest of others is from the open fingers; m, negative inside.

    places: (2,) or (C, 2) of the centre of what is gripped, yaws_rad: (C,) of the closing axis.
    """
    yaws_rad = np.asarray(yaws_rad, float)
    if not others:
        return np.full(yaws_rad.shape, np.inf)
    cos, sin = np.cos(yaws_rad)[:, None], np.sin(yaws_rad)[:, None]
    centres = np.array([other.position_in_base_m for other in others])
    radii = np.array([other.footprint.radius_m for other in others])
    middle = places + grip.ahead_m * np.stack((cos, sin), -1)[:, 0]
    away = centres - middle[:, None]
    along = (cos * away[..., 0] + sin * away[..., 1])[..., None]
    across = (sin * away[..., 0] - cos * away[..., 1])[..., None]
    fingers = room.rectangles(grip.width_m)
    dx = np.maximum(np.maximum(fingers.x_low - along, along - fingers.x_high), 0.0)
    dy = np.maximum(np.maximum(fingers.y_low - across, across - fingers.y_high), 0.0)
    return (np.hypot(dx, dy) - radii[:, None]).min((1, 2))


def carried(
    thing: Standing,
    place_in_base_m: np.ndarray,
    others: Sequence[Standing],
    room: HandRoom,
    hand_yaw_rad: float = 0.0,
) -> Carry | None:
    """Return the best way to carry a thing to a place among others; None: there is none.

    Much room comes first, then that neither the thing nor the hand, from where it is, turns much.
    """
    turns = wrapped(2 * math.pi / _TURNS * np.arange(_TURNS))
    best, best_score = None, -math.inf
    for grip in thing.footprint.grips(thing.yaw_rad, room.widest_m):
        here = np.array([grip.yaw_rad])
        at_pick = finger_gaps_m(thing.place, grip, here, others, room)[0]
        if at_pick < room.clearance_m:
            continue
        at_place = finger_gaps_m(place_in_base_m, grip, grip.yaw_rad + turns, others, room)
        gaps = np.minimum(at_place, at_pick)
        score = _ROOM_COUNTS * np.minimum(gaps, _ENOUGH_M) / _ENOUGH_M - np.abs(turns)
        score = np.where(gaps < room.clearance_m, -math.inf, score)
        score = score - abs(wrapped(grip.yaw_rad - hand_yaw_rad))
        which = int(score.argmax())
        if score[which] > best_score:
            best_score = float(score[which])
            pick = float(wrapped(grip.yaw_rad))
            best = Carry(pick, pick + float(turns[which]), float(gaps[which]))
    return best
