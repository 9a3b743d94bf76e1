# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch file as a user runs it, through `ros2 launch`: the real one or the stand-in."""

import json
import os
import re
import runpy
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from pydantic import Field

from ebm_concept_ros.bags.reading import opened
from ebm_concept_ros.live_view.bag_view import view_of
from ebm_concept_ros.nodes.runtime.launch_arguments import LaunchArgument, argument, shares
from ebm_concept_ros.nodes.runtime.parameters import Parameters
from ebm_concept_ros.recording.record import load_record
from ebm_core.concepts import spatial_concept_names

ROOT = Path(__file__).parents[2]
LAUNCH_FILE = ROOT / 'launch' / 'reach_between.launch.py'
# On a busy machine everything takes longer.
PATIENCE_S = 1200
PATIENT = ('wall_timeout_s:=3600', 'silence_s:=600')
KEYS = ['success', 'distance_m', 'reach_time_s', 'energy', 'attention', 'concept', 'scene_seed']


@pytest.fixture
def launch():
    """Starts launches; those that a failed test leaves are interrupted, and end their nodes."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        ros2 = shutil.which('ros2')
        assert ros2, 'source scripts/environment.sh, or the setup script of an installed ROS 2'
        process = subprocess.Popen(
            [ros2, 'launch', 'ebm_concept_ros', LAUNCH_FILE.name, *PATIENT, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)


def finish(process: subprocess.Popen, head: str = '') -> tuple[int, dict, str]:
    """Return the status, the last line as JSON, and all output."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert out.strip(), err
    return process.returncode, json.loads(out.splitlines()[-1]), head + out + err


@pytest.fixture(scope='module')
def names():
    """The names of the launch file, as the stand-in sees them where there is no real launch."""
    try:
        return runpy.run_path(str(LAUNCH_FILE))
    except ImportError:
        standin = runpy.run_path(str(ROOT / 'scripts' / 'ros2_standin.py'))
        standin['provide']()
        return runpy.run_path(str(LAUNCH_FILE))


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('scene_seed', '-1'),
        ('scene_seed', '1.5'),
        ('scene_seed', str(2**31)),
        ('scene_file', 'no_such_file.yaml'),
        ('concept', 'beside'),
        ('reference_colour', 'blau'),
        ('also', 'beside'),
        ('also_colour', 'rot'),
        ('weights', '1'),
        ('weights', '1,1,1'),
        ('weights', '1,-0.5'),
        ('weights', '0,0'),
        ('weights', 'nan,1'),
        ('weights', '1,inf'),
        ('weights', '1;1'),
        ('demonstrations', '-1'),
        ('headless', 'yes'),
        ('lockstep', ''),
        ('hold_s', '60.5'),
        ('timeout_s', 'nan'),
        ('wall_timeout_s', 'inf'),
        ('model_dir', '/no/such/folder'),
        ('arm', 'jaco2'),
        ('arm', ''),
        ('out_dir', str(LAUNCH_FILE)),
        ('planner', 'newton'),
        ('live_view', 'yes'),
        ('params_file', 'no_such_file.yaml'),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(names, name, text):
    argument = next(a for a in names['ARGUMENTS'] if a.name == name)
    with pytest.raises(ValueError, match=re.escape(f'launch argument {name}: {text!r}')) as error:
        argument.value(text)
    assert argument.allowed in str(error.value)


def test_every_default_is_allowed_and_every_argument_goes_somewhere(names):
    of_the_launch_itself = {'demonstrations', 'live_view', 'params_file'}
    for each in names['ARGUMENTS']:
        each.value(each.default)
        assert bool(each.parameters) is (each.name not in of_the_launch_itself)
        for node, parameter in each.parameters:
            assert parameter in names['MODELS'][node].model_fields


def test_only_what_is_not_at_its_default_is_given_to_nodes():
    arguments = (
        LaunchArgument('a', '1', '', '', int, (('one', 'a'), ('two', 'b'))),
        LaunchArgument('c', '2', '', '', int, (('one', 'c'),)),
    )
    assert shares(arguments, {'a': '1', 'c': '2'}) == {}
    assert shares(arguments, {'a': '3', 'c': '2'}) == {'one': {'a': 3}, 'two': {'b': 3}}


def test_defaults_that_differ_make_no_argument():
    class One(Parameters):
        rate: float = Field(1.0, ge=0.0)

    class Two(Parameters):
        rate: float = Field(2.0, ge=0.0)

    assert argument({'one': One}, 'rate').allowed == 'a number from 0 to 1000000000'
    with pytest.raises(ValueError, match='defaults differ'):
        argument({'one': One, 'two': Two}, 'rate')


