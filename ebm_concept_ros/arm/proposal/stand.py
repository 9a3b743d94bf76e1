# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where an arm should stand, where its table is, and how large a square of it it reaches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import BaseConfig
from ebm_concept_ros.arm.proposal.kinematics import HandDown
from ebm_concept_ros.workspace import Workspace

# The shipped workspace suits arms that reach this far; others get one in proportion.
_USUAL_REACH_M = 0.85
_USUAL_UNIT_M, _USUAL_HOVER_M = 0.25, 0.12
_LOWEST_HOVER_M = 0.06
_HALF_WIDTH_UNITS = 1.25
_REACHED_UNITS = 1.0  # what stands on the table is within it, and most of what is asked for
_SAMPLES, _TRIES, _STEPS = 400, 24, 3
_CARRIED_SHARE = 0.8
_SIZES = (1.0, 0.85, 0.7, 0.55, 0.4)
_SMALLEST_M = 0.02
_SMALLEST_UNIT_M = 0.052  # things in proportion are then as small as they may be
_SHOULDER_HEIGHTS = (0.35, 0.5, 0.2)
_YAWS_RAD = (0.0, np.pi / 2, -np.pi / 2, np.pi)
_RADII = np.linspace(0.15, 0.95, 17)  # shares of the reach
_STARTS = (8, 5, 11)

Holds = Callable[[np.ndarray | None], bool]


@dataclass(frozen=True, eq=False)
class Stand:
    """An arm at home over its table.

    home_rad: (n,). places_m: (K, 3) of a grid over the square; angles_rad: (K, n) there, NaN where
    the hand cannot be down at that place. reach_m: of the whole arm from its first joint.
    """

    base: BaseConfig
    workspace: Workspace
    home_rad: np.ndarray
    places_m: np.ndarray
    angles_rad: np.ndarray
    reach_m: float

    @property
    def reached(self) -> np.ndarray:
        """Tell of each place whether the arm gets there, (K,)."""
        return np.isfinite(self.angles_rad).all(1)


def find_stand(
    compiled: Callable[[BaseConfig], mujoco.MjModel],
    site: str,
    efforts_nm: np.ndarray,
    is_good: Callable[[mujoco.MjModel, np.ndarray], bool],
) -> Stand | None:
    """Return a stand from which the arm reaches all of a square, as large as is usual if it can.

    compiled: the arm on a base. efforts_nm: (n,), of which carrying the arm may take most. is_good:
    tells of angles (n,) whether the arm may be there. Where no square is reached all over, it is
    the one of which most is; None where the hand is never down at all, or but on a square that is
    too small for things to stand on.
    """
    reach_m, shoulder_m = _reach(compiled(BaseConfig()), site)
    scale = min(1.0, reach_m / _USUAL_REACH_M)
    usual_m = _USUAL_UNIT_M * scale
    hover_m = max(_LOWEST_HOVER_M, _USUAL_HOVER_M * scale)
    best: tuple[float, float, BaseConfig, HandDown, Holds] | None = None
    for base in _bases(reach_m, shoulder_m):
        hand = HandDown(compiled(base), site)
        holds = _holds(hand, efforts_nm, is_good)
        centre_m, half_m = _largest_square(*_reached_ahead(hand, reach_m, hover_m, holds))
        if half_m > (best[1] if best else _SMALLEST_M):
            best = centre_m, half_m, base, hand, holds
        if half_m >= usual_m:
            break
    if best is None:
        return None
    centre_m, half_m, base, hand, holds = best
    stands = []
    for size in _SIZES:
        unit_m = size * min(half_m, usual_m)
        if unit_m < _SMALLEST_UNIT_M:
            break
        workspace = Workspace(
            centre_in_base_m=(round(centre_m, 3), 0.0),
            metres_per_unit=round(unit_m, 3),
            half_width_units=_HALF_WIDTH_UNITS,
            table_height_in_base_m=0.0,
            hover_height_m=round(hover_m, 3),
        )
        stand = _stand(hand, base, workspace, reach_m, holds)
        if stand is not None:
            stands.append(stand)
            if stand.reached.all():
                break
    return max(stands, key=lambda stand: stand.reached.sum(), default=None)


