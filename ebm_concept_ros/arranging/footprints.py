# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What stands on the table, seen from above: boxes, cylinders and prisms, each at a place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

_TURNS_OF_CYLINDER = 24
# The pair of fingers finds too little of a face beside it, and what is tall turns out of the hand.
_NARROW_PRISM_M = 0.036


def wrapped(angle_rad: np.ndarray | float) -> np.ndarray | float:
    """Return angles within ±π."""
    return (angle_rad + math.pi) % (2 * math.pi) - math.pi


class Grip(NamedTuple):
    """A way to grip a footprint.

    yaw_rad: of the hand's closing axis. width_m: between the gripped faces. ahead_m: how far along
    the axis the middle between these is from the footprint's centre.
    """

    yaw_rad: float
    width_m: float
    ahead_m: float = 0.0


@dataclass(frozen=True)
class Footprint:
    """An upright block's outline.

    width_m: along its own x axis: of a box between two faces, of a cylinder its diameter, of a
    prism (an equilateral triangle, x towards a corner) from a face to the corner opposite.
    depth_m: of a box, along y.
    """

    shape: Literal['box', 'cylinder', 'prism']
    width_m: float
    depth_m: float | None = None

    @property
    def radius_m(self) -> float:
        """Return the radius of the circle around it."""
        match self.shape:
            case 'box':
                return math.hypot(self.width_m, self.depth_m or self.width_m) / 2
            case 'cylinder':
                return self.width_m / 2
            case _:
                return self.width_m / 1.5

    @property
    def narrowest_m(self) -> float:
        """Return the least width between two faces, m."""
        return min(self.width_m, self.depth_m or self.width_m)

    def grips(self, yaw_rad: float, widest_m: float) -> tuple[Grip, ...]:
        """Return the ways to grip it that are no wider, its x axis turned by yaw_rad.

        Opposite faces of a box, any diameter of a cylinder; of a prism a corner and the face
        opposite, the corner by the thumb, or, of a narrow one, between the pair.
        """
        match self.shape:
            case 'box':
                sides = (self.width_m, self.depth_m or self.width_m)
                grips = [Grip(yaw_rad + k * math.pi / 2, sides[k % 2]) for k in range(4)]
            case 'cylinder':
                turn = 2 * math.pi / _TURNS_OF_CYLINDER
                grips = [Grip(k * turn, self.width_m) for k in range(_TURNS_OF_CYLINDER)]
            case _:
                turn, ahead = 2 * math.pi / 3, self.radius_m / 4
                if self.width_m < _NARROW_PRISM_M:
                    yaw_rad, ahead = yaw_rad + math.pi, -ahead
                grips = [Grip(yaw_rad + k * turn, self.width_m, ahead) for k in range(3)]
        return tuple(grip for grip in grips if grip.width_m <= widest_m)


@dataclass(frozen=True)
class Standing:
    """A block on the table: where its centre is, and how far its x axis is turned.

    Raises ValueError where that is not finite.
    """

    id: str
    footprint: Footprint
    position_in_base_m: tuple[float, float]
    yaw_rad: float = 0.0

    def __post_init__(self) -> None:
        numbers = (*self.position_in_base_m, self.yaw_rad)
        if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
            raise ValueError(f'{self.id!r}: x, y and yaw {numbers} are not three finite numbers')

    @property
    def place(self) -> np.ndarray:
        """Return the centre (2,) in the base frame, m."""
        return np.array(self.position_in_base_m, float)

    def at(self, position_in_base_m: np.ndarray, yaw_rad: float) -> Standing:
        """Return it elsewhere."""
        x, y = (float(value) for value in position_in_base_m)
        return replace(self, position_in_base_m=(x, y), yaw_rad=yaw_rad)