def test_a_refusal_reaches_the_user_and_starts_nothing(launch, tmp_path):
    process = launch('concept:=beside', f'out_dir:={tmp_path}/out')
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert "launch argument concept: 'beside' is refused" in out + err
    assert ', '.join(spatial_concept_names()) in out + err
    assert 'pid' not in out
    assert not (tmp_path / 'out').exists()


def test_rates_that_do_not_fit_are_refused_before_anything_starts(launch, tmp_path):
    process = launch('control_rate:=300.0', 'simulation_rate:=500.0', f'out_dir:={tmp_path}/out')
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert '300 Hz' in out + err and '500 Hz' in out + err
    assert 'pid' not in out
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (('also:=between',), "also: 'between' is the concept itself"),
        (('also:=north', 'also_colour:=blue'), "also_colour: 'blue' is reference_colour too"),
    ],
)
def test_two_that_cannot_be_told_apart_are_refused(launch, tmp_path, arguments, text):
    process = launch(*arguments, f'out_dir:={tmp_path}/out')
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert text in out + err
    assert 'pid' not in out
    assert not (tmp_path / 'out').exists()


def test_the_arm_reaches_and_the_result_comes_last(launch, tmp_path):
    stale = tmp_path / 'result.json'
    stale.write_text('{"success": false}')
    status, result, output = finish(
        launch(
            'scene_seed:=3',
            'lockstep:=true',
            f'out_dir:={tmp_path}',
            f'record_dir:={tmp_path}/records',
        )
    )
    assert status == 0, output
    assert list(result) == KEYS
    assert result['success'] is True
    assert result['distance_m'] <= 0.02
    assert result['concept'] == 'between'
    assert result['scene_seed'] == 3
    assert set(result['attention']) >= {'end_effector', 'blue_0', 'blue_1'}
    assert json.loads(stale.read_text()) == result
    record = load_record(tmp_path / 'records' / 'run_0001.npz')
    assert record.header.complete and len(record.arrays['decisions']) > 100
    for suffix in ('png', 'mp4'):
        assert (tmp_path / f'reach_between_3.{suffix}').stat().st_size > 1000
    assert 'simulation: paused' in output  # while they were drawn


def test_a_sum_is_enacted_by_the_planner_of_arguments_and_a_params_file(launch, tmp_path):
    file = tmp_path / 'params.yaml'
    settings = {'planner': 'cem', 'control_rate': 250.0, 'planning.samples': 40}
    weights = {'planning.weights.energy': 3.0, 'planning.temperature': 0.2}
    file.write_text(json.dumps({'controller': {'ros__parameters': settings | weights}}))
    status, result, output = finish(
        launch(
            'concept:=between',
            'also:=north',
            'weights:=1,0.5',
            'scene_seed:=3',
            'lockstep:=true',
            'render:=false',
            'planner:=mppi',
            f'params_file:={file}',
            f'out_dir:={tmp_path}/out',
            f'record_dir:={tmp_path}/records',
            'live_view:=true',
            f'bag_dir:={tmp_path}/bags',
        )
    )
    assert status == 0, output
    assert list(result) == KEYS
    assert result['concept'] == 'between + north'
    assert result['distance_m'] <= 0.02
    assert {'blue_0', 'blue_1', 'red_0'} <= {n for n, a in result['attention'].items() if a > 0.5}
    assert 'enacting 1 between + 0.5 north' in output
    recorded = load_record(tmp_path / 'records' / 'run_0001.npz').header.settings
    assert recorded.planner == 'MppiPlanner', 'the argument counts more than the file'
    assert recorded.planner_config['samples'] == 40
    assert recorded.planner_config['temperature'] == 0.2
    assert recorded.planner_config['weights']['energy'] == 3.0
    with opened(tmp_path / 'bags' / 'run_0001') as bag:
        assert bag.topics['/demonstrations'][1] == 10
    view = view_of(tmp_path / 'bags' / 'run_0001')
    assert {'goal', 'taking_part', 'effector'} <= {namespace for namespace, _ in view.markers}
    assert 'Traceback' not in output


def test_weights_that_cannot_be_loaded_end_the_launch(launch, tmp_path):
    status, result, output = finish(launch(f'model_dir:={tmp_path}', f'out_dir:={tmp_path}'))
    assert status == 1
    assert result['success'] is False
    assert result['reason'] == 'lifecycle_manager ended with status 1'
    assert re.search('(concept_learner|controller): configure failed', output)
    assert 'model.json' in output


def test_an_interrupted_launch_is_no_success_and_leaves_no_process(launch, tmp_path):
    process = launch('lockstep:=true', f'out_dir:={tmp_path}')
    head = ''
    for line in process.stdout:
        head += line
        if 'enacting between' in line:
            break
    process.send_signal(signal.SIGINT)
    status, result, output = finish(process, head)
    assert status != 0
    assert result['success'] is False
    pids = re.findall(r'pid \[?(\d+)', head)
    assert len(pids) == 6, output
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
