"""The referee over DDS: what it calls success, what it says when there is none."""

import json
import math
import signal

import numpy as np
import pytest
from harness import (
    ARM,
    WORKSPACE,
    NodeProcess,
    Probe,
    RestingArm,
    running,
    wait_until,
)

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene, random_table_scene
from ebm_concept_ros.mpc.plan_model import PlanModel
from ebm_concept_ros.nodes import qos
from ebm_concept_ros.nodes.drawing import table_scene
from ebm_concept_ros.nodes.judge import ReachJudge, true_goal_in_base_m
from ebm_core.events import get_concept
from ebm_core.scene import InvalidInput

EFFECTOR_M = PlanModel(ARM, 0.02).effector_in_base_m(ARM.home_rad)
KEYS = ['success', 'distance_m', 'reach_time_s', 'energy', 'attention', 'concept', 'scene_seed']


def scene_message(offset_m=0.0):
    """Two blue entities whose midpoint is offset_m from where the arm rests, and a red one."""
    x, y = EFFECTOR_M[:2]
    places = {'blue_0': (x + offset_m, y + 0.1), 'blue_1': (x + offset_m, y - 0.1)}
    entities = [
        TableEntity(id=name, position_in_base_m=tuple(map(float, place)), colour='blue')
        for name, place in places.items()
    ]
    entities.append(TableEntity(id='red_0', position_in_base_m=(0.5, 0.1), colour='red'))
    table = TableScene(entities=tuple(entities))
    return cv.table_scene_to_message(table, table.positions_in_base_m(), EFFECTOR_M, WORKSPACE)


@pytest.fixture
def probe():
    probe = Probe()
    yield probe
    probe.close()


def run_referee(probe, tmp_path, offset_m, **parameters):
    """Let the referee watch an arm at rest under a controller that says it tracks."""
    scenes = probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False)
    scenes.publish(scene_message(offset_m))
    status = ros.ControllerStatus(
        state=ros.ControllerStatus.TRACKING,
        energy=0.25,
        entity_ids=['blue_0', 'blue_1', 'red_0', 'end_effector'],
        attention=[0.9, 0.8, 0.1, 1.0],
    )
    out_dir = tmp_path / 'out'
    with running(
        'referee', tmp_path, out_dir=out_dir, render=False, scene_seed=7, hold_s=0.3, **parameters
    ) as node:
        statuses = probe.publisher(ros.ControllerStatus, 'controller/status', qos.STATUS)
        arm = RestingArm(probe)

        def ended():
            status.header.stamp = cv.ns_to_stamp(arm.time_ns)
            statuses.publish(status)
            return not node.is_running()

        try:
            wait_until(ended, 'the verdict')
        finally:
            arm.stop()
        code, out = node.end()
    return code, out, node.log


def test_staying_at_the_true_goal_is_success(probe, tmp_path):
    code, out, _ = run_referee(probe, tmp_path, 0.005)
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result['success'] is True
    assert list(result) == KEYS
    assert result['distance_m'] == pytest.approx(0.005, abs=1e-4)
    assert 0 <= result['reach_time_s'] < 20
    assert result['energy'] == 0.25
    assert result['attention'] == {
        'blue_0': 0.9, 'blue_1': 0.8, 'red_0': 0.1, 'end_effector': 1.0,
    }  # fmt: skip
    assert result['concept'] == 'between' and result['scene_seed'] == 7
    assert json.loads((tmp_path / 'out' / 'result.json').read_text()) == result


def test_staying_elsewhere_is_not(probe, tmp_path):
    code, out, log = run_referee(probe, tmp_path, 0.03, timeout_s='1.0')
    result = json.loads(out.splitlines()[-1])
    assert code == 1 and result['success'] is False
    assert result['distance_m'] == pytest.approx(0.03, abs=1e-4)
    assert result['reach_time_s'] is None
    assert 'not reached within 1.0 s' in log


