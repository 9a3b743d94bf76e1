# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The referee over DDS: what it calls success, what it says when there is none."""

import json
import math
import os
import re
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from harness import (
    ARM,
    PATIENT,
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
from ebm_concept_ros.nodes.referee_pictures import table_scene
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.oracle.judge import ReachJudge
from ebm_concept_ros.planning.plan_model import PlanModel

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


STATUS = ros.ControllerStatus(
    state=ros.ControllerStatus.TRACKING,
    energy=0.25,
    entity_ids=['blue_0', 'blue_1', 'red_0', 'end_effector'],
    attention=[0.9, 0.8, 0.1, 1.0],
)


@contextmanager
def watching(probe, tmp_path, scene, **parameters):
    """A referee that watches an arm at rest under a controller that says it tracks.

    Yields the node, and a function that keeps the controller talking until a condition holds.
    """
    probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False).publish(scene)
    parameters = {'render': False, 'scene_seed': 7, 'hold_s': 0.3} | PATIENT | parameters
    with running('referee', tmp_path, out_dir=tmp_path / 'out', **parameters) as node:
        statuses = probe.publisher(ros.ControllerStatus, 'controller/status', qos.STATUS)
        arm = RestingArm(probe)

        def talk_until(condition, what):
            def spoken():
                STATUS.header.stamp = cv.ns_to_stamp(arm.time_ns)
                statuses.publish(STATUS)
                return condition()

            wait_until(spoken, what)

        try:
            yield node, talk_until
        finally:
            arm.stop()


def run_referee(probe, tmp_path, scene, **parameters):
    """Let it come to its verdict; return status, standard output and log."""
    with watching(probe, tmp_path, scene, **parameters) as (node, talk_until):
        talk_until(lambda: not node.is_running(), 'the verdict')
        code, out = node.end()
    return code, out, node.log


def test_staying_at_the_true_goal_is_success(probe, tmp_path):
    code, out, _ = run_referee(probe, tmp_path, scene_message(0.005))
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


@pytest.mark.parametrize(
    ('concept', 'colour', 'successful', 'distance_m'),
    [
        ('closest', 'red', True, None),  # the area around the red one is where the arm rests
        ('farthest', 'red', False, None),
        # Home is 0.15 m towards the base from the centre, the line 0.075 m, the circle 0.15 m.
        ('vertical_line', 'blue', False, 0.075),
        ('circle', 'blue', True, 0.0),
    ],
)
def test_every_spatial_concept_is_judged_by_its_own_predicate(
    probe, tmp_path, concept, colour, successful, distance_m
):
    scene = scene_message(0.005)
    red = next(e for e in scene.entities if e.id == 'red_0')
    red.pose.position.x, red.pose.position.y = map(float, EFFECTOR_M[:2] + 0.01)
    code, out, _ = run_referee(
        probe, tmp_path, scene, concept=concept, reference_colour=colour, timeout_s='1.0'
    )
    result = json.loads(out.splitlines()[-1])
    assert result['success'] is successful and code == (0 if successful else 1)
    if distance_m is None:
        assert result['distance_m'] is None
    else:
        assert result['distance_m'] == pytest.approx(distance_m, abs=1e-3)


@pytest.mark.parametrize(
    ('also', 'weights', 'distance_m'),
    [
        ('circle', '[1.0, 0.5]', 0.005),  # the arm rests on it
        ('vertical_line', '[1.0, 0.0]', 0.005),
        ('circle', '[0.0, 1.0]', 0.0),
    ],
)
def test_of_a_sum_all_that_has_weight_must_hold(probe, tmp_path, also, weights, distance_m):
    code, out, log = run_referee(probe, tmp_path, scene_message(0.005), also=also, weights=weights)
    assert code == 0, log
    result = json.loads(out.splitlines()[-1])
    assert list(result) == KEYS and result['concept'] == f'between + {also}'
    assert result['distance_m'] == pytest.approx(distance_m, abs=1e-3)


def test_a_sum_that_cannot_hold_in_the_scene_ends_the_run_at_once(probe, tmp_path):
    scenes = probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False)
    scenes.publish(scene_message(0.005))
    node = NodeProcess(
        'referee', tmp_path / 'log', out_dir=tmp_path, also='vertical_line', render=False
    )
    code, out = node.end()
    assert code == 1 and json.loads(out.splitlines()[-1])['success'] is False
    assert 'run: between and vertical_line: no place was found where both hold' in node.log