def _bases(reach_m: float, shoulder_m: np.ndarray) -> Iterator[BaseConfig]:
    """Yield bases, as the model file has it first, that put the shoulder over the table's edge."""
    as_it_stands = 0.1 * reach_m <= shoulder_m[2] <= 0.7 * reach_m
    heights = [0.0] if as_it_stands else []
    heights += [share * reach_m - shoulder_m[2] for share in _SHOULDER_HEIGHTS]
    for height, yaw in itertools.product(heights, _YAWS_RAD):
        turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        aside = -turn @ shoulder_m[:2]
        aside[np.abs(aside) < 0.05 * reach_m] = 0.0
        position = np.round([*aside, height], 3) + 0.0  # no minus zero
        yield BaseConfig(
            position_m=tuple(float(value) for value in position), yaw_rad=round(yaw, 5)
        )


def _holds(
    hand: HandDown,
    efforts_nm: np.ndarray,
    is_good: Callable[[mujoco.MjModel, np.ndarray], bool],
) -> Holds:
    def holds(angles: np.ndarray | None) -> bool:
        return (
            angles is not None
            and bool((hand.carrying_nm(angles) <= _CARRIED_SHARE * efforts_nm).all())
            and is_good(hand.model, angles)
        )

    return holds


def _reached_ahead(
    hand: HandDown, reach_m: float, height_m: float, holds: Holds
) -> tuple[float, float]:
    """Return from where to where ahead of the base the hand is down and held, m; (0, 0): never."""
    rng = np.random.default_rng(0)
    places = np.column_stack(
        [_RADII * reach_m, np.zeros(len(_RADII)), np.full(len(_RADII), height_m)]
    )
    ends = (0.0, 0.0)
    for start in _STARTS:
        found = hand.solve_anywhere(places[start], rng, _TRIES // 3, holds)
        if found is None:
            continue
        reached = tuple(
            _last_on_the_way(hand, found, way, holds) for way in (places[start::-1], places[start:])
        )
        ends = max(ends, reached, key=lambda ends: ends[1] - ends[0])
    return ends


def _last_on_the_way(
    hand: HandDown, angles: np.ndarray | None, way: np.ndarray, holds: Holds
) -> float:
    """Return x of the last of places (K, 3) to which the arm gets from the first, m."""
    last = way[0]
    for place in way[1:]:
        angles = hand.solve(place, angles)
        if not holds(angles):
            break
        last = place
    return float(last[0])


def _largest_square(near_m: float, far_m: float) -> tuple[float, float]:
    """Return the centre of a square in the ring between two radii, and half its width, m."""
    centres = np.linspace(near_m, far_m, 50)
    # Its near side and its far corners touch the ring.
    corners = (-centres + np.sqrt(np.maximum(2 * far_m**2 - centres**2, 0.0))) / 2
    halves = np.minimum(centres - near_m, corners)
    best = int(halves.argmax())
    return float(centres[best]), float(halves[best]) / _REACHED_UNITS


def _stand(
    hand: HandDown, base: BaseConfig, workspace: Workspace, reach_m: float, holds: Holds
) -> Stand | None:
    """Return a stand with what is reached from the middle of its square without a detour."""
    rng = np.random.default_rng(0)
    axis = np.linspace(-_REACHED_UNITS, _REACHED_UNITS, _STEPS)
    plane = np.stack(np.meshgrid(axis, axis, indexing='ij'), -1).reshape(-1, 2)
    height = workspace.hover_height_in_base_m
    places = np.column_stack([workspace.to_base(plane), np.full(len(plane), height)])
    middle = hand.solve_anywhere(places[len(places) // 2], rng, _TRIES, holds)
    if middle is None:
        return None
    nearer = workspace.to_base(np.array([-0.5, 0.0]))
    home = hand.solve(np.array([*nearer, height]), middle)
    angles = []
    for place in places:
        found = hand.solve(place, middle)
        angles.append(found if holds(found) else np.full(len(middle), np.nan))
    home = home if holds(home) else middle
    return Stand(base, workspace, home.round(4), places, np.array(angles), reach_m)


def _reach(model: mujoco.MjModel, site: str) -> tuple[float, np.ndarray]:
    """Return how far the site gets from the shoulder, m, and where that is (3,) m.

    The shoulder is the anchor of the second joint, or of the only one.
    """
    data, rng = mujoco.MjData(model), np.random.default_rng(0)
    hand = HandDown(model, site)
    mujoco.mj_kinematics(model, data)
    shoulder = data.xanchor[min(1, model.njnt - 1)].copy()
    furthest = 0.0
    for _ in range(_SAMPLES):
        place, _ = hand.place(rng.uniform(hand.low, hand.high))
        furthest = max(furthest, float(np.linalg.norm(place - hand.data.xanchor[0])))
    return furthest, shoulder
