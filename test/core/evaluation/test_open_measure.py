# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The measure of concepts that nobody trained on: what it counts, and that it can be shared out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from processes import end, start_together

from ebm_core.__main__ import main
from ebm_core.evaluation.open import evaluate_open, measure
from ebm_core.evaluation.open.concept import at
from ebm_core.evaluation.open.concepts import CONCEPTS
from ebm_core.evaluation.open.geometry import EAST, NORTH
from ebm_core.evaluation.open.measure import measures, shares
from ebm_core.evaluation.open.scenes import Conditions, generation
from ebm_core.evaluation.open.table import open_table, summary
from ebm_core.evaluation.open.understood import foretold, odd_one_out, spoil
from ebm_core.relational.model import load_model

# What the model of the tests was trained on, and its opposite, written as open concepts.
NORTH_OF = at('0.3 north of A', lambda x0, a: a + 0.3 * NORTH, 1)
BETWEEN = at('between two', lambda x0, a, b: (a + b) / 2, 2)
FAR = at('1.2 east of A', lambda x0, a: a + 1.2 * EAST, 1)
FEW = Conditions()


def some():
    return measures([NORTH_OF, replace(BETWEEN, held_out=True)], [], [], [])


def test_a_model_brings_about_what_it_was_trained_on_and_not_something_else(model):
    got = shares(model, measures([NORTH_OF, BETWEEN, FAR], [], [], []), FEW, scenes=40)
    assert got[measure.GENERATION][NORTH_OF.name] > 0.95
    assert got[measure.GENERATION][BETWEEN.name] > 0.95
    assert got[measure.GENERATION][FAR.name] < 0.5
    assert got[measure.STILL][NORTH_OF.name] > 0.9


def test_pieces_add_up_and_a_seed_decides(model, monkeypatch):
    one = shares(model, some(), FEW, scenes=20)
    assert shares(model, some(), FEW, scenes=20) == one
    assert set(one) == {
        measure.GENERATION,
        measure.GENERATION_HELD_OUT,
        measure.STILL,
        measure.STILL_HELD_OUT,
        measure.SATISFIED,
        measure.SATISFIED_HELD_OUT,
    }
    monkeypatch.setattr(measure, '_PIECE', 8)
    pieces = shares(model, some(), FEW, scenes=20)
    assert all(0 <= share <= 1 for rows in pieces.values() for share in rows.values())


def shared(processes, model_directory, directory):
    measure._PIECE = 7
    got = shares(load_model(model_directory), some(), FEW, scenes=20, processes=processes)
    (directory / f'{processes.rank}.json').write_text(json.dumps(got))


def test_processes_share_the_work_and_the_numbers_are_the_same(model, tmp_path, monkeypatch):
    from conftest import MODEL

    assert end(start_together(2, shared, MODEL, tmp_path)) == [0, 0]
    monkeypatch.setattr(measure, '_PIECE', 7)
    alone = shares(model, some(), FEW, scenes=20)
    for rank in (0, 1):
        assert json.loads((tmp_path / f'{rank}.json').read_text()) == alone


def test_a_wrong_demonstration_ends_where_the_concept_does_not_hold():
    rng = np.random.default_rng(0)
    for concept in CONCEPTS:
        events = spoil(rng, concept, generation(rng, concept, 1, 20, FEW)[0])
        movers, part = concept.movers, concept.movers + concept.references
        off = concept.violation(
            events.after[:, :movers, concept.changes],
            events.before[:, :movers, concept.changes],
            events.before[:, movers:part, :2],
        )
        assert off.min() > 0.29


def test_understanding_foretells_success_of_what_was_trained_and_names_what_is_wrong(model):
    assert model.understanding_threshold is not None
    got = foretold(model, FEW, sets=6, concepts=[NORTH_OF, BETWEEN, FAR])
    assert got['understood'] > 0.5
    assert got['of_understood'] >= 0.8
    assert got['concepts'][NORTH_OF.name]['succeeds'] == 1
    assert got['concepts'][NORTH_OF.name]['wrong_named'] >= 0.8
    assert got['wrong_named'] == pytest.approx(
        np.mean([row['wrong_named'] for row in got['concepts'].values()])
    )


def test_the_odd_one_is_named(model):
    rng = np.random.default_rng(0)
    events = generation(rng, NORTH_OF, 1, 5, FEW)
    demonstrations = [events.demonstration((0, i)) for i in range(5)]
    demonstrations[3] = spoil(rng, NORTH_OF, events[0, 3:4]).demonstration((0,))
    assert odd_one_out(model, demonstrations) == 3


def test_the_table_says_mean_lowest_and_of_whom(model, monkeypatch):
    monkeypatch.setattr('ebm_core.evaluation.open.measures', some)
    result = evaluate_open(model, FEW, scenes=10, curve=[1, 2])
    row = result['summary'][measure.GENERATION]
    assert row['lowest'] == row['mean'] == result['shares'][measure.GENERATION][NORTH_OF.name]
    assert json.loads(json.dumps(result))['num_entities'] == [3, 8]
    only = evaluate_open(model, FEW, scenes=10, curve=[1], only=['north'])
    rows = {
        group: {NORTH_OF.name: each[NORTH_OF.name]}
        for group, each in result['shares'].items()
        if NORTH_OF.name in each
    }
    assert only['shares'] == rows and '| 1 |' in open_table(only)
    text = open_table(result)
    assert f'| {measure.GENERATION} | {100 * row["mean"]:.1f} % | 96.0 %' in text
    assert '| 1 |' in text
    assert '| 2 |' in text
    both = summary({'g': {'a': 0.5, 'b': 1.0}})
    assert both == {'g': {'mean': 0.75, 'lowest': 0.5, 'lowest_of': 'a'}}


@pytest.mark.parametrize(
    ('options', 'refused'),
    [
        (['--position-noise', '-0.1'], '--position-noise: -0.1 is refused: 0 or more'),
        (['--colour-noise', 'nan'], '--colour-noise: nan is refused: 0 or more'),
        (['--curve', '1', '0'], '--curve: 0 is refused: at least 1'),
        (['--only', 'nowhere', 'never'], 'only: no concept has nowhere or never in its name'),
        (['--sets', '-1'], '--sets: -1 is refused: 0 or more'),
        (['--entities', '2', '8'], '--entities: 2 8 is refused'),
    ],
)
def test_bad_options_are_refused(options, refused, capsys):
    from conftest import MODEL

    assert main(['evaluate', '--open', '--model', str(MODEL), *options]) == 2
    assert refused in capsys.readouterr().err


def test_the_command_writes_what_it_prints(monkeypatch, capsys, tmp_path):
    from conftest import MODEL

    monkeypatch.setattr('ebm_core.evaluation.open.measures', some)
    file = tmp_path / 'open.json'
    command = ['evaluate', '--open', '--model', str(MODEL), '--scenes', '5', '--json', str(file)]
    assert main(command) == 0
    result = json.loads(file.read_text())
    assert result['scenes'] == 5
    assert NORTH_OF.name in capsys.readouterr().out
