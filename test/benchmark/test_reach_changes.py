# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The reach benchmark's sums of two concepts, and what changes while the arm is on its way."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='the benchmark converts scenes as the nodes do')

from reaching import shipped_arm, shipped_workspace

import benchmarks.reach.tasks as tasks
from benchmarks.reach.lockstep import TIMESTEP_S
from benchmarks.reach.series import Bench, Conditions
from benchmarks.reach.surroundings import AppearingDistractors, ChangingWeights
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_core.evaluation.composition import PAIRS

ROOT = Path(__file__).parents[2]
ARM, WORKSPACE = shipped_arm(), shipped_workspace()
HOME_M = np.array([0.3, 0.0])


@pytest.fixture(scope='module')
def bench():
    return Bench(
        ROOT / 'models/placement', ROOT / 'config/arms/jaco.yaml', ROOT / 'config/workspace.yaml'
    )


@pytest.mark.parametrize('conditions', [{}, {'reweighed': True}], ids=['still', 'reweighed'])
def test_two_concepts_are_brought_about_together(bench, conditions, monkeypatch):
    monkeypatch.setattr('benchmarks.reach.lockstep.SETTLE_S', 0.0)
    run = bench.reach(Conditions('between + north', **conditions), 2)
    assert run['success'] and run['identified'] == 1.0
    assert run['goal_error_m'] < 0.01


@pytest.mark.parametrize('pair', PAIRS, ids=' + '.join)
def test_of_two_concepts_there_is_a_place_where_both_hold(pair):
    concepts, table = tasks.pose(' + '.join(pair), 1, WORKSPACE, None)
    simulation = ArmSimulation(ARM, WORKSPACE, table, TIMESTEP_S)
    goal = tasks.make_task(concepts, simulation).goal
    place_m = goal.place_m(HOME_M)
    assert goal.distance_m(place_m) < 0.004
    assert max(each.distance_m(place_m) for each in goal.goals) == goal.distance_m(place_m)
    assert np.abs(WORKSPACE.to_plane(place_m)).max() < WORKSPACE.half_width_units


@pytest.mark.parametrize('pair', [('between', 'north'), ('north', 'circle'), ('west', 'closest')])
def test_weights_change_to_those_of_another_place_when_the_arm_is_on_its_way(pair):
    concepts, table = tasks.pose(' + '.join(pair), 1, WORKSPACE, None, together=False)
    simulation = ArmSimulation(ARM, WORKSPACE, table, TIMESTEP_S)
    first, task = (tasks.make_task(concepts, simulation, w) for w in ((1.0, 0.0), (0.0, 1.0)))
    assert first.goal.concept.name == pair[0] and task.goal.concept.name == pair[1]
    assert task.goal.distance_m(first.goal.place_m(HOME_M)) > 0.08
    changing = ChangingWeights(first, task, lambda task: task.weights)
    given = []
    for _ in range(200):
        now, weights = changing.update(simulation)
        assert now is task  # what is asked for in the end is judged from the beginning
        given.append(weights)
        simulation.step()
    assert given[:120] == [(1.0, 0.0)] * 120 and given[130:] == [(0.0, 1.0)] * 70


def test_distractors_that_come_and_go_do_not_keep_the_arm_from_its_goal(bench, monkeypatch):
    monkeypatch.setattr('benchmarks.reach.lockstep.SETTLE_S', 0.0)
    run = bench.reach(Conditions('between', appearing=True), 1)
    assert run['success'] and run['identified'] == 1.0 and run['goal_error_m'] < 0.01


@pytest.mark.parametrize('name', ['between', 'circle'])
def test_only_distractors_appear_and_vanish_and_the_controller_learns_of_it(name):
    concepts, table = tasks.pose(name, 2, WORKSPACE, None)
    simulation = ArmSimulation(ARM, WORKSPACE, table, TIMESTEP_S)
    task = tasks.make_task(concepts, simulation)
    taking_part = set(np.array(task.named.ids)[task.goal.attention > 0.5])
    appearing = AppearingDistractors(task, lambda task: task.named.ids, seed=1)
    there, known = set(), set()
    for _ in range(600):
        now, ids = appearing.update(simulation)
        there.add(now.named.ids)
        known.add(ids)
        simulation.step()
    assert len(there) > 1 and there >= known and len(known) > 1
    assert all(taking_part <= set(ids) for ids in there)
    assert min(map(len, there)) >= 2
