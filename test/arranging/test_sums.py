# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts taught one by one and added up: the same movers, each concept's own references."""

from functools import cache

import numpy as np
import pytest

from ebm_concept_ros.arranging.arranger import Arranger
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.sums import composed
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace
from ebm_core import COLOURS, Demonstration, InvalidInput, Scene, load_model

CAN = Footprint('cylinder', 0.04)
SPACE = load_workspace(package_path('', WORKSPACE))


@cache
def arranger():
    return Arranger(load_model('models/open'), SPACE)


def scene(*things, movers=0):
    """Return a scene of things (colour, x, y), of which the first so many can move."""
    names, x, y = zip(*things, strict=True)
    colours = [COLOURS[name] for name in names]
    movable = np.arange(len(things)) < movers
    return Scene(np.column_stack((x, y)), colours, [1] * len(things), movable)


def shown(movers, beside, end):
    """Return five demonstrations in which red ones go where `end` says, beside those of a colour.

    end: of positions (N, 2), the movers' before those of whom it is beside.
    """
    out = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        names = ['red'] * movers + beside + ['yellow', 'purple']
        moved = np.zeros(1)
        while moved.max() < 0.2:
            before = scene(*((name, *rng.uniform(-0.8, 0.8, 2)) for name in names), movers=movers)
            positions = before.positions.copy()
            positions[:movers] = end(before.positions)
            moved = np.abs(positions - before.positions)
        attention = np.arange(len(names)) < movers + len(beside)
        out.append(Demonstration((before, before.with_positions(positions)), attention))
    return out


@cache
def concept(name):
    def on_line(p):
        along = (p[2] - p[1]) / np.linalg.norm(p[2] - p[1])
        return p[1] + (p[0] - p[1]) @ along * along

    def apart(p):
        away = 0.25 * (p[1] - p[0]) / np.linalg.norm(p[1] - p[0])
        return np.clip(p[:2].mean(0), -0.6, 0.6) + np.array([-away, away])

    def west_of(p):
        # To the nearest place, or somewhere inside.
        return p[0] if p[0][0] < p[1][0] else (p[1][0] - max(p[0][1], 0.0), p[0][1])

    demonstrations = {
        'in line with the blue ones': lambda: shown(1, ['blue', 'blue'], on_line),
        'due 0.4 from the green one': lambda: shown(
            1, ['green'], lambda p: p[1] + 0.4 * (p[0] - p[1]) / np.linalg.norm(p[0] - p[1])
        ),
        'a pair': lambda: shown(2, [], apart),
        'west of the green one': lambda: shown(1, ['green'], west_of),
        'three': lambda: shown(3, [], lambda p: [(-0.4, 0.0), (0.0, 0.0), (0.4, 0.0)]),
    }[name]()
    return taught(arranger().model, name, demonstrations)


def plan(of, *names, weights=None):
    terms = [concept(name) for name in names]
    standing = [
        Standing(f'{i}', CAN, tuple(place))
        for i, place in enumerate(SPACE.to_base(of.positions).tolist())
    ]
    added = composed(' + '.join(names), terms, weights or [1.0] * len(terms))
    return arranger().plan(added, of, standing)


def places(of, plan):
    """Return where everything stands in the end, particle units."""
    positions = of.positions.copy()
    for id_, place in plan.places_in_base_m.items():
        positions[int(id_)] = SPACE.to_plane(np.array(place))
    return positions


BESIDE = (('blue', -0.6, 0.3), ('blue', -0.1, 0.3), ('green', 0.3, 0.0))


def test_one_goes_where_both_hold_and_each_has_its_own_references():
    of = scene(('red', -0.3, -0.6), *BESIDE, ('yellow', 0.7, -0.5))
    found = plan(of, 'in line with the blue ones', 'due 0.4 from the green one')
    assert found.movers == ('0',) and found.references == ('1', '2', '3')
    (x, y), green = places(of, found)[0], of.positions[3]
    assert abs(y - 0.3) < 0.03
    assert abs(np.hypot(*((x, y) - green)) - 0.4) < 0.03


def test_where_they_contradict_each_other_the_weights_tell():
    of = scene(('red', -0.3, -0.6), *BESIDE[:2], ('green', 0.5, -0.6), ('yellow', 0.7, 0.7))
    line, ring = 'in line with the blue ones', 'due 0.4 from the green one'
    (_, y), green = places(of, plan(of, line, ring, weights=[100.0, 1.0]))[0], of.positions[3]
    assert abs(y - 0.3) < 0.06
    at = places(of, plan(of, line, ring, weights=[1.0, 100.0]))[0]
    assert abs(np.hypot(*(at - green)) - 0.4) < 0.06
    alone = plan(of, line, ring, weights=[0.0, 1.0])
    assert alone.references == ('3',)


def test_what_was_shown_of_one_is_asked_of_each_of_several():
    of = scene(('red', 0.6, -0.6), ('red', 0.7, 0.5), ('green', 0.1, 0.1), ('yellow', 0.7, 0.0))
    found = plan(of, 'a pair', 'west of the green one')
    assert set(found.movers) == {'0', '1'} and found.references == ('2',)
    one, other, green = places(of, found)[:3]
    assert abs(np.hypot(*(one - other)) - 0.5) < 0.03
    assert max(one[0], other[0]) < green[0] + 0.05


def test_what_is_about_different_numbers_is_refused():
    with pytest.raises(InvalidInput, match="different numbers are moved: 2 of 'a pair', 3 of"):
        composed('both', [concept('a pair'), concept('three')], [1.0, 1.0])


def test_where_a_reference_of_one_is_missing_it_is_refused():
    of = scene(('red', -0.3, -0.6), *BESIDE[:2], ('yellow', 0.7, -0.5))
    with pytest.raises(CannotArrange, match=r'green one. refers to 1') as caught:
        plan(of, 'in line with the blue ones', 'due 0.4 from the green one')
    assert caught.value.reason is Reason.MISSING