def test_staying_elsewhere_is_not(probe, tmp_path):
    code, out, log = run_referee(probe, tmp_path, scene_message(0.03), timeout_s='1.0')
    result = json.loads(out.splitlines()[-1])
    assert code == 1 and result['success'] is False
    assert result['distance_m'] == pytest.approx(0.03, abs=1e-4)
    assert result['reach_time_s'] is None
    assert 'not reached within 1.0 s' in log


def test_a_status_that_does_not_fit_together_is_refused_and_no_number_is_none(probe, tmp_path):
    bad = ros.ControllerStatus(state=STATUS.TRACKING, entity_ids=['blue_0'], attention=[0.5, 0.5])
    with watching(probe, tmp_path, scene_message(0.005)) as (node, talk_until):
        statuses = probe.publisher(ros.ControllerStatus, 'controller/status', qos.STATUS)
        statuses.publish(bad)
        probe.wait_for_report('referee: status: refused', '2 values for 1 entities')
        unknown = list(STATUS.attention)
        STATUS.attention = [float('nan'), *unknown[1:]]
        try:
            talk_until(lambda: not node.is_running(), 'the verdict')
        finally:
            STATUS.attention = unknown
        code, out = node.end()
    result = json.loads(out.splitlines()[-1], parse_constant=pytest.fail)
    assert code == 0 and result['attention']['blue_0'] is None


def test_a_scene_without_a_goal_leaves_the_last_good_one(probe, tmp_path):
    bad = scene_message(0.2)
    bad.entities = [e for e in bad.entities if not e.id.startswith('blue')]
    with watching(probe, tmp_path, scene_message(0.005), render=True) as (node, talk_until):
        # Latched scenes are one deep: sent too soon, the bad one would replace the good unseen.
        probe.wait_for_report('referee: scene', 'goal at')
        probe.publisher(ros.Scene, 'scene', qos.LATCHED).publish(bad)
        probe.wait_for_report('referee: scene: refused', 'needs 2 reference entities')
        talk_until(lambda: not node.is_running(), 'the verdict')
        code, out = node.end()
    assert code == 0
    assert json.loads(out.splitlines()[-1])['distance_m'] == pytest.approx(0.005, abs=1e-4)
    assert (tmp_path / 'out' / 'reach_between_7.png').exists()


def test_when_every_scene_is_refused_it_says_why(probe, tmp_path):
    bad = scene_message()
    bad.entities = [e for e in bad.entities if not e.id.startswith('blue')]
    probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False).publish(bad)
    for wall_timeout_s in (5.0, 60.0):  # the longer one where a busy machine needs it
        parameters = {'wall_timeout_s': wall_timeout_s, 'render': False}
        node = NodeProcess('referee', tmp_path / 'log', out_dir=tmp_path, **parameters)
        assert node.end()[0] == 1
        if 'no scene came' not in node.log:
            break
    assert 'every scene was refused' in node.log and 'needs 2 reference entities' in node.log


def test_a_concept_of_other_weights_leaves_a_picture_without_energy(probe, tmp_path):
    concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
    concepts.publish(ros.Concept(name='foreign', model_sha256='f' * 64))
    code, _, log = run_referee(probe, tmp_path, scene_message(0.005), render=True)
    assert code == 0
    assert 'no energy on the table: concept.model_sha256' in log
    assert (tmp_path / 'out' / 'reach_between_7.png').exists()


def drawing_process(parent):
    """Return the process id of the referee's child, or None."""
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError):  # it may end while it is read
            if int(stat.read_text().rpartition(')')[2].split()[1]) == parent:
                return int(stat.parent.name)
    return None


def blocked_signals(pid):
    mask = int(re.search(r'SigBlk:\s*(\w+)', Path(f'/proc/{pid}/status').read_text())[1], 16)
    return {number for number in signal.Signals if mask >> (number - 1) & 1}


def has_ended(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] == 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_interrupted_while_it_draws_it_leaves_no_process(probe, tmp_path):
    picture = tmp_path / 'out' / 'reach_between_7.png'
    picture.parent.mkdir()
    os.mkfifo(picture)  # which nobody reads: the drawing does not end by itself
    with watching(probe, tmp_path, scene_message(0.005), render=True) as (node, talk_until):
        parent = node.process.pid
        talk_until(lambda: drawing_process(parent) is not None, 'the drawing')
        child = drawing_process(parent)
        wait_until(lambda: not blocked_signals(child), 'signals to reach the drawing process')
        node.send(signal.SIGINT)
        code, out = node.end()
        # It ends with the node, but is not waited for by it; nobody may be there to reap it.
        wait_until(lambda: has_ended(child), 'the end of the drawing process')
    # The verdict had been reached before.
    assert code == 0 and json.loads(out.splitlines()[-1])['success'] is True
    assert 'interrupted' in node.log and 'Traceback' not in node.log


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
    with running('referee', tmp_path, fresh=True, out_dir=tmp_path) as node:
        probe.publisher(ros.Scene, 'scene', qos.LATCHED)  # matched: it is up
        node.send(number)
        code, out = node.end()
        assert code == 1 and out == ''
        assert 'Traceback' not in node.log


