# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The example that makes a square of a mess: what it shows, and what it plans, without an arm."""

import importlib.util
from pathlib import Path

import numpy as np

from ebm_concept_ros.arranging.enacting import enact

_FILE = Path(__file__).parents[2] / 'examples' / 'arrange_square.py'
_SPEC = importlib.util.spec_from_file_location('arrange_square', _FILE)
example = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(example)


class AtOnce:
    """Things are where they are to be, exactly."""

    hand_yaw_rad, success, reason = 0.0, True, ''

    def __init__(self):
        self.things = {each.id: each for each in example.in_the_mess()}

    def standing(self):
        return list(self.things.values())

    def move(self, move):
        thing = self.things[move.entity]
        self.things[move.entity] = thing.at(np.array(move.place_in_base_m), thing.yaw_rad)
        return self


def places(standing):
    return np.array([each.place for each in standing])


def test_what_is_shown_ends_as_a_square_and_does_not_begin_as_one():
    shown = example.demonstrations()
    assert len(shown) == 5
    for demonstration in shown:
        before, after = (
            example.off_m(example.SPACE.to_base(state.positions[:4]))
            for state in demonstration.states
        )
        assert before > example.NEAR_M and after < 1e-6


def test_few_moves_of_the_blue_ones_make_a_square_of_the_mess():
    arranger, plan = example.planned()
    assert len(plan.moves) <= 4
    mover = AtOnce()
    before = places(mover.standing())
    assert example.off_m(before[example.MOVERS]) > 0.05
    assert enact(arranger, plan, mover).success
    after = places(mover.standing())
    assert example.off_m(after[example.MOVERS]) < 0.005
    assert np.array_equal(before[~example.MOVERS], after[~example.MOVERS])
