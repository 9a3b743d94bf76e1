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
_USUAL = {'metres_per_unit': 0.25, 'hover_height_m': 0.12}
_LOWEST_HOVER_M = 0.06
_HALF_WIDTH_UNITS = 1.25
_REACHED_UNITS = 1.0  # what stands on the table is within it, and most of what is asked for
_SAMPLES, _TRIES, _STEPS = 400, 24, 3
_CARRIED_SHARE = 0.8
_SIZES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3)
_CENTRES = (0.5, 0.6, 0.4, 0.7)
_SHOULDER_HEIGHTS = (0.35, 0.5, 0.2)
_YAWS_RAD = (0.0, np.pi / 2, -np.pi / 2, np.pi)


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
    """Return the first stand of which the arm reaches all the grid, or the one with most of it.

    compiled: the arm on a base. efforts_nm: (n,), of which carrying the arm may take most. is_good:
    tells of angles (n,) whether the arm may be there. None where no home was found at all.
    """
    at_origin = compiled(BaseConfig())
    reach_m, shoulder_m = _reach(at_origin, site)
    best: Stand | None = None
    models: dict[BaseConfig, HandDown] = {}
    for base, workspace in _candidates(at_origin, reach_m, shoulder_m):
        if base not in models:
            models[base] = HandDown(compiled(base), site)
        hand = models[base]

        def holds(angles: np.ndarray | None, hand: HandDown = hand) -> bool:
            return (
                angles is not None
                and bool((hand.carrying_nm(angles) <= _CARRIED_SHARE * efforts_nm).all())
                and is_good(hand.model, angles)
            )

        stand = _stand(hand, base, workspace, reach_m, holds)
        if stand is not None and (best is None or stand.reached.sum() > best.reached.sum()):
            best = stand
            if stand.reached.all():
                break
    return best


def _candidates(
    model: mujoco.MjModel, reach_m: float, shoulder_m: np.ndarray
) -> Iterator[tuple[BaseConfig, Workspace]]:
    usual = min(1.0, reach_m / _USUAL_REACH_M)
    as_it_stands = 0.1 * reach_m <= shoulder_m[2] <= 0.7 * reach_m
    heights = [0.0] if as_it_stands else []
    heights += [share * reach_m - shoulder_m[2] for share in _SHOULDER_HEIGHTS]
    for size, centre, height, yaw in itertools.product(_SIZES, _CENTRES, heights, _YAWS_RAD):
        turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        aside = -turn @ shoulder_m[:2]
        aside[np.abs(aside) < 0.05 * reach_m] = 0.0
        base = BaseConfig(
            position_m=tuple(float(value) for value in np.round([*aside, height], 3)),
            yaw_rad=round(yaw, 5),
        )
        scale = size * usual
        workspace = Workspace(
            centre_in_base_m=(round(centre * reach_m, 3), 0.0),
            metres_per_unit=round(max(0.01, _USUAL['metres_per_unit'] * scale), 3),
            half_width_units=_HALF_WIDTH_UNITS,
            table_height_in_base_m=0.0,
            hover_height_m=round(max(_LOWEST_HOVER_M, _USUAL['hover_height_m'] * scale), 3),
        )
        yield base, workspace


def _stand(
    hand: HandDown,
    base: BaseConfig,
    workspace: Workspace,
    reach_m: float,
    holds: Callable[[np.ndarray | None], bool],
) -> Stand | None:
    """Return a stand whose places are all reached from home, as far as they can be."""
    rng = np.random.default_rng(0)
    axis = np.linspace(-_REACHED_UNITS, _REACHED_UNITS, _STEPS)
    plane = np.stack(np.meshgrid(axis, axis, indexing='ij'), -1).reshape(-1, 2)
    height = workspace.hover_height_in_base_m
    places = np.column_stack([workspace.to_base(plane), np.full(len(plane), height)])
    middle = hand.solve_anywhere(places[len(places) // 2], rng, _TRIES)
    if not holds(middle):
        return None
    nearer = workspace.to_base(np.array([-0.5, 0.0]))
    home = hand.solve(np.array([*nearer, height]), middle)
    if not holds(home):
        home = middle
    angles = []
    for place in places:
        found = hand.solve(place, middle)
        angles.append(found if holds(found) else np.full(len(middle), np.nan))
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
