# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One entity carried to one place: what an arrangement becomes, and what an arm is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Move:
    """One entity picked up where it stands and put down elsewhere.

    entity: its id in the scene. place_in_base_m: (x, y) where its centre is to stand, in the base
    frame. pick_yaw_rad, place_yaw_rad: of the hand's closing axis about the base frame's z, when
    the hand grips and when it releases. What is carried turns with the hand, by their difference.
    """

    entity: str
    place_in_base_m: tuple[float, float]
    pick_yaw_rad: float
    place_yaw_rad: float

    def __post_init__(self) -> None:
        numbers = (*self.place_in_base_m, self.pick_yaw_rad, self.place_yaw_rad)
        if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
            raise ValueError(
                f'move of {self.entity!r}: place and yaws {numbers} are not four finite numbers'
            )
