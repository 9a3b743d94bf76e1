# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""In each order every place is free when it is its turn, and no move could be saved."""

import math

import numpy as np
import pytest

from ebm_concept_ros.arm.table_scene import require_in_workspace
from ebm_concept_ros.arranging import ordering
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.arranging.ordering import ordered
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace

ROOM, REACH = HandRoom(), ReachArea()
SPACE = load_workspace(package_path('', WORKSPACE))
CAN = Footprint('cylinder', 0.04)


def cans(*places):
    return [Standing(f'can_{i}', CAN, place) for i, place in enumerate(places)]


def carried_out(standing, moves):
    """Return where things end (N, 2), having looked at each move whether its place was free."""
    now = {each.id: each for each in standing}
    for move in moves:
        place = np.array(move.place_in_base_m)
        others = [each for each in now.values() if each.id != move.entity]
        gaps = [np.linalg.norm(place - each.place) - 0.04 for each in others]
        assert min(gaps, default=1.0) > 0.0, f'{move} onto something'
        assert REACH.beyond_m(place) == 0.0
        require_in_workspace(move.place_in_base_m, SPACE, move.entity)  # or the arm refuses it
        now[move.entity] = now[move.entity].at(place, 0.0)
    return {id_: each.place for id_, each in now.items()}


def check(standing, places, number):
    moves = ordered(standing, places, ROOM, REACH, SPACE)
    end = carried_out(standing, moves)
    for each in standing:
        assert np.allclose(end[each.id], places.get(each.id, each.place))
    assert len(moves) == number
    return moves


def test_free_places_take_a_move_each():
    standing = cans((0.35, -0.2), (0.35, 0.0), (0.35, 0.2))
    check(standing, {f'can_{i}': np.array([0.55, 0.15 * i - 0.15]) for i in range(3)}, 3)


def test_who_stands_on_a_place_goes_first():
    standing = cans((0.35, 0.0), (0.5, 0.0))
    places = {'can_0': np.array([0.5, 0.0]), 'can_1': np.array([0.5, 0.2])}
    moves = check(standing, places, 2)
    assert [move.entity for move in moves] == ['can_1', 'can_0']


def test_a_swap_takes_three():
    standing = cans((0.4, -0.1), (0.4, 0.1))
    check(standing, {'can_0': np.array([0.4, 0.1]), 'can_1': np.array([0.4, -0.1])}, 3)


def test_nothing_is_set_aside_off_the_workspace():
    standing = cans((0.36, 0.27), (0.5, 0.27), (0.43, 0.16))
    check(standing, {'can_0': np.array([0.5, 0.27]), 'can_1': np.array([0.36, 0.27])}, 3)


def test_two_swaps_take_six():
    corners = [(0.35, -0.15), (0.35, 0.15), (0.52, -0.15), (0.52, 0.15)]
    swapped = [1, 0, 3, 2]
    places = {f'can_{i}': np.array(corners[swapped[i]]) for i in range(4)}
    check(cans(*corners), places, 6)


def test_a_cycle_of_four_takes_five():
    corners = [(0.35, -0.15), (0.35, 0.15), (0.52, 0.15), (0.52, -0.15)]
    places = {f'can_{i}': np.array(corners[(i + 1) % 4]) for i in range(4)}
    check(cans(*corners), places, 5)


@pytest.mark.parametrize('seed', range(15))
def test_any_order_is_found_and_no_move_too_many(seed):
    rng = np.random.default_rng(seed)
    spots = [(x, y) for x in (0.33, 0.45, 0.57) for y in (-0.2, -0.07, 0.07, 0.2)]
    spots = [spot for spot in spots if math.hypot(*spot) < 0.64]
    chosen = rng.permutation(len(spots))
    n = int(rng.integers(2, 5))
    standing = cans(*(spots[i] for i in chosen[: n + 2]))  # two of them are bystanders
    free = [i for i in range(len(spots)) if i not in chosen[n : n + 2]]
    goals = rng.permutation(free)[:n]
    places = {f'can_{i}': np.array(spots[goals[i]]) for i in range(n)}
    moving = {
        id_: p for id_, p in places.items() if not np.allclose(p, standing[int(id_[-1])].place)
    }
    moves = ordered(standing, moving, ROOM, REACH, SPACE)
    carried_out(standing, moves)
    # Of permutations each cycle takes one move more.
    onto = {int(chosen[i]): i for i in range(n)}
    cycles, seen = 0, set()
    for first in range(n):
        at, way = first, []
        while at is not None and at not in seen and at not in way:
            way.append(at)
            at = onto.get(int(goals[at]))
        if at in way and (len(way) > 1 or int(goals[at]) != int(chosen[at])):
            cycles += len(way[way.index(at) :]) > 1
        seen.update(way)
    assert len(moves) == len(moving) + cycles


def test_where_the_hand_has_no_room_it_is_refused():
    ring = [(0.45 + 0.07 * math.cos(t), 0.07 * math.sin(t)) for t in np.arange(6) * np.pi / 3]
    standing = [*cans((0.45, 0.0)), *[Standing(f'wall_{i}', CAN, p) for i, p in enumerate(ring)]]
    with pytest.raises(CannotArrange, match='no room: no order was found') as caught:
        ordered(standing, {'can_0': np.array([0.6, 0.2])}, ROOM, REACH, SPACE)
    assert caught.value.reason is Reason.NO_ROOM


def test_a_search_that_takes_too_long_is_given_up(monkeypatch):
    corners = [(0.35, -0.15), (0.35, 0.15), (0.52, 0.15), (0.52, -0.15)]
    places = {f'can_{i}': np.array(corners[(i + 1) % 4]) for i in range(4)}
    monkeypatch.setattr(ordering, '_MOST_STATES', 3)
    with pytest.raises(CannotArrange, match='no order was found'):
        ordered(cans(*corners), places, ROOM, REACH, SPACE)


def test_nothing_to_do_takes_nothing():
    assert ordered(cans((0.4, 0.0)), {}, ROOM, REACH, SPACE) == []
