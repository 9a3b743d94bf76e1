# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the benchmarks measure with is right, and they run."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import demonstrations, entities, planning, torque, training
from ebm_core.relational.config import PRESETS

ROOT = Path(__file__).parents[2]


def test_peak_of_memory_is_exact():
    def function():
        a = torch.zeros(1024, 1024)
        b = a + 1  # 8 MiB
        del a
        c = b * 2  # 8 MiB
        torch.ones(512, 1024)  # 10 MiB
        return c

    assert entities.peak_mib(function) == pytest.approx(10, rel=1e-3)


def test_cost_against_entities(tmp_path):
    entities.main(['--numbers', '3', '5', '--repeats', '1', '--output', str(tmp_path)])
    rows = json.loads((tmp_path / 'entities.json').read_text())['rows']
    assert [row['entities'] for row in rows] == [3, 5]
    few, more = rows
    # Scenes of three are attended to as a whole; beyond that only who takes part costs.
    assert few['field_usual_mib'] == few['field_all_mib'] == more['field_usual_mib']
    assert more['field_all_mib'] > few['field_all_mib']
    assert more['identification_mib'] > few['identification_mib'] > 0
    assert all(row[f'{key}_ms'] > 0 for row in rows for key in entities.LABELS)
    assert (tmp_path / 'entities.png').stat().st_size > 10_000


def test_recordings_are_judged_as_what_was_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstrations, 'COSTLY', (20,))
    weights = Path(__file__).parents[2] / 'models' / 'placement'
    options = ['--sets', '1', '--numbers', '2', '40', '--json', str(tmp_path / 'x.json')]
    demonstrations.main(['--model', str(weights), *options])
    result = json.loads((tmp_path / 'x.json').read_text())
    assert [row['states'] for row in result['verdicts']] == [2, 2, 40, 40]
    assert all(row['differ'] == 0 and row['understood'] == 1 for row in result['verdicts'])
    (cost,) = result['costs']
    assert 0 < cost['usual_judge_ms'] <= cost['judge_ms'] and cost['read_ms'] > 0


def test_steps_that_are_compared_have_64_concepts():
    for families in ({'placement': 1}, PRESETS['concepts'].training.concepts):
        chosen = training.of_64_concepts(families).training
        assert sum(chosen.concepts.values()) == 64
        assert (chosen.demonstrations, chosen.queries) == (5, 5)
        # To within rounding, the shares are those asked for.
        for key, number in chosen.concepts.items():
            assert abs(number - 64 * families[key] / sum(families.values())) <= 1


def test_plans_are_measured_against_mujocos_calls(tmp_path):
    planning.main(['--arms', 'ur5e', '--plans', '20', '--json', str(tmp_path / 'x.json')])
    compiled, readable = json.loads((tmp_path / 'x.json').read_text())
    assert (compiled['version'], readable['version']) == ('compiled', 'readable')
    assert compiled['ratio'] > 0 and readable['ratio'] > 0


def test_what_a_torque_costs_is_told_for_each_arm(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    path = tmp_path / 'torque.json'
    assert torque.main(['--arms', 'ur5e', '--ticks', '20', '--json', str(path)]) == 0
    (row,) = json.loads(path.read_text())['rows']
    assert row['arm'] == 'ur5e' and row['torque_us'] > 0.0 and row['reflex_us'] > 0.0
    assert 'ur5e' in capsys.readouterr().out