def test_when_nothing_comes_it_says_what_is_missing(tmp_path):
    node = NodeProcess(
        'referee', tmp_path / 'log', out_dir=tmp_path, wall_timeout_s='1.0', render=False
    )
    code, out = node.end()
    assert code == 1
    result = json.loads(out.splitlines()[-1])
    assert result['success'] is False and result['distance_m'] is None
    assert 'no scene came' in node.log


def test_a_controller_that_falls_silent_has_failed(probe, tmp_path):
    with running('referee', tmp_path, out_dir=tmp_path, silence_s='1.0', render=False) as node:
        statuses = probe.publisher(ros.ControllerStatus, 'controller/status', qos.STATUS)
        statuses.publish(ros.ControllerStatus(state=ros.ControllerStatus.WAITING))
        code, out = node.end()
    assert code == 1
    assert json.loads(out.splitlines()[-1])['success'] is False
    assert 'controller/status has been silent for 1.0 s' in node.log


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_verdict(tmp_path, probe, number):
    with running('referee', tmp_path, out_dir=tmp_path) as node:
        probe.publisher(ros.Scene, 'scene', qos.LATCHED)  # matched: it is up
        node.send(number)
        code, out = node.end()
        assert code == 1 and out == ''
        assert 'Traceback' not in node.log


@pytest.mark.parametrize(
    ('parameters', 'texts'),
    [
        ({'concept': 'nort'}, ("'nort' is unknown", 'north')),
        ({'reference_colour': 'pink'}, ("'pink' is unknown", 'blue')),
        ({'tolerance_m': '-1.0'}, ('parameter tolerance_m', '-1.0')),
    ],
)
def test_refused_parameters(tmp_path, parameters, texts):
    node = NodeProcess('referee', tmp_path / 'log', **parameters)
    code, out = node.end()
    assert code == 2 and out == '' and 'Traceback' not in node.log
    for text in texts:
        assert text in node.log


# Without ROS ---------------------------------------------------------------------------------

GOAL = np.zeros(2)


def test_a_stay_must_be_unbroken():
    judge = ReachJudge(0.02, 0.5)
    inside, outside = np.array([0.015, 0.0]), np.array([0.021, 0.0])
    assert not judge.update(0.0, inside, GOAL)
    assert not judge.update(0.4, outside, GOAL)
    assert not judge.update(0.5, inside, GOAL)
    assert not judge.update(0.9, inside, GOAL)
    assert judge.update(1.0, inside, GOAL)
    assert judge.reached_at_s == 0.5 and judge.distance_m == pytest.approx(0.015)


def test_a_clock_that_jumps_back_breaks_the_stay():
    judge = ReachJudge(0.02, 0.5)
    judge.update(10.0, GOAL, GOAL)
    assert not judge.update(0.0, GOAL, GOAL)
    assert not judge.update(0.4, GOAL, GOAL)
    assert judge.update(0.5, GOAL, GOAL)


def test_not_a_number_is_never_success():
    judge = ReachJudge(0.02, 0.0)
    assert not judge.update(0.0, np.array([math.nan, 0.0]), GOAL)


@pytest.mark.parametrize('seed', range(3))
def test_the_true_goal_is_the_midpoint_of_the_blue_ones(seed):
    table = random_table_scene(seed, 2, 'blue', WORKSPACE)
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.4, 0.0, 0.1), WORKSPACE
    )
    named = cv.scene_from_message(message, WORKSPACE)
    goal = true_goal_in_base_m(get_concept('between'), named, 'blue', WORKSPACE)
    blue = [e.position_in_base_m for e in table.entities if e.colour == 'blue']
    np.testing.assert_allclose(goal, np.mean(blue, axis=0), atol=1e-12)
    with pytest.raises(InvalidInput, match='needs 1 reference'):
        true_goal_in_base_m(get_concept('north'), named, 'blue', WORKSPACE)
    drawn = table_scene(named, WORKSPACE)
    assert [(e.id, e.colour, e.shape) for e in drawn.entities] == [
        (e.id, e.colour, e.shape) for e in table.entities
    ]
    np.testing.assert_allclose(drawn.positions_in_base_m(), table.positions_in_base_m())
