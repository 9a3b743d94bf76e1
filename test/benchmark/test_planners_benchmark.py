# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Planners of others solve the problem that ours does, and are named where they are missing."""

import importlib.util
import json

import numpy as np
import pytest

from benchmarks.planners.__main__ import USUAL, at_rest, bowl, main, planned
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.package_files import WORKSPACE, arm_file, package_path
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.planner import PlannerConfig
from ebm_concept_ros.workspace import load_workspace

ARM = load_arm(arm_file('jaco'))
SPACE = load_workspace(package_path('', WORKSPACE))
GOAL = np.array([0.1, 0.4])


def test_the_bowl_costs_the_squared_distance():
    points = np.array([[-0.9, 0.8], [0.5, 0.4], GOAL])
    distances = ((points - GOAL) ** 2).sum(-1)
    np.testing.assert_allclose(bowl(GOAL, SPACE).cost_value(points), distances, atol=1e-9)


def test_a_row_for_each_number_of_iterations(tmp_path):
    file = tmp_path / 'planners.json'
    main(['--planners', 'mppi', '--iterations', '1', '4', '--goals', '2', '--json', str(file)])
    few, more = json.loads(file.read_text())
    assert (few['iterations'], more['iterations']) == (1, 4)
    assert more['our_cost'] < few['our_cost'] < 1.0
    assert more['cost'] < few['cost'] < 1.0
    assert all(row['time'] > 0 and row['our_ms'] > 0 for row in (few, more))


@pytest.mark.parametrize('name', USUAL[1:])
def test_what_is_missing_is_named_with_how_to_install_it(name, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit):
        main(['--planners', name])
    message = capsys.readouterr().err
    assert name in message and 'pip install' in message


def test_crocoddyl_has_our_arm_and_our_cost():
    pytest.importorskip('crocoddyl', reason='an optional baseline')
    from benchmarks.planners.crocoddyl_planner import CrocoddylPlanner

    field = bowl(GOAL, SPACE)
    theirs = CrocoddylPlanner(ARM, SPACE, PlannerConfig(cold_iterations=20))
    ours = IlqgPlanner(ARM, SPACE, PlannerConfig(cold_iterations=20))
    _, cost = planned(theirs, ARM, GOAL, field)
    # What it thinks its plan costs is what we think of it.
    assert theirs.own_cost == pytest.approx(cost, rel=1e-3)
    assert cost < 0.8 * at_rest(ours, ARM, field)
    assert planned(ours, ARM, GOAL, field)[1] < 1.05 * cost
