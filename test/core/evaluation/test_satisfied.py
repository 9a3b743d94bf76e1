# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a concept holds: of the shipped models, in scenes that they have not seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebm_core.concepts import get_concept
from ebm_core.errors import InvalidInput, ModelError
from ebm_core.evaluation.open import Conditions
from ebm_core.evaluation.open.measure import SATISFIED, measures, shares
from ebm_core.evaluation.satisfied import AWAY, least_errors, put_beside
from ebm_core.model_files import SHIPPED
from ebm_core.relational.model import ConceptModel, load_model


@pytest.fixture(scope='module')
def open_model():
    return load_model(SHIPPED / 'open')


@pytest.mark.parametrize('name', ['between', 'red', 'triangle', 'follow'])
@pytest.mark.parametrize('which', ['concepts', 'open'])
def test_it_holds_at_its_end_and_not_before(name, which):
    model = load_model(SHIPPED / which)
    rng = np.random.default_rng(0)
    concept = get_concept(name)
    *shown, a, b, c, d = concept.demonstrations(rng, 9)
    code = model.infer(shown).action_code
    how = {'changes': 'colour' if concept.changes == 'colour' else 'position'}
    holds = [model.satisfied(some.states, some.attention, code, **how) for some in (a, b, c, d)]
    before = [
        model.satisfied([some.states[0]] * len(some.states), some.attention, code, **how)
        for some in (a, b, c, d)
    ]
    assert sum(holds) >= 3
    assert sum(before) <= 1, 'one of red begins 0.2 from it in RGB, where both answers are near'


def test_open_concepts_are_judged(open_model):
    names = ('one third of the way from A to B', 'left of x = −0.3', 'a triangle of side 0.8')
    some = [m for m in measures() if m.group == SATISFIED and m.name in names]
    found = shares(open_model, some, Conditions(), scenes=20)[SATISFIED]
    assert len(found) == 3
    assert min(found.values()) >= 0.9


def test_what_it_cannot_judge_is_refused(model):
    concept = get_concept('between')
    *shown, asked = concept.demonstrations(np.random.default_rng(1), 6)
    code = model.infer(shown).action_code
    with pytest.raises(InvalidInput, match=r'changes: .* allowed are position, colour'):
        model.satisfied(asked.after, asked.attention, code, changes='shape')
    with pytest.raises(InvalidInput, match='nobody acts'):
        model.satisfied(asked.after, asked.attention * ~asked.after.movable, code)
    with pytest.raises(InvalidInput, match='1 given, at least 2'):
        model.satisfied([asked.after], asked.attention, code)
    without = ConceptModel(model.learner, {}, '')
    with pytest.raises(ModelError, match='thresholds'):
        without.satisfied(asked.after, asked.attention, code)


def test_what_is_put_beside_does_not_hold():
    rng = np.random.default_rng(2)
    concept = get_concept('north')
    events = concept.generation(rng, 30)
    beside, is_found = put_beside(rng, events, lambda some, _: concept.satisfied(some))
    assert is_found.all()
    assert not concept.satisfied(beside).any()
    moved = np.linalg.norm((beside.after - events.after)[..., :2], axis=-1)
    assert (moved.max(-1) >= AWAY[0] - 1e-6).all()
    assert (moved.max(-1) <= AWAY[1] + 1e-6).all()
    _, is_found = put_beside(rng, events, lambda some, _: np.ones(len(some.states), bool))
    assert not is_found.any()


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20),
    st.lists(st.floats(1.5, 9.0), min_size=1, max_size=20),
)
def test_a_threshold_between_makes_no_errors(good, bad):
    threshold = least_errors(np.array(good), np.array(bad))
    assert max(good) <= threshold < min(bad)
