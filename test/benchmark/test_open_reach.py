# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts without a name on the arm: told by examples, judged by a predicate."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='the benchmark converts scenes as the nodes do')

from pathlib import Path

from reaching import shipped_workspace

from benchmarks.reach.__main__ import main
from benchmarks.reach.open_series import OpenBench
from benchmarks.reach.open_tasks import OPEN_CONCEPTS, REACH, open_task
from benchmarks.reach.series import Conditions
from ebm_core.evaluation.open.geometry import NORTH

ROOT = Path(__file__).parents[2]
WORKSPACE = shipped_workspace()
HOME = np.array([-0.6, 0.0])


@pytest.fixture(scope='module')
def bench():
    return OpenBench(ROOT / 'models/open', ROOT / 'config/arms/jaco.yaml')


@pytest.mark.parametrize(
    'name', ['halfway to A', 'in line with A and B and 0.3 from A', 'left of x = −0.3']
)
def test_what_has_no_name_is_brought_about_by_the_arm(bench, name, monkeypatch):
    monkeypatch.setattr('benchmarks.reach.lockstep.SETTLE_S', 0.25)
    run = bench.reach(Conditions(name), 3)
    assert run['identified'] and run['success'] == run['understood']
    assert run['reach_time_s'] < 1.5 and run['goal_error_m'] < 0.02


def test_the_referee_goes_by_the_predicate_and_the_order_of_roles(bench):
    _, task = bench.scene(Conditions('one third of the way from A to B'), 2)
    goal = task.goal
    a, b = goal.references
    effector_m = WORKSPACE.to_base(a + (b - a) / 3 + 0.1 * NORTH)
    assert goal.distance_m(effector_m) == pytest.approx(0.1 * WORKSPACE.metres_per_unit)
    assert goal.attention.sum() == 3
    np.testing.assert_allclose(goal.place_m(effector_m), WORKSPACE.to_base(a + (b - a) / 3))


def test_tasks_repeat_themselves_within_reach_and_with_something_to_do():
    relations = set()
    for name, concept in OPEN_CONCEPTS.items():
        task = open_task(name, 5, HOME, WORKSPACE)
        assert open_task(name, 5, HOME, WORKSPACE).table == task.table
        places = WORKSPACE.to_plane(task.table.positions_in_base_m())
        references = places[task.references]
        goal = concept.place(task.start, *references)
        assert np.abs(goal).max() < REACH + 0.01
        assert concept.off(task.start, task.start, *references) > 0.19
        assert concept.off(goal, task.start, *references) < 0.01
        assert (task.start is HOME) or not concept.references
        relations.add(task.relation)
        assert len(task.demonstrations) == 5
    assert len(relations) > 1, 'some are told by what they are to the others'


def test_the_command_refuses_what_does_not_go_with_it(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    for arguments, named in (
        (['--open', '--concepts', 'north'], '--concepts'),
        (['--open', '--moving', '0.1'], '--moving'),
        (['--open', '--only', 'sideways'], 'sideways'),
        (['--only', 'halfway'], '--open'),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert named in capsys.readouterr().err
