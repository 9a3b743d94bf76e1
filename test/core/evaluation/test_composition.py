# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of concepts whose codes have exact parts: all of them come to hold."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ebm_core import load_model
from ebm_core.evaluation.composition import SUM, composition_table, evaluate_sum
from ebm_core.evaluation.open import sums
from ebm_core.evaluation.open.sums import evaluate_open_sums
from ebm_core.relational.composition import EXACT, NEAREST, weighed
from ebm_core.relational.curves import (
    ASIDE,
    FEATURES,
    OF_REFERENCES,
    OF_START,
    ONE,
    PLACE,
    SIZE,
    VECTORS,
    is_extreme,
)

MODEL = Path(__file__).parents[3] / 'models' / 'open'


@pytest.fixture(scope='module')
def model():
    return load_model(MODEL)


@pytest.mark.parametrize(
    'names',
    [
        ('horizontal_line', 'vertical_line'),
        ('north', 'east', 'horizontal_line'),
        # Who goes right up to it goes as near as the others let.
        ('closest', 'horizontal_line'),
        ('west', 'vertical_line', 'closest'),
    ],
)
def test_named_ones_hold_together(model, names):
    row = evaluate_sum(model, names, scenes=8, seed=3)
    assert row['both'] >= 0.9 and all(row[name] >= row['both'] for name in names)


def test_open_ones_hold_together(model):
    few = {SUM.join(names) for names in (sums.PAIRS[8], sums.PAIRS[10])}
    rows = evaluate_open_sums(model, scenes=6, seed=3, only=few)
    assert set(rows) >= few
    assert all(rows[name]['both'] >= 0.9 for name in few)
    assert composition_table(rows).count('\n') == 1 + len(rows)


def test_where_the_actor_was_counts_little_beside_what_else_is_asked_for(model):
    """Of a line that was gone straight up to, y = 0.5 stays, and x = x0 nearly goes."""
    e = model.energy
    w = torch.zeros(2, e.code_size)
    curve = torch.zeros(2, SIZE)
    curve[:, 0] = 1.0
    theta = curve[:, 3:].view(2, -1, FEATURES)
    theta[0, 0, [PLACE + 1, ONE]] = torch.tensor([1.0, -0.5])
    theta[0, 1, [PLACE, OF_START]] = torch.tensor([1.0, -1.0])
    # What depends on it by itself is what is asked for: so far in a direction.
    theta[1, 0, [PLACE, OF_START]] = torch.tensor([1.0, -1.0])
    w[:, e.curves.columns] = curve
    before = w.clone()
    after = weighed(e, w, in_sum=True)[:, e.curves.columns][:, 3:].view(2, -1, FEATURES)
    np.testing.assert_array_equal(w, before)
    np.testing.assert_allclose(after[0, 0], EXACT * theta[0, 0])
    np.testing.assert_allclose(after[0, 1], NEAREST * theta[0, 1])
    np.testing.assert_allclose(after[1], EXACT * theta[1])


@pytest.mark.parametrize(
    'row, extreme',
    [
        ({0: 1.0, ONE: -0.1}, True),  # right up to a reference
        ({0: -2.0, ONE: 0.2}, True),  # whatever its scale
        ({0: 1.0, ONE: -0.3}, False),  # a ring round it
        ({0: 1.0, 1: -1.0}, False),  # equally far from two
        ({PLACE: 1.0, ONE: -0.95}, True),  # out to an edge
        ({ASIDE: 1.0, ONE: -0.95}, True),
        ({PLACE: 1.0, ONE: -0.5}, False),
        ({PLACE: 1.0, PLACE + 1: 1.0, ONE: -0.95}, False),
        ({PLACE: 1.0, OF_REFERENCES: -1.0, VECTORS: -0.1}, True),  # beside it, right up to it
        ({PLACE: 1.0, OF_REFERENCES: -1.0, VECTORS: -0.3}, False),
        ({PLACE: 1.0, OF_REFERENCES: -1.0}, False),  # in its column
        ({}, False),
    ],
)
def test_what_says_as_near_as_can_be_or_as_far(row, extreme):
    theta = torch.zeros(FEATURES)
    for feature, coefficient in row.items():
        theta[feature] = coefficient
    assert bool(is_extreme(theta)) is extreme
