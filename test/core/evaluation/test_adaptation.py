# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model is taught a kind that its training held out, and what it knew is measured again."""

import json

import numpy as np
import pytest
import torch
from conftest import MODEL

from ebm_core.__main__ import main
from ebm_core.errors import InvalidInput
from ebm_core.evaluation.adapted import concept_named, events_of, kept
from ebm_core.model_files import read_model
from ebm_core.relational.adaptation import AdaptationRecipe, adaptation
from ebm_core.relational.model import load_model

KIND = 'between 0.3 and 0.5 from A'


def test_a_steps_tasks_are_the_kind_and_what_is_rehearsed():
    events = events_of(concept_named(KIND), 30, 0)
    rng = np.random.default_rng(0)
    recipe = AdaptationRecipe(adaptation(MODEL), events)
    *rehearsed, new = recipe.draw(0, rng, torch.device('cpu'))
    assert sum(len(task.shown.states) for task in rehearsed) == sum(recipe.run.concepts.values())
    assert new.shown.states.shape[:2] == (8, 5) and new.generate.states.shape[0] == 8 * 2
    # Who asks is not shown.
    shown, asked = new.shown.states[0].numpy(), new.generate.states[:2].numpy()
    assert not any(np.array_equal(one, other) for one in shown for other in asked)
    plain = AdaptationRecipe(adaptation(MODEL, rehearse=False), events)
    assert len(plain.draw(0, rng, torch.device('cpu'))) == 1


def test_what_a_grammar_drew_is_rehearsed_too():
    taught = adaptation(MODEL.parent / 'open')
    drawn = read_model(MODEL.parent / 'open').card['training']['grammar']
    assert set(taught.training.grammar) == set(drawn)
    recipe = AdaptationRecipe(taught, events_of(concept_named('on a flat ellipse round A'), 30, 0))
    *rehearsed, new = recipe.draw(0, np.random.default_rng(0), torch.device('cpu'))
    number = sum(taught.training.concepts.values()) + sum(taught.training.grammar.values())
    assert sum(len(task.shown.states) for task in rehearsed) == number
    assert recipe.work == number + 8 and len(new.shown.states) == 8


def test_events_show_the_kind_and_are_not_those_of_the_evaluation():
    concept = concept_named(KIND)
    events = events_of(concept, 40, 0)
    off = concept.violation(
        events.after[:, :1, :2], events.before[:, :1, :2], events.after[:, 1:2, :2]
    )
    assert off.max() < 1e-6 and len(events.attention) == 40
    assert np.array_equal(events.states, events_of(concept, 40, 0).states)
    assert not np.array_equal(events.states, events_of(concept, 40, 1).states)


def test_a_model_is_taught_and_measured(tmp_path):
    kind = 'equally far from two'
    command = ['adapt', '--kind', kind, '--model', str(MODEL), '--events', '60', '--known', '2']
    command += ['--scenes', '40', '--open', '0', '--set', 'steps=20', '--set', 'learning_rate=0.02']
    command += ['--set', 'chains_from=1']
    command += ['--output', str(tmp_path / 'model'), '--gallery', str(tmp_path), '--plain']
    assert main(command) == 0
    numbers = json.loads((tmp_path / 'adapt_plain.json').read_text())
    assert numbers['after']['kind'] > numbers['before']['kind']
    assert numbers['before']['known'] == 1.0 > numbers['after']['known']  # nothing was rehearsed
    assert numbers['learning_cpu_s'] > 0
    taught = load_model(tmp_path / 'model')
    assert taught.trained_concepts == load_model(MODEL).trained_concepts
    assert taught.card['provenance']['taught'] == kind
    assert taught.card['provenance']['from'] == load_model(MODEL).sha256
    assert '| after |' in (tmp_path / 'adapt_plain.md').read_text()


def test_the_same_seed_measures_the_same(model):
    concept = concept_named(KIND)
    some = {'scenes': 5, 'known_scenes': 2, 'open_scenes': 0}
    first, again = (kept(model, concept, ('north',), **some) for _ in range(2))
    assert first == again


def test_what_is_wrong_is_named(capsys):
    with pytest.raises(InvalidInput, match=r"kind: 'x' is unknown; kinds held out .*'equally far"):
        concept_named('x')
    with pytest.raises(InvalidInput, match='19 are refused: 20 or more'):
        AdaptationRecipe(adaptation(MODEL), events_of(concept_named(KIND), 19, 0))
    with pytest.raises(InvalidInput, match="steps: '0' is refused"):
        adaptation(MODEL, steps='0')
    with pytest.raises(InvalidInput, match='2 processes are refused'):
        AdaptationRecipe(adaptation(MODEL), events_of(concept_named(KIND), 20, 0)).share(0, 2)
    assert main(['adapt', '--events', '3']) == 2 and '3 is refused' in capsys.readouterr().err
    assert main(['adapt', '--known', '0']) == 2 and '--known: 0' in capsys.readouterr().err
