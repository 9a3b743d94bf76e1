# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small run of the benchmark of picking and placing, and how it sums up."""

import json

import pytest

from benchmarks.pick_and_place.__main__ import main
from benchmarks.pick_and_place.table import summary


def test_a_small_run_says_what_came_of_it(tmp_path, capsys):
    path = tmp_path / 'rows.json'
    main(['--scenes', '1', '--moves', '1', '--blocks', '3', '--json', str(path)])
    (row,) = json.loads(path.read_text())
    assert row['counts'] and row['placing_error_m'] < 0.005 and row['reason'] == ''
    assert 5.0 < row['time_s'] < 25.0 and row['peak_speed_share'] < 1.0
    assert 0.1 < row['contact_share'] < 1.0, 'no blow, but friction and what is carried'
    assert '| success (within 5 mm, nobody moved) | 1/1 |' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['scenes', 'moves', 'blocks'])
def test_nothing_to_do_is_refused(name, capsys):
    with pytest.raises(SystemExit):
        main([f'--{name}', '0'])
    assert f'--{name} 0: at least 1' in capsys.readouterr().err


def test_what_failed_is_counted_by_its_reason():
    good = {
        **{'counts': True, 'success': True, 'reason': '', 'shape': 'box', 'bystanders_moved': []},
        **{'placing_error_m': 0.001, 'placing_error_rad': 0.0, 'time_s': 10.0, 'processor_s': 1.0},
        **{'slips': 0, 'retries': 0},
        'contact_share': 0.5,
        **dict.fromkeys(('peak_effort_share', 'peak_effort_rate_share', 'peak_speed_share'), 0.5),
    }
    failed = good | {'counts': False, 'success': False, 'reason': 'it fell', 'slips': 2}
    struck = good | {'counts': False, 'bystanders_moved': ['blue_0']}
    lines = dict(summary([good, failed, struck, failed]))
    assert lines['success (within 5 mm, nobody moved)'] == '1/4' and lines['slips'] == '4'
    assert lines['failed: it fell'] == '2' and lines['failed: a bystander was moved'] == '1'
    assert lines['moves with a bystander moved >= 1 cm'] == '1'
