# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which demonstration disagrees with the others: named where one does, and only there."""

import numpy as np
import pytest

from ebm_core import get_concept
from ebm_core.errors import InvalidInput
from ebm_core.relational.agreement import agreement


def shown(name, number, seed=0):
    return get_concept(name).demonstrations(np.random.default_rng(seed), number, 'blue')


@pytest.mark.parametrize('number', [0, 3])
def test_one_that_shows_something_else_is_named(model, number):
    demonstrations = [*shown('north', 5)]
    demonstrations[number] = shown('south', 1, seed=1)[0]
    found = agreement(model, demonstrations, in_time=False)
    assert found.odd == number
    assert found.score < found.without[number]
    others = demonstrations[:number] + demonstrations[number + 1 :]
    assert found.without[number] == model.understanding(others, in_time=False)


def test_none_is_named_where_all_agree_or_too_many_disagree(model):
    alike = shown('north', 5)
    found = agreement(model, alike, in_time=False)
    assert found.odd is None and found.score >= model.understanding_threshold
    halves = [*shown('north', 2), *shown('south', 2, seed=1)]
    found = agreement(model, halves, in_time=False)
    assert found.odd is None and found.score < model.understanding_threshold
    assert agreement(model, [alike[0], halves[2]], in_time=False).odd is None


def test_one_alone_agrees_with_itself_and_none_is_refused(model):
    found = agreement(model, shown('north', 1), in_time=False)
    assert np.isnan(found.without).all() and found.odd is None
    with pytest.raises(InvalidInput, match='none given'):
        agreement(model, [])
