# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What few demonstrations may mean: several readings of one, fewer of two, one of five."""

import numpy as np
import pytest
import torch

from ebm_core import Demonstration, Scene, load_model
from ebm_core.model_files import SHIPPED
from ebm_core.relational.readings import _told_apart

MODEL = load_model(SHIPPED / 'open')
LOOKS = [(0.1, 0.1, 0.1), (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)]


def scene(places):
    n = len(places)
    movable = np.arange(n) == 0
    return Scene(np.array(places), np.array(LOOKS[:n]), np.zeros(n, int), movable)


def shown(start, end, *references):
    before = scene([start, *references])
    return Demonstration((before, scene([end, *references])), np.ones(len(before)))


def ends(readings, start, *references):
    asked = scene([start, *references])
    return [
        MODEL.generate(asked, np.ones(len(asked)), r.action_code).positions[0] for r in readings
    ]


def has(places, where):
    return min(np.linalg.norm(place - where) for place in places) < 0.05


ONE = shown((-0.6, -0.5), (0.2, 0.4), (0.2, 0.1))
TWO = shown((0.7, 0.3), (-0.4, 0.0), (-0.4, -0.3))


def test_one_demonstration_may_be_a_place_beside_somebody_a_step_or_a_place_on_the_table():
    readings = MODEL.readings([ONE])
    assert sum(r.probability for r in readings) == pytest.approx(1.0, abs=1e-5)
    assert all(r.probability < 0.5 for r in readings)
    places = ends(readings, (-0.7, 0.3), (0.5, -0.5))
    assert has(places, (0.5, -0.2)), 'north of it'
    assert has(places, (0.1, 1.2)), 'a step'
    assert has(places, (0.2, 0.4)), 'there'
    inferred = MODEL.infer([ONE]).action_code
    assert sum(np.array_equal(r.action_code, inferred) for r in readings) == 1


def test_two_leave_what_both_of_them_say_and_of_five_one_reading_is_left():
    first, *others = MODEL.readings([ONE, TWO])
    assert first.probability > 0.9 > sum(r.probability for r in others)
    assert has(ends([first], (-0.7, 0.3), (0.5, -0.5)), (0.5, -0.2))
    rng = np.random.default_rng(0)
    five = []
    for _ in range(5):
        start, a = rng.uniform(-0.6, 0.6, (2, 2))
        five.append(shown(start, a + np.array((0, 0.3)), a))
    (only,) = MODEL.readings(five)
    assert only.probability == 1.0
    np.testing.assert_array_equal(only.action_code, MODEL.infer(five).action_code)


def test_other_numbers_of_references_and_who_only_is_looked_at_have_one_reading():
    alone = shown((-0.6, -0.5), (0.2, 0.4), (0.2, 0.1), (-0.3, 0.6))
    still = Demonstration((ONE.before, ONE.before), ONE.attention)
    for few in ([ONE, alone], [still]):
        (only,) = MODEL.readings(few)
        assert only.probability == 1.0


def test_where_very_many_are_equally_likely_one_is_left():
    many = 400
    codes = torch.arange(many, dtype=torch.double)[:, None]
    place = codes[:, None, :].expand(-1, 1, 2)  # each leads elsewhere
    found = _told_apart(codes, torch.full((many,), 3.0), place, torch.full((1, 1), -1.0))
    assert found.probability.sum() == pytest.approx(1.0) and len(found.codes) == 1


def test_a_model_without_parts_of_codes_has_one_reading():
    (only,) = load_model(SHIPPED / 'concepts').readings([ONE])
    assert only.probability == 1.0
