# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch file of arrangements as a user runs it, through `ros2 launch` or its stand-in."""

import json
import runpy
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAUNCH_FILE = ROOT / 'launch' / 'arrange.launch.py'
# On a busy machine everything takes longer.
PATIENCE_S = 1200
PATIENT = ('wall_timeout_s:=3600',)
KEYS = ['success', 'reason', 'off_m', 'moved', 'troubles', 'time_s', 'concept', 'scene_seed']


@pytest.fixture
def launch():
    """Starts a launch; what a failed test leaves is interrupted, and ends its nodes."""
    started = []

    def start(*arguments):
        ros2 = shutil.which('ros2')
        assert ros2, 'source scripts/environment.sh, or the setup script of an installed ROS 2'
        started.append(
            subprocess.Popen(
                [ros2, 'launch', 'ebm_concept_ros', LAUNCH_FILE.name, *PATIENT, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope='module')
def arguments():
    """The arguments by name, as the stand-in sees them where there is no real launch."""
    try:
        names = runpy.run_path(str(LAUNCH_FILE))
    except ImportError:
        runpy.run_path(str(ROOT / 'scripts' / 'ros2_standin.py'))['provide']()
        names = runpy.run_path(str(LAUNCH_FILE))
    return {argument.name: argument for argument in names['ARGUMENTS']}


@pytest.mark.parametrize(
    ('name', 'text', 'says'),
    [
        ('concept', 'point', 'square, triangle, line, between'),
        ('hand', 'claw', 'jaco, panda, the YAML file of another'),
        ('scene_rate', '1', 'from 5 to 500'),
        ('live_view', 'yes', 'true, false'),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(arguments, name, text, says):
    with pytest.raises(ValueError, match=f"argument {name}: '{text}' is refused.*{says}"):
        arguments[name].value(text)


def test_every_default_is_allowed(arguments):
    assert arguments['concept'].value(arguments['concept'].default) == 'square'
    for argument in arguments.values():
        argument.value(argument.default)


def test_a_block_is_carried_and_the_result_comes_last(launch, tmp_path):
    process = launch('concept:=between', 'lockstep:=true', f'out_dir:={tmp_path}', 'scene_seed:=1')
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, out + err
    result = json.loads(out.splitlines()[-1])
    assert list(result) == KEYS
    assert result['success'] is True and result['moved'] == ['red_0'] and not result['troubles']
    assert result['off_m'] <= 0.005
    assert json.loads((tmp_path / 'result.json').read_text()) == result
    assert (tmp_path / 'arrange_between_1.png').stat().st_size > 1000
    assert 'Traceback' not in out + err
