# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""In which order things are carried, so that each place is free when it is its turn.

The cheapest way is searched from state to state, a state being where each thing that moves is: at
its start, at its place, or set aside. Fewest moves come first, then the shortest way.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from ebm_concept_ros.arranging.clearance import GAP_M, half_width
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.grasps import carried
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.workspace import Workspace

_START, _PLACED = 0, 1  # a thing's state; from 2 on it is set aside, at one of several places
_ASIDE = 3  # places to set a thing aside that are tried for each
_STEP_M = 0.03  # of the grid of such places
_HALF_WIDTH_M = 0.25  # of that grid, around the middle of all that stands there
# With each thing that moves there are five times as many states. Those of four are all looked at;
# of more, it would take minutes to find that there is no order.
_MOST_STATES = 1000
# No way that is saved is worth another move.
_A_MOVE_M = 100.0


def ordered(
    standing: Sequence[Standing],
    places_in_base_m: Mapping[str, np.ndarray],
    room: HandRoom,
    reach: ReachArea,
    workspace: Workspace,
    hand_yaw_rad: float = 0.0,
) -> list[Move]:
    """Return the moves that bring things to their places (2,), fewest first.

    standing: all that is on the table. hand_yaw_rad: of the closing axis before the first. Raises
    CannotArrange where no order leaves the hand room, or of many things none is found soon.
    """
    if not places_in_base_m:
        return []
    for aside in (False, True):
        moves = _Search(standing, places_in_base_m, room, reach, workspace, aside).moves(
            hand_yaw_rad
        )
        if moves is not None:
            return moves
    names = ', '.join(places_in_base_m)
    raise CannotArrange(
        Reason.NO_ROOM, f'no order was found in which the hand gets to and from {names}'
    )


class _Search:
    def __init__(
        self,
        standing: Sequence[Standing],
        places_in_base_m: Mapping[str, np.ndarray],
        room: HandRoom,
        reach: ReachArea,
        workspace: Workspace,
        aside: bool,
    ) -> None:
        self.room = room
        self.movers = [each for each in standing if each.id in places_in_base_m]
        self.others = [each for each in standing if each.id not in places_in_base_m]
        self.places = [
            [each.place, np.asarray(places_in_base_m[each.id], float)] for each in self.movers
        ]
        if aside:
            free = _free(standing, reach, workspace)
            for thing, places in zip(self.movers, self.places, strict=True):
                places += self._nearest_free(thing, places, free)

    def moves(self, hand_yaw_rad: float) -> list[Move] | None:
        """Return the cheapest way, None where there is none, or none is found soon: A*."""
        start, done = (_START,) * len(self.movers), (_PLACED,) * len(self.movers)
        number = itertools.count()  # so that states of equal cost need no order
        yaws = tuple(each.yaw_rad for each in self.movers)
        waiting = [(self._at_least(start), next(number), 0.0, start, yaws, ())]
        seen = set()
        while waiting:
            _, _, cost, state, yaws, moves = heapq.heappop(waiting)
            if state == done:
                return list(moves)
            if state in seen:
                continue
            if len(seen) == _MOST_STATES:
                return None
            seen.add(state)
            for index, to in self._ways(state):
                after = (*state[:index], to, *state[index + 1 :])
                if after in seen:
                    continue
                hand = moves[-1].place_yaw_rad if moves else hand_yaw_rad
                found = self._carry(state, yaws, index, to, hand)
                if found is None:
                    continue
                move, length = found
                turned = yaws[index] + move.place_yaw_rad - move.pick_yaw_rad
                cost_after = cost + _A_MOVE_M + length
                entry = (
                    *(cost_after + self._at_least(after), next(number), cost_after, after),
                    (*yaws[:index], turned, *yaws[index + 1 :]),
                    (*moves, move),
                )
                heapq.heappush(waiting, entry)
        return None

    def _at_least(self, state: tuple[int, ...]) -> float:
        """Return what is left to pay at least: who is not at its place goes straight there."""
        return sum(
            _A_MOVE_M + float(np.linalg.norm(places[at] - places[_PLACED]))
            for places, at in zip(self.places, state, strict=True)
            if at != _PLACED
        )

    def _ways(self, state: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return which thing may go where: none twice aside, nor away from its place."""
        return [
            (index, to)
            for index, at in enumerate(state)
            for to in range(1, len(self.places[index]))
            if at != _PLACED and (to == _PLACED or at == _START)
        ]

    def _carry(
        self, state: tuple[int, ...], yaws: tuple[float, ...], index: int, to: int, hand: float
    ) -> tuple[Move, float] | None:
        """Return the move and how far it is, m; None where something is in the way."""
        now = [
            thing.at(self.places[i][at], yaw)
            for i, (thing, at, yaw) in enumerate(zip(self.movers, state, yaws, strict=True))
        ]
        thing, others = now[index], [*now[:index], *now[index + 1 :], *self.others]
        place = self.places[index][to]
        if not _is_free(thing, place, others):
            return None
        carry = carried(thing, place, others, self.room, hand)
        if carry is None:
            return None
        x, y = (float(value) for value in place)
        move = Move(thing.id, (x, y), carry.pick_yaw_rad, carry.place_yaw_rad)
        return move, float(np.linalg.norm(place - thing.place))

    def _nearest_free(
        self, thing: Standing, places: Sequence[np.ndarray], free: np.ndarray
    ) -> list[np.ndarray]:
        """Return a few places that are in nobody's way, where the thing is on its way."""
        taken = [(other.place, other.footprint.radius_m) for other in self.others]
        for other, its_places in zip(self.movers, self.places, strict=True):
            taken += [(place, other.footprint.radius_m) for place in its_places[:2]]
        # So far from all that also the hand has room, whichever way it is turned.
        around = thing.footprint.radius_m + self.room.opening_m + self.room.finger_m
        centres = np.array([centre for centre, _ in taken])
        radii = np.array([radius for _, radius in taken])
        gaps = np.linalg.norm(free[:, None] - centres, axis=-1) - radii
        free = free[gaps.min(1) >= around + self.room.clearance_m]
        way = sum(np.linalg.norm(free - place, axis=-1) for place in places[:2])
        return [free[i] for i in np.argsort(way)[:_ASIDE]]


def _free(standing: Sequence[Standing], reach: ReachArea, workspace: Workspace) -> np.ndarray:
    """Return places (F, 2) of a grid within reach and workspace."""
    every = np.array([each.position_in_base_m for each in standing])
    axis = np.arange(-_HALF_WIDTH_M, _HALF_WIDTH_M + _STEP_M / 2, _STEP_M)
    grid = every.mean(0) + np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    within = np.abs(workspace.to_plane(grid)).max(1) <= half_width(workspace)
    return grid[within & (reach.beyond_m(grid) <= 0)]


def _is_free(thing: Standing, place: np.ndarray, others: Sequence[Standing]) -> bool:
    """Tell whether a thing at a place keeps its distance from all others."""
    return all(
        np.linalg.norm(place - other.place)
        >= thing.footprint.radius_m + other.footprint.radius_m + GAP_M / 2
        for other in others
    )
