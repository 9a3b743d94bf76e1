# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The weights that are shipped load, do what they are for, and know what they do not understand."""

import json
from pathlib import Path

import pytest

from ebm_core.__main__ import main
from ebm_core.concepts import concept_names, get_concept
from ebm_core.evaluation.contexts import CONTEXTS, evaluate_concept
from ebm_core.evaluation.understanding import evaluate_understanding
from ebm_core.relational.model import load_model

MODELS = Path(__file__).parents[3] / 'models'
SHIPPED = [card.parent.name for card in sorted(MODELS.glob('*/model.json'))]


@pytest.fixture(scope='module')
def concepts():
    return load_model(MODELS / 'concepts')


@pytest.mark.parametrize('name', SHIPPED)
def test_every_shipped_model_loads_and_says_how_it_was_made(name):
    provenance = load_model(MODELS / name).card['provenance']
    assert {'command', 'commit', 'seed'} <= set(provenance)


@pytest.mark.parametrize('name', concept_names())
def test_the_model_of_all_families_knows_every_concept(concepts, name):
    """docs/results.md has rates of 1000 scenes; these few tell other weights from the shipped."""
    row = evaluate_concept(concepts, name, scenes=20)
    measured = [c for c in CONTEXTS if c != 'generation' or get_concept(name).generates]
    assert {'identification'} <= set(measured)
    assert all(row[context] >= 0.9 for context in measured)


def test_what_shows_nothing_scores_below_what_is_understood(concepts):
    result = evaluate_understanding(concepts, sets=3)
    assert result['random']['auroc'] >= 0.95
    assert result['contradictory']['auroc'] >= 0.95
    # The threshold that is shipped is about the one that these few sets give.
    assert concepts.understanding_threshold == pytest.approx(result['threshold'], abs=0.7)


def test_the_commands_print_what_they_measured(tmp_path, capsys):
    options = ['--scenes', '2', '--json', str(tmp_path / 'x')]
    # Of the fewest concepts: the scores of all of them are measured above.
    assert main(['understand', '--model', str(MODELS / 'placement'), *options]) == 0
    assert json.loads((tmp_path / 'x').read_text())['random']['auroc'] > 0.9
    assert main(['compose', '--model', str(MODELS / 'concepts'), *options]) == 0
    assert len(json.loads((tmp_path / 'x').read_text())) >= 10
    out = capsys.readouterr().out
    assert '| contradictory |' in out and '| between + north |' in out
