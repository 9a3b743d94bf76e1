# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From demonstrations and a table to moves, with the trained energy; refusals before any move."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ebm_concept_ros.arranging.arranger import Arranger
from ebm_concept_ros.arranging.enacting import MOST_FAILURES, enact
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace
from ebm_core import COLOURS, Demonstration, InvalidInput, Scene, load_model

CAN = Footprint('cylinder', 0.04)
SPACE = load_workspace(package_path('', WORKSPACE))


@cache
def arranger():
    return Arranger(load_model('models/open'), SPACE)


def scene(*things, movable=()):
    """Return a scene of things (colour, x, y), particle units, all of them circles."""
    names, x, y = zip(*things, strict=True)
    colours = [COLOURS[name] for name in names]
    marks = [i in movable for i in range(len(things))]
    return Scene(np.column_stack((x, y)), colours, [1] * len(things), marks)


def standing(of, footprint=CAN):
    places = SPACE.to_base(of.positions)
    return [Standing(f'thing_{i}', footprint, tuple(p)) for i, p in enumerate(places.tolist())]


def shown(count, end):
    """Return demonstrations: `end` says where who of a scene of random places goes, by index."""
    out = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        names = rng.permutation(['yellow', 'purple', 'orange'])[:2]
        reds = [('red', *rng.uniform(-0.9, 0.9, 2)) for _ in range(count)]
        blues = [('blue', *rng.uniform(-0.9, 0.9, 2)) for _ in range(2)]
        others = [(name, *rng.uniform(-0.9, 0.9, 2)) for name in names]
        before = scene(*reds, *blues, *others, movable=range(count))
        places, stay = end(before.positions, rng)
        positions = before.positions.copy()
        positions[:count] = places
        attention = np.array([1] * count + [stay] * 2 + [0] * 2)
        out.append(Demonstration((before, before.with_positions(positions)), attention))
    return out


@cache
def between():
    """The red one between the blue ones."""
    return taught(arranger().model, 'between', shown(1, lambda p, _: (p[1:3].mean(0), 1)))


@cache
def pair():
    """The two red ones 0.6 apart."""

    def end(p, rng):
        away = p[1] - p[0]
        away *= 0.3 / np.linalg.norm(away)
        middle = np.clip(p[:2].mean(0), -0.65, 0.65)
        return np.array([middle - away, middle + away]), 0

    return taught(arranger().model, 'pair', shown(2, end))


def refusal(concept, of, things=None):
    with pytest.raises(CannotArrange) as caught:
        arranger().plan(concept, of, things or standing(of))
    return caught.value


TABLE = (('red', -0.5, 0.6), ('blue', -0.3, -0.4), ('blue', 0.5, -0.3), ('green', 0.3, 0.5))


def test_who_looks_like_the_mover_goes_between_who_look_like_the_others():
    of = scene(*TABLE)
    plan = arranger().plan(between(), of, standing(of))
    assert plan.movers == ('thing_0',) and plan.references == ('thing_1', 'thing_2')
    (move,) = plan.moves
    assert move.entity == 'thing_0'
    assert np.allclose(SPACE.to_plane(np.array(move.place_in_base_m)), (0.1, -0.35), atol=0.01)


def test_the_nearer_of_two_who_look_alike_goes():
    of = scene(*TABLE, ('red', 0.1, 0.0))
    (move,) = arranger().plan(between(), of, standing(of)).moves
    assert move.entity == 'thing_4'


def test_where_it_holds_nobody_moves():
    of = scene(('red', 0.1, -0.35), *TABLE[1:])
    assert arranger().plan(between(), of, standing(of)).moves == ()
    of = scene(('red', -0.3, 0.2), ('red', 0.3, 0.2), ('green', 0.0, -0.4))
    assert arranger().plan(pair(), of, standing(of)).moves == ()


def test_of_a_pair_one_stays():
    of = scene(('red', -0.2, 0.2), ('red', 0.2, 0.2), ('green', 0.0, -0.4))
    plan = arranger().plan(pair(), of, standing(of))
    (move,) = plan.moves
    other = of.positions[1 - int(move.entity[-1])]
    place = SPACE.to_plane(np.array(move.place_in_base_m))
    assert np.linalg.norm(place - other) == pytest.approx(0.6, abs=0.01)


