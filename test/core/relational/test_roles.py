# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Roles: what demonstrators mark is taken, and what they do not mark is told by what recurs."""

import numpy as np
import pytest

from ebm_core import Demonstration, InvalidInput, Scene
from ebm_core.relational.config import ModelConfig
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ConceptModel
from ebm_core.relational.roles import infer_roles
from ebm_core.world.scene import COLOURS, SHAPES

RED, BLUE, GREEN, YELLOW = (COLOURS[name] for name in ('red', 'blue', 'green', 'yellow'))
CROSS, CIRCLE, SQUARE, TRIANGLE = range(len(SHAPES))


def shown(looks, *, seed=0, roles=None, order=None):
    """Return a demonstration: an actor, and references with (colour, shape) in some order."""
    rng = np.random.default_rng(seed)
    looks = [looks[i] for i in order] if order else looks
    n = 1 + len(looks)
    positions = rng.uniform(-1, 1, (n, 2))
    colours = np.array([(0.1, 0.1, 0.1), *(look[0] for look in looks)])
    shapes = [CROSS, *(look[1] for look in looks)]
    before = Scene(positions, colours, shapes, np.arange(n) < 1)
    moved = positions.copy()
    moved[0] = rng.uniform(-1, 1, 2)
    return Demonstration((before, before.with_positions(moved)), np.ones(n), roles)


def test_references_of_one_colour_play_one_role():
    demonstrations = [shown([(BLUE, CIRCLE), (BLUE, SQUARE)], seed=s) for s in range(3)]
    roles = infer_roles(demonstrations)
    assert roles.number == 1 and all(of.tolist() == [0, 1, 1] for of in roles.of)


def test_colours_that_recur_are_roles_in_whatever_order_they_come():
    looks, orders = [(RED, CIRCLE), (BLUE, SQUARE)], ([0, 1], [1, 0], [1, 0])
    roles = infer_roles([shown(looks, seed=i, order=o) for i, o in enumerate(orders)])
    assert roles.number == 2 and not roles.anchored
    assert [of.tolist() for of in roles.of] == [[0, 1, 2], [0, 2, 1], [0, 2, 1]]


def test_shapes_that_recur_are_roles_where_colours_do_not():
    drawn = np.random.default_rng(1).uniform(0, 1, (3, 2, 3))
    looks = [[(tuple(c[0]), SQUARE), (tuple(c[1]), TRIANGLE)] for c in drawn]
    roles = infer_roles([shown(some, seed=i) for i, some in enumerate(looks)])
    assert roles.number == 2 and [of.tolist() for of in roles.of] == [[0, 1, 2]] * 3


def test_whoever_is_told_by_a_relation_has_an_anchor_that_recurs():
    others = [(RED, CIRCLE), (BLUE, SQUARE), (GREEN, TRIANGLE)]
    demonstrations = [shown([other, (YELLOW, CROSS)], seed=i) for i, other in enumerate(others)]
    roles = infer_roles(demonstrations)
    assert roles.anchored and [of.tolist() for of in roles.of] == [[0, 1, 2]] * 3
    together, anchor = roles.told_by_code(1)[0], roles.told_by_code(2)[0]
    assert together.all() and anchor.tolist() == [True, False, True]


def test_marked_roles_are_taken():
    marked = [shown([(BLUE, CIRCLE), (BLUE, CIRCLE)], roles=[0, 2, 1]) for _ in range(2)]
    roles = infer_roles(marked)
    assert roles.number == 2 and [of.tolist() for of in roles.of] == [[0, 2, 1]] * 2


@pytest.mark.parametrize(
    ('roles', 'words'),
    [
        ([0, 1, 4], ('roles', '0 to 3', '4')),
        ([1, 1, 1], ('roles', 'entity 0', 'no reference')),
        ([0, 0, 1], ('roles', 'entity 1', 'a reference', 'role 0')),
        ([0, 1, 3], ('roles', 'role 2 is missing')),
        ([0, 1], ('roles', 'shape')),
    ],
)
def test_wrong_roles_are_refused(roles, words):
    with pytest.raises(InvalidInput) as refused:
        shown([(BLUE, CIRCLE), (RED, CIRCLE)], roles=roles)
    assert all(word in str(refused.value) for word in words)


def test_codes_of_several_roles_are_one_after_the_other():
    model = ConceptModel(
        Learner(ModelConfig(hidden=16, roles=3, displacement=True, ridge=True)), {}, ''
    )
    looks = [(RED, CIRCLE), (BLUE, SQUARE)]
    demonstrations = [shown(looks, seed=i) for i in range(3)]
    concept = model.infer(demonstrations)
    assert concept.action_code.shape == (8,) and concept.argument_code.shape == (16,)
    scene = demonstrations[0].before
    roles = model.identify_roles(scene, concept.argument_code)
    assert roles.shape == (3,) and roles[0] == 0
    attention = np.ones(3)
    energies = [
        model.actor_energy(scene, attention, concept.action_code, np.zeros((1, 2)), roles=r)
        for r in ([0, 1, 2], [0, 2, 1])
    ]
    assert energies[0] != energies[1]
    with pytest.raises(InvalidInput, match=r'roles: shape \(2,\)'):
        model.generate(scene, attention, concept.action_code, roles=[0, 1])
    with pytest.raises(InvalidInput, match=r'code: shape \(9,\)'):
        model.identify(scene, np.zeros(9))