@pytest.mark.parametrize(
    ('parameters', 'texts'),
    [
        ({'concept': 'nort'}, ("'nort' is unknown", 'north')),
        ({'concept': 'triangle'}, ("'triangle' brings the effector to no place", 'circle')),
        ({'reference_colour': 'pink'}, ("'pink' is unknown", 'blue')),
        ({'tolerance_m': '-1.0'}, ('parameter tolerance_m', '-1.0')),
        ({'also': 'nort'}, ("parameter also: 'nort' is unknown", 'north')),
        ({'also': 'triangle'}, ("parameter also: 'triangle' brings the effector to no place",)),
        ({'also': 'between'}, ("parameter also: 'between' is the concept itself",)),
        ({'also': 'north', 'also_colour': 'blue'}, ("parameter also_colour: 'blue'",)),
        ({'also': 'north', 'weights': '[0.0, 0.0]'}, ('parameter weights', 'all are 0')),
        ({'also': 'north', 'weights': '[1.0]'}, ('parameter weights', '1 values for 2')),
    ],
)
def test_refused_parameters(tmp_path, parameters, texts):
    node = NodeProcess('referee', tmp_path / 'log', **parameters)
    code, out = node.end()
    assert code == 2 and out == '' and 'Traceback' not in node.log
    for text in texts:
        assert text in node.log


# Without ROS ---------------------------------------------------------------------------------


def test_a_stay_must_be_unbroken():
    judge = ReachJudge(0.02, 0.5)
    assert not any(judge.update(tick / 10, 0.015) for tick in range(4))
    assert not judge.update(0.4, 0.021)
    assert not any(judge.update(tick / 10, 0.015) for tick in range(5, 10))
    assert judge.update(1.0, 0.015)
    assert judge.reached_at_s == 0.5 and judge.distance_m == pytest.approx(0.015)


def test_a_judge_that_is_late_neither_counts_what_it_missed_nor_blames_the_arm():
    judge = ReachJudge(0.02, 0.5)
    assert not any(judge.update(time_s, 0.0) for time_s in (1.0, 1.1, 1.2, 1.3))
    assert not judge.update(9.0, 0.0)
    assert judge.unseen_s == pytest.approx(7.7)
    assert not judge.update(9.1, 0.0)
    assert judge.update(9.2, 0.0) and judge.reached_at_s == 1.0


def test_an_arm_that_is_elsewhere_after_what_was_missed_begins_anew():
    judge = ReachJudge(0.02, 0.5)
    assert not any(judge.update(tick / 10, 0.0) for tick in range(5))
    assert not judge.update(2.0, 0.021)
    assert not any(judge.update(2.1 + tick / 10, 0.0) for tick in range(5))
    assert judge.update(2.6, 0.0) and judge.reached_at_s == pytest.approx(2.1)


def test_a_clock_that_jumps_back_breaks_the_stay():
    judge = ReachJudge(0.02, 0.5)
    judge.update(10.0, 0.0)
    assert not any(judge.update(tick / 10, 0.0) for tick in range(5))
    assert judge.update(0.5, 0.0) and judge.unseen_s == 0.0


@pytest.mark.parametrize('distance_m', [math.nan, math.inf])
def test_no_number_is_never_success(distance_m):
    assert not ReachJudge(0.02, 0.0).update(0.0, distance_m)


@pytest.mark.parametrize('seed', range(3))
def test_a_scene_is_drawn_as_the_table_it_came_from(seed):
    table = random_table_scene(seed, 2, 'blue', WORKSPACE)
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.4, 0.0, 0.1), WORKSPACE
    )
    drawn = table_scene(cv.scene_from_message(message, WORKSPACE), WORKSPACE)
    assert [(e.id, e.colour, e.shape) for e in drawn.entities] == [
        (e.id, e.colour, e.shape) for e in table.entities
    ]
    np.testing.assert_allclose(drawn.positions_in_base_m(), table.positions_in_base_m())
