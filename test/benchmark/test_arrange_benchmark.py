# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small run of the benchmark of arranging, and how its tasks and its referee are."""

import json

import numpy as np
import pytest

from benchmarks.arrange.__main__ import main
from benchmarks.arrange.concepts import CONCEPTS
from benchmarks.arrange.judging import fewest_moves
from benchmarks.arrange.tables import STANDING_GAP_M, Ground
from benchmarks.arrange.tasks import make_task
from benchmarks.arrange.together import SUMS
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import load_workspace


def task_of(name, seed):
    workspace = load_workspace(package_path('', WORKSPACE))
    concept = (CONCEPTS | SUMS)[name]
    return make_task(concept, seed, Ground(workspace, HandRoom(), ReachArea()))


def test_a_small_run_plans_and_says_what_came_of_it(tmp_path, capsys):
    path = tmp_path / 'rows.json'
    command = ['--scenes', '1', '--only', 'between', 'triangle of side', '--logic-only']
    status = main([*command, '--json', str(path)])
    rows = json.loads(path.read_text())['rows']
    assert {row['concept'] for row in rows} >= {'between', 'a triangle of side 0.8'}
    by_name = {row['concept']: row for row in rows}
    assert by_name['between']['success'] and by_name['between']['moves'] == 1
    triangle = by_name['a triangle of side 0.8']
    assert triangle['success'] and triangle['moves'] == triangle['fewest']
    assert status == (0 if all(row['success'] for row in rows) else 1)
    assert '| between ' in capsys.readouterr().out


def test_two_groups_are_brought_about_one_after_the_other(tmp_path):
    path = tmp_path / 'rows.json'
    command = ['--tasks', 'srem-like', '--scenes', '1', '--only', 'group', '--logic-only']
    assert main([*command, '--json', str(path)]) == 0
    (row,) = json.loads(path.read_text())['rows']
    assert row['group'] == 'groups' and row['entities'] == 5
    assert row['placed_before'] < row['placed'] == 1.0
    assert row['moves'] == row['planned'] >= row['fewest'] >= 2


def test_the_arm_brings_one_about_by_torque(tmp_path):
    path = tmp_path / 'rows.json'
    assert main(['--scenes', '1', '--only', 'point', '--json', str(path)]) == 0
    (row,) = json.loads(path.read_text())['rows']
    assert row['success'] and row['off_m'] < 0.005 and 5.0 < row['time_s'] < 40.0
    assert row['placing_errors_m'][0] < 0.005 and not row['bystanders_moved']


@pytest.mark.parametrize('name', ['between', 'square', 'three round A, at 0.4'])
def test_tasks_are_posed_fairly(name):
    for seed in range(3):
        task = task_of(name, seed)
        assert task.violation(task.scene.positions) >= 0.2
        for i, one in enumerate(task.standing):
            for other in task.standing[:i]:
                gap = np.linalg.norm(one.place - other.place)
                assert gap >= one.footprint.radius_m + other.footprint.radius_m + STANDING_GAP_M
        ((_, demonstrations),) = task.shown
        assert len(demonstrations) == 5
        for shown in demonstrations:
            who = np.flatnonzero(shown.before.movable)
            where = shown.after.positions[np.flatnonzero(shown.before.references(shown.attention))]
            start, end = (each.positions[who] for each in (shown.before, shown.after))
            assert task.concept.violation(end, start, where) < 1e-6


def test_it_holds_of_any_who_look_alike_and_of_nobody_else():
    task = next(t for t in (task_of('point', seed) for seed in range(20)) if len(t.look_alikes) > 1)
    goal = (0.4, -0.3)
    for i in range(len(task.standing)):
        places = task.scene.positions.copy()
        places[i] = goal
        assert (task.violation(places) < 1e-9) == (i in task.look_alikes)


def test_the_fewest_moves_are_known():
    square = task_of('square', 1)
    assert fewest_moves(square) in (2, 3)
    assert fewest_moves(task_of('between', 1)) == 1
    assert all(concept.movers <= 4 for concept in CONCEPTS.values())
