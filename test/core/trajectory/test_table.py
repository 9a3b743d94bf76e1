# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One table of runs that shared seeds."""

import json

import pytest

from ebm_core.__main__ import main

COMMAND = ['trajectory', 'evaluate', '--worlds', 'particle', '--only', 'no model, L']
STATES = {
    'maze': 'maze',
    'source': 'energy',
    'number': 8,
    'used': 6.5,
    'episodes': 20,
    'cpu_s': 0.5,
}


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Return the files of two runs, of seeds 0 and 1, and of seed 2."""
    made = []
    for first, number in ((0, 2), (2, 1)):
        path = tmp_path_factory.mktemp('runs') / 'run.json'
        seeds = ['--first-seed', str(first), '--seeds', str(number), '--steps', '20']
        assert main([*COMMAND, *seeds, '--output', str(path.parent), '--json', str(path)]) == 0
        made.append(path)
    return made


def test_seeds_of_several_runs_make_one_row(runs, capsys):
    scores = [score for path in runs for score in json.loads(path.read_text())['rows'][0]['scores']]
    assert main(['trajectory', 'table', *map(str, reversed(runs))]) == 0
    shown = capsys.readouterr().out
    (line,) = [line for line in shown.splitlines() if 'no model' in line]
    assert f'| {sum(scores) / 3:.2f} ± ' in line
    assert '| 3/3 |' in line
    assert 'particle, too_long: AUROC' in shown
    assert '3 seeds' in shown


def test_a_seed_that_two_files_have_is_refused(runs, capsys):
    assert main(['trajectory', 'table', str(runs[0]), str(runs[0])]) == 2
    assert 'seed 0 of a row is in another file' in capsys.readouterr().err


def test_states_are_joined_over_seeds(tmp_path, capsys):
    for seed, reached in ((0, 1.0), (1, 0.8)):
        rows = [STATES | {'seed': seed, 'reached': reached}]
        (tmp_path / f'{seed}.json').write_text(json.dumps({'rows': rows}))
    assert main(['trajectory', 'table', *map(str, tmp_path.glob('*.json'))]) == 0
    assert '| maze | energy | 8 | 6.5 | 90% | 0.50 | 100% 80% |' in capsys.readouterr().out


@pytest.mark.parametrize('row', [{'scores': [1.0], 'reached': 1}, STATES | {'reached': 1.0}])
def test_rows_of_an_older_version_are_refused(row, tmp_path, capsys):
    path = tmp_path / 'old.json'
    path.write_text(json.dumps({'rows': [row]}))
    assert main(['trajectory', 'table', str(path)]) == 2
    assert f'{path}: a row without ' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['', '[]', '{"rows'])
def test_what_no_run_wrote_is_refused(text, tmp_path, capsys):
    path = tmp_path / 'x.json'
    path.write_text(text)
    assert main(['trajectory', 'table', str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_negative_seed_is_refused(capsys):
    assert main([*COMMAND, '--first-seed', '-1']) == 2
    assert '--first-seed: -1 is refused' in capsys.readouterr().err
