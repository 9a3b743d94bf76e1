# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The same arrangement elsewhere: turned, moved and mirrored, so that few move, and not far.

Nobody says that an energy does not change by that; the caller asks it.
"""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.arranging.assignment import assigned

_TURNS = 24
_MIDDLES, _FEW_TURNS = 11, 8  # where it has to be looked for all over the plane
_TURNS_OF_CENTRE = 72  # where it is to be round something, only these are left


def proposals(places: np.ndarray, starts: np.ndarray, *, alike: bool) -> np.ndarray:
    """Return (M, m, 2) arrangements congruent to places (m, 2) that are near starts (m, 2).

    Some leave the centre, and some begin with one that stays where it is: also with a second one in
    the right direction, which may then stay, too. alike: whether anybody may go to any place.
    """
    mirrored = places * (1.0, -1.0)
    found = [places]
    if alike:
        found.append(assigned(starts, places))
    for shape in (places, mirrored):
        for k in range(len(places)):
            for i in range(len(starts)) if alike else (k,):
                found += _with_one_staying(shape, starts, k, i, alike)
        for centre in (places.mean(0), starts.mean(0)):
            turns = _towards(starts - centre, shape - shape.mean(0))
            turns = np.concatenate((_turns(_TURNS_OF_CENTRE), turns))
            found += _turned_about(shape, shape.mean(0), centre, starts, turns, alike)
    return np.array(found)


def everywhere(
    places: np.ndarray, starts: np.ndarray, half_width: float, *, alike: bool
) -> np.ndarray:
    """Return (M, m, 2) arrangements congruent to places (m, 2), their middles all over a square.

    half_width: of the square around the origin. alike: as of `proposals`.
    """
    axis = np.linspace(-half_width, half_width, _MIDDLES)
    found: list[np.ndarray] = []
    for middle in np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2):
        found += _turned_about(places, places.mean(0), middle, starts, _turns(_FEW_TURNS), alike)
    return np.array(found)


def _with_one_staying(
    shape: np.ndarray, starts: np.ndarray, k: int, i: int, alike: bool
) -> list[np.ndarray]:
    """Return the shape with place k where i stands."""
    others, sides = np.delete(starts, i, 0) - starts[i], np.delete(shape, k, 0) - shape[k]
    turns = np.concatenate((_turns(), _towards(others, sides)))
    return _turned_about(shape, shape[k], starts[i], starts, turns, alike)


def _turned_about(
    shape: np.ndarray,
    pivot: np.ndarray,
    to: np.ndarray,
    starts: np.ndarray,
    turns: np.ndarray,
    alike: bool,
) -> list[np.ndarray]:
    """Return the shape with its pivot moved to `to`, at each turn, rad."""
    cos, sin = np.cos(turns), np.sin(turns)
    turn = np.stack((np.stack((cos, sin), -1), np.stack((-sin, cos), -1)), -2)
    every = (shape - pivot) @ turn + to
    return [assigned(starts, each) for each in every] if alike else list(every)


def _towards(some: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return the turns that bring one of sides (S, 2) into the direction of one of some (K, 2)."""
    bearings, of_sides = (np.arctan2(each[:, 1], each[:, 0]) for each in (some, sides))
    return (bearings[:, None] - of_sides).ravel()


def _turns(number: int = _TURNS) -> np.ndarray:
    return 2 * np.pi / number * np.arange(number)
