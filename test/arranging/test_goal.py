# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked for has room, is within reach, and moves few, whatever the energy."""

import numpy as np
import pytest

from ebm_concept_ros.arranging.clearance import Clearance
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.goal import asked, choices, moved
from ebm_concept_ros.arranging.hand_room import ReachArea
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.workspace import Workspace

WORKSPACE = Workspace(
    centre_in_base_m=(0.45, 0.0),
    metres_per_unit=0.25,
    half_width_units=1.25,
    table_height_in_base_m=0.0,
    hover_height_m=0.12,
)
REACH = ReachArea()
CAN = Footprint('cylinder', 0.04)


class Known:
    """An energy with a formula; chains begin around the middle and descend it."""

    def __init__(self, value_and_slope):
        self.value_and_slope = value_and_slope

    def energies(self, places):
        return self.value_and_slope(places)[0]

    def slopes(self, places):
        return self.value_and_slope(places)

    def chains(self, restarts, seed=0):
        rng = np.random.default_rng(seed)
        return rng.uniform(-0.6, 0.6, (restarts, self.movers, 2))

    def in_formation(self, places):
        return places


class AtPlace(Known):
    movers = 1

    def __init__(self, goal):
        super().__init__(lambda p: (5 * ((p - goal) ** 2).sum((1, 2)), 10 * (p - np.asarray(goal))))


class Pair(Known):
    """Two that are to be `apart`, anywhere."""

    movers = 2

    def __init__(self, apart):
        def value_and_slope(p):
            off = p[:, 0] - p[:, 1]
            far = np.linalg.norm(off, axis=-1)
            slope = 20 * ((far - apart) / np.maximum(far, 1e-9))[:, None] * off
            return 10 * (far - apart) ** 2, np.stack((slope, -slope), 1)

        super().__init__(value_and_slope)


def standing(places, footprint=CAN):
    base = WORKSPACE.to_base(np.reshape(places, (-1, 2)))
    return [Standing(f'thing_{i}', footprint, tuple(p)) for i, p in enumerate(base)]


def found(energy, starts, others=()):
    starts = np.array(starts, float)
    clearance = Clearance.of(standing(starts), standing(others), REACH, WORKSPACE)
    return choices(energy, asked(energy, starts), starts, clearance), clearance


def test_one_goes_to_the_place_of_least_energy():
    (best, *_), _ = found(AtPlace([0.3, 0.2]), [[-0.5, 0.1]], [[0.0, -0.5]])
    assert np.linalg.norm(best.places[0] - (0.3, 0.2)) < 0.021 and best.as_good


class Stubborn(Pair):
    """From hardly anywhere a way leads into its formation, after the first look."""

    def __init__(self):
        super().__init__(0.6)
        self.asked = 0

    def in_formation(self, places):
        self.asked += 1
        return places[:0]

    def chains(self, restarts, seed=0):
        middle = super().chains(restarts, seed).mean(1, keepdims=True)
        return middle + np.array([[-0.3, 0.0], [0.3, 0.0]])


def test_what_leaves_its_formation_downhill_is_left_where_it_was():
    energy = Stubborn()
    (best, *_), _ = found(energy, [[-0.5, 0.1], [0.6, 0.2]])
    assert energy.asked and best.as_good
    assert abs(np.linalg.norm(best.places[0] - best.places[1]) - 0.6) < 0.01


class PairInTheWest(Pair):
    """Two that are to be apart, both in the west; all chains end in the same corner."""

    def __init__(self):
        super().__init__(0.5)
        apart = self.value_and_slope

        def value_and_slope(p):
            value, slope = apart(p)
            east = np.maximum(p[..., 0] + 0.2, 0.0)
            slope[..., 0] += 200 * east
            return value + 100 * (east**2).sum(1), slope

        self.value_and_slope = value_and_slope

    def chains(self, restarts, seed=0):
        return np.repeat([[[-0.8, -0.6], [-0.8, -0.1]]], restarts, 0)


def test_where_a_region_has_room_elsewhere_it_is_found():
    taken = [[x, y] for x in (-0.9, -0.6, -0.3) for y in (-0.8, -0.5, -0.2, 0.1)]
    (best, *_), clearance = found(PairInTheWest(), [[0.5, 0.1], [0.7, -0.5]], taken)
    assert best.as_good and best.places[:, 0].max() < -0.15
    assert clearance.overlap(best.places[None])[0] < 0.005


def test_beside_a_place_that_is_taken_is_not_as_good():
    (best, *_), clearance = found(AtPlace([0.3, 0.2]), [[-0.5, 0.1]], [[0.3, 0.2]])
    assert not best.as_good
    assert clearance.overlap(best.places[None])[0] < 0.005
    # As near as there is room.
    assert np.linalg.norm(best.places[0] - (0.3, 0.2)) < clearance.to_others[0, 0] + 0.01


@pytest.mark.parametrize('seed', range(10))
def test_of_two_that_are_to_be_apart_one_stays(seed):
    rng = np.random.default_rng(seed)
    starts = rng.uniform(-0.5, 0.5, (2, 2))
    starts[1] = starts[0] + (0.22, 0.0)
    others = rng.uniform(-0.6, 0.6, (12, 2))
    others = others[np.linalg.norm(others[:, None] - starts, axis=-1).min(1) > 0.3][:3]
    (best, *_), clearance = found(Pair(0.6), starts, others)
    assert best.as_good and moved(best.places, starts).sum() == 1
    assert abs(np.linalg.norm(best.places[0] - best.places[1]) - 0.6) < 0.02
    assert clearance.overlap(best.places[None])[0] < 0.005
    assert clearance.beyond(best.places[None])[0] < 0.005


def test_nobody_moves_where_it_holds():
    starts = np.array([[-0.3, 0.0], [0.3, 0.0]])
    assert asked(Pair(0.6), starts).holds
    assert not asked(Pair(0.9), starts).holds


def test_what_is_out_of_reach_is_refused_or_no_good():
    corner = AtPlace([1.0, 1.0])
    try:
        (best, *_), clearance = found(corner, [[0.0, 0.0]])
    except CannotArrange as error:
        assert error.reason is Reason.OUT_OF_REACH
    else:
        assert not best.as_good and clearance.beyond(best.places[None])[0] < 0.005
