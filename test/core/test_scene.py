# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes and demonstrations refuse bad input by the field's name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebm_core.world.scene import (
    COLOURS,
    MAX_ENTITIES,
    POSITION,
    WORKSPACE_LIMIT,
    Demonstration,
    InvalidInput,
    Scene,
)


def scene(n=3, **changes):
    values = {
        'positions': np.linspace(-1, 1, 2 * n).reshape(n, 2),
        'colours': np.tile(COLOURS['blue'], (n, 1)),
        'shapes': np.zeros(n, int),
        'movable': np.arange(n) == 0,
    }
    return Scene(**{**values, **changes})


@given(n=st.integers(1, 12), seed=st.integers(0, 1000))
def test_features_hold_the_positions_and_one_shape_each(n, seed):
    rng = np.random.default_rng(seed)
    made = scene(n, positions=rng.uniform(-1, 1, (n, 2)), shapes=rng.integers(0, 4, n))
    features = made.features()
    np.testing.assert_allclose(features[:, POSITION], made.positions, rtol=1e-6)
    assert (features[:, 5:9].sum(1) == 1).all()
    assert (features[:, 5:9].argmax(1) == made.shapes).all()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'positions': np.zeros((0, 2))}, 'positions: a scene needs at least one entity'),
        ({'positions': np.zeros((3, 3))}, 'positions: shape'),
        ({'positions': [[np.nan, 0], [0, 0], [0, 0]]}, 'positions: contains NaN'),
        ({'positions': [[0, 0], [np.inf, 0], [0, 0]]}, 'positions: contains NaN or infinity'),
        ({'positions': [[0, 0], [0, 0], [0, 2 * WORKSPACE_LIMIT]]}, 'entity 2 .* out of the'),
        ({'positions': 'nonsense'}, 'positions: not an array'),
        ({'colours': np.zeros((2, 3))}, 'colours: shape'),
        ({'colours': np.full((3, 3), 1.5)}, 'colours: components'),
        ({'shapes': [0, 0, 9]}, 'shapes: must be indices'),
        ({'movable': [True]}, 'movable: shape'),
    ],
)
def test_bad_scenes_are_refused_by_name(changes, message):
    with pytest.raises(InvalidInput, match=message):
        scene(**changes)


def test_too_many_entities_are_refused():
    n = MAX_ENTITIES + 1
    with pytest.raises(InvalidInput, match=f'{n} entities'):
        scene(n)


@pytest.mark.parametrize(
    ('states', 'attention', 'message'),
    [
        ([3], [1, 0, 0], 'at least 2'),
        ([3, 4], [1, 0, 0], 'state 1 has 4 entities'),
        ([3, 3], [1, 0], 'attention: shape'),
        ([3, 3], [1, 0, np.nan], 'attention: contains NaN'),
        ([3, 3], [1, 0, 2], 'attention: values'),
        ([3, 3], [0, 0, 0], 'attention: no entity'),
    ],
)
def test_bad_demonstrations_are_refused_by_name(states, attention, message):
    with pytest.raises(InvalidInput, match=message):
        Demonstration(tuple(scene(n) for n in states), attention)


def test_whoever_changes_must_be_able_to():
    still = scene()
    attention = [0, 1, 1]
    Demonstration((still, still), attention)  # shows whom to attend to
    with pytest.raises(InvalidInput, match='attention: no movable entity'):
        Demonstration((still, still.with_positions(still.positions + 0.1)), attention)


def test_entities_may_not_change_into_others():
    with pytest.raises(InvalidInput, match='the entities of state 1'):
        Demonstration((scene(), scene(shapes=[1, 0, 0])), [1, 0, 0])


def test_a_scene_cannot_be_changed_from_outside():
    positions = np.zeros((3, 2))
    made = scene(positions=positions)
    positions[:] = 9
    assert (made.positions == 0).all()
    with pytest.raises(ValueError, match='read-only'):
        made.positions[0] = 1


def test_participants_are_the_attended_movable_ones_first():
    scene = Scene(np.zeros((5, 2)), np.zeros((5, 3)), [0] * 5, [False, True, False, True, False])
    attention = np.array([1.0, 0.2, 0.0, 0.9, 0.6])
    assert scene.participants(attention).tolist() == [3, 0, 4]
    assert scene.references(attention).tolist() == [True, False, False, False, True]
    with pytest.raises(InvalidInput, match=r'attention: shape \(4,\), the scene has 5 entities'):
        scene.participants(attention[:4])