def test_too_few_are_refused():
    error = refusal(pair(), scene(('red', -0.2, 0.2), ('green', 0.0, -0.4), ('blue', 0.5, 0.5)))
    assert error.reason is Reason.MISSING and 'about 2 that are moved' in str(error)
    error = refusal(between(), scene(*TABLE[:2], TABLE[3]))
    assert error.reason is Reason.MISSING and 'refers to 2 that stay, 1 are there' in str(error)


def test_a_place_that_is_taken_is_refused():
    of = scene(*TABLE[:3], ('green', 0.1, -0.35))
    assert refusal(between(), of).reason is Reason.NO_ROOM


def test_what_stands_out_of_reach_is_refused_by_name():
    of = scene(('red', 1.0, 0.9), *TABLE[1:])
    error = refusal(between(), of)
    assert error.reason is Reason.OUT_OF_REACH
    assert 'thing_0 stands at (0.700, 0.225) m' in str(error)


def test_what_is_too_wide_is_refused_by_name():
    of = scene(*TABLE)
    things = standing(of)
    things[0] = replace(things[0], footprint=Footprint('box', 0.08, 0.09))
    error = refusal(between(), of, things)
    assert error.reason is Reason.TOO_WIDE
    assert 'thing_0 is 0.080 m wide, the hand grips up to 0.072 m' in str(error)


def test_a_scene_and_what_stands_there_have_to_fit():
    of = scene(*TABLE)
    things = standing(of)
    with pytest.raises(InvalidInput, match='standing: 3, the scene has 4 entities'):
        arranger().plan(between(), of, things[:3])
    things[0] = replace(things[0], id='thing_1')
    with pytest.raises(InvalidInput, match="standing: id 'thing_1' is used 2 times"):
        arranger().plan(between(), of, things)
    for wrong in ({'position_in_base_m': (math.nan, 0.0)}, {'yaw_rad': math.inf}):
        with pytest.raises(ValueError, match=r"'thing_1': x, y and yaw .* not three finite"):
            replace(things[1], **wrong)


def test_what_is_gone_is_said_and_what_is_left_is_given_up():
    of = scene(*TABLE)
    plan = arranger().plan(between(), of, standing(of))
    done = enact(arranger(), plan, Clumsy(standing(of)[1:], 0))
    assert not done.success and done.moves == ()
    assert done.reason.startswith('missing: thing_0 to be moved, on the table are thing_1, thing_2')


def test_what_is_not_understood_is_refused():
    def anywhere(places, rng):
        return rng.uniform(-0.9, 0.9, 2), 1

    concept = taught(arranger().model, 'nonsense', shown(1, anywhere))
    error = refusal(concept, scene(*TABLE))
    assert error.reason is Reason.NOT_UNDERSTOOD and "'nonsense' score" in str(error)


def test_demonstrations_in_which_nobody_can_move_are_refused():
    still = scene(*TABLE)
    nobody = Demonstration((still, still), np.array([1, 0, 0, 0]))
    with pytest.raises(InvalidInput, match='no entity that takes part is movable'):
        taught(arranger().model, 'nobody', [nobody])


class Clumsy:
    """Puts things where they are to be, but for the first few times, when nothing happens."""

    hand_yaw_rad = 0.0

    class Result:
        def __init__(self, success):
            self.success, self.reason = success, '' if success else 'it slipped'

    def __init__(self, things, fails):
        self.things, self.fails = {each.id: each for each in things}, fails

    def standing(self):
        return list(self.things.values())

    def move(self, move):
        self.fails -= 1
        if self.fails >= 0:
            return self.Result(False)
        thing = self.things[move.entity]
        self.things[move.entity] = thing.at(np.array(move.place_in_base_m), 0.0)
        return self.Result(True)


@pytest.mark.parametrize('fails', [0, 1, MOST_FAILURES - 1, MOST_FAILURES])
def test_what_fails_is_tried_again_a_few_times(fails):
    of = scene(*TABLE)
    plan = arranger().plan(between(), of, standing(of))
    mover = Clumsy(standing(of), fails)
    done = enact(arranger(), plan, mover)
    assert done.success == (fails < MOST_FAILURES)
    assert done.reason == ('' if done.success else 'it slipped')
    assert len(done.moves) == min(fails + 1, MOST_FAILURES)
    if done.success:
        assert arranger().again(plan, mover.standing()).moves == ()
