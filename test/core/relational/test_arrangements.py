# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies of arrangements are the model's, their slopes are right, and formations are exact."""

from functools import cache

import numpy as np
import pytest

from ebm_core import get_concept, load_model
from ebm_core.concepts import OPEN_FAMILIES
from ebm_core.concepts.formation import Formation
from ebm_core.errors import ModelError
from ebm_core.relational.arrangements import Arrangements


@cache
def model(name):
    return load_model(f'models/{name}')


def asked(concept, name):
    """Return arrangements in a new scene, that scene, and the action code."""
    shown = concept.demonstrations(np.random.default_rng(0), 5)
    event = concept.demonstrations(np.random.default_rng(9), 1)[0]
    code = model(name).infer(shown, in_time=False).action_code
    return Arrangements(model(name), event.before, event.attention, code), event, code


@pytest.mark.parametrize('name', ['open', 'concepts'])
def test_of_one_mover_it_is_the_energy_of_the_actor(name):
    energy, event, code = asked(get_concept('between'), name)
    places = np.random.default_rng(1).uniform(-1, 1, (7, 2))
    of_actor = model(name).actor_energy(event.before, event.attention, code, places)
    assert np.allclose(energy.energies(places[:, None]), of_actor, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('concept', 'name'), [('between', 'concepts'), ('triangle', 'concepts'), ('triangle', 'open')]
)
def test_slopes_are_those_of_the_energy(concept, name):
    energy, event, code = asked(get_concept(concept), name)
    if name == 'open':  # of the network alone, which knows displacements
        code[model(name).energy.formations.columns] = 0.0
        energy = Arrangements(model(name), event.before, event.attention, code)
    m = len(energy.movers)
    places = np.random.default_rng(2).uniform(-0.5, 0.5, (3, m, 2))
    value, slope = energy.slopes(places)
    assert np.allclose(value, energy.energies(places), rtol=1e-4)
    step = 1e-2
    near = 0.05 * np.abs(slope).max()
    for k in range(2 * m):
        off = step * np.eye(2 * m)[k].reshape(m, 2)
        rise = (energy.energies(places + off) - energy.energies(places - off)) / (2 * step)
        assert np.allclose(slope.reshape(3, -1)[:, k], rise, rtol=0.05, atol=near)


def formation():
    (row,) = (c for c in OPEN_FAMILIES['formation'] if c.name == 'spaced_line')
    return row


def test_chains_end_in_the_formation_and_it_is_one_anywhere():
    concept = formation()
    energy, _, _ = asked(concept, 'open')
    ends = energy.chains(8)
    assert ends.shape == (8, 3, 2)
    assert np.median([concept.violation(end) for end in ends]) < 0.01
    values = energy.energies(ends)
    best = ends[values.argmin()]
    # Who went where, and how far, is no part of how they stand; they look a little different.
    same = energy.energies(np.array([best, best[[1, 0, 2]], best[[2, 1, 0]]]))
    assert np.allclose(same, same[0], atol=1.0)
    spoilt = best + np.array([[0.1, 0.0], [0.0, 0.1], [-0.1, 0.0]])
    assert energy.energies(spoilt[None])[0] > same[0] + 100
    assert concept.violation(energy.in_formation(spoilt[None])[0]) < 0.01


def test_of_five_in_line_only_places_are_kept_that_are_in_it():
    # Other shapes of five miss its sums by next to nothing: too little for a penalty to tell.
    concept = Formation('five', tuple((0.36 * i, 0.0) for i in range(-2, 3)))
    energy, _, _ = asked(concept, 'open')
    ends = energy.chains(16)
    assert 1 <= len(ends) < 16
    assert max(concept.violation(end) for end in ends) < 0.02


def test_a_place_that_is_not_finite_is_an_error_in_a_formation_too():
    energy, _, _ = asked(formation(), 'open')
    places = np.zeros((2, 3, 2))
    places[0] = np.nan
    places[1] = [[0.0, 0.0], [0.3, 0.0], [0.6, 0.0]]
    with pytest.raises(ModelError, match='did not stay finite'):
        energy.in_formation(places)


def test_a_model_without_formations_leaves_places_as_they_are():
    energy, _, _ = asked(get_concept('triangle'), 'concepts')
    places = np.random.default_rng(3).uniform(-0.5, 0.5, (2, 3, 2))
    assert np.array_equal(energy.in_formation(places), places)
