# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The stand-in for `ros2 launch`: what it runs, what it forwards, what it refuses."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STANDIN = Path(__file__).parents[2] / 'scripts' / 'ros2_standin.py'
_REAL = importlib.util.find_spec('launch')
pytestmark = pytest.mark.skipif(
    _REAL is not None and _REAL.origin is not None, reason='the real launch is installed here'
)

# Waits for one of some signals, says which, and ends with a status.
WAITER = """#!{python} -S
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGINT, signal.SIGTERM}})
print('ready', flush=True)
if os.path.exists('meeting'):
    open('meeting', 'w').close()
print('got', signal.Signals(signal.sigwait({{{heard}}})).name, flush=True)
sys.exit({status})
"""
# Prints its arguments and ends with a status, if there is a meeting not before a waiter is there.
ENDER = """#!{python} -S
import os, sys
if os.path.exists('meeting'):
    open('meeting').read()
print(sys.argv[1:])
sys.exit({status})
"""
# Talks until a signal comes, and says in a file that it went.
TALKER = """#!{python} -S
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGINT, signal.SIGTERM}})
while signal.sigtimedwait({{{heard}}}, 0.01) is None:
    print('and so on', flush=True)
open('gone', 'w').write(str({status}))
"""
HEAD = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch_ros.actions import Node

def node(executable, **others):
    return Node(package='tiny', executable=executable, output='screen', **others)

"""


@pytest.fixture
def tiny(tmp_path):
    """An installed package `tiny`, into which a test writes executables and one launch file."""
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'tiny').touch()
    tiny = Tiny(tmp_path)
    yield tiny
    for process in tiny.started:
        if process.poll() is None:  # after a failure: it takes its nodes with it
            process.terminate()
            process.communicate(timeout=200)


class Tiny:
    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.environment = os.environ | {'AMENT_PREFIX_PATH': str(prefix)}
        self.started: list[subprocess.Popen] = []

    def executable(self, name: str, template: str, status: int = 0, heard: str = '2, 15') -> None:
        path = self.prefix / 'lib' / 'tiny' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.format(python=sys.executable, status=status, heard=heard))
        path.chmod(0o755)

    def launch_file(self, body: str, head: str = HEAD) -> None:
        path = self.prefix / 'share' / 'tiny' / 'launch' / 'tiny.launch.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + body)

    def start(self, *arguments: str, escalation_s: float = 200.0) -> subprocess.Popen:
        code = (
            f'import sys; sys.path.insert(0, {str(STANDIN.parent)!r}); import ros2_standin\n'
            f'ros2_standin.ESCALATION_S = {escalation_s}\n'
            'sys.exit(ros2_standin.main(sys.argv[1:]))'
        )
        process = subprocess.Popen(
            [sys.executable, '-c', code, *arguments],
            env=self.environment,
            cwd=self.prefix,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def ros2(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=200)
        return process.returncode, out, err

    def launch(self, *arguments: str) -> tuple[int, str, str]:
        return self.ros2('launch', 'tiny', 'tiny.launch.py', *arguments)


def read_until(process: subprocess.Popen, pattern: str) -> str:
    """Return what the process prints up to the first line that matches."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return ''.join(lines)
    raise AssertionError(f'{pattern!r} never came: {"".join(lines)}{process.stderr.read()}')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('status', [0, 7])
def test_a_signal_reaches_the_nodes_once_and_their_status_comes_back(tiny, number, status):
    tiny.executable('waiter', WAITER, status)
    tiny.launch_file(
        "def generate_launch_description():\n return LaunchDescription([node('waiter')])"
    )
    process = tiny.start('launch', 'tiny', 'tiny.launch.py')
    read_until(process, r'\[waiter-1\] ready')
    process.send_signal(number)
    out, _ = process.communicate(timeout=200)
    assert out.count(f'[waiter-1] got {number.name}') == 1
    assert process.returncode == status


def test_nodes_do_not_outlive_the_reader_of_their_output(tiny):
    tiny.executable('talker', TALKER)
    tiny.launch_file(
        "def generate_launch_description():\n return LaunchDescription([node('talker')])"
    )
    process = tiny.start('launch', 'tiny', 'tiny.launch.py')
    read_until(process, 'and so on')
    process.stdout.close()
    process.wait(timeout=200)
    assert (tiny.prefix / 'gone').read_text() == '0'
    process.stderr.close()


def test_a_node_deaf_to_sigint_gets_sigterm(tiny):
    tiny.executable('waiter', WAITER, heard='15')
    timeouts = "sigterm_timeout='0.1', sigkill_timeout='200'"
    tiny.launch_file(
        'def generate_launch_description():\n'
        f" return LaunchDescription([node('waiter', {timeouts})])"
    )
    process = tiny.start('launch', 'tiny', 'tiny.launch.py')
    read_until(process, r'\[waiter-1\] ready')
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=200)
    assert 'got SIGTERM' in out


def test_a_node_deaf_to_both_is_killed(tiny):
    tiny.executable('waiter', WAITER, heard='10')
    tiny.launch_file(
        "def generate_launch_description():\n return LaunchDescription([node('waiter')])"
    )
    process = tiny.start('launch', 'tiny', 'tiny.launch.py', escalation_s=0.1)
    read_until(process, r'\[waiter-1\] ready')
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=200)
    assert process.returncode == 128 + signal.SIGKILL


def test_a_node_that_fails_fails_the_launch(tiny):
    tiny.executable('good', ENDER)
    tiny.executable('bad', ENDER, status=3)
    tiny.launch_file(
        "def generate_launch_description():\n return LaunchDescription([node('good'), node('bad')])"
    )
    assert tiny.launch()[0] == 3


def test_parameters_and_name_reach_the_node(tiny):
    tiny.executable('ender', ENDER)
    tiny.launch_file("""
def start(context):
    text = context.launch_configurations['text']
    return [node('ender', name='other', parameters=[{'text': text, 'flag': True, 'rate': 2.5}])]

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('text', default_value='1'), OpaqueFunction(function=start)])
""")
    status, out, _ = tiny.launch('text:=a:=b')
    expected = ['--ros-args', '-r', '__node:=other', '-p', 'text:="a:=b"']
    assert status == 0
    assert str([*expected, '-p', 'flag:=true', '-p', 'rate:=2.5']) in out


def test_an_exit_handler_ends_the_launch_and_an_error_in_it_fails_it(tiny):
    tiny.executable('waiter', WAITER)
    tiny.executable('ender', ENDER)
    os.mkfifo(tiny.prefix / 'meeting')
    body = """
def react(event, context):
    {reaction}

def generate_launch_description():
    ender = node('ender')
    handler = RegisterEventHandler(OnProcessExit(target_action=ender, on_exit=react))
    return LaunchDescription([handler, node('waiter'), ender])
"""
    tiny.launch_file(body.format(reaction="return [Shutdown(reason='all is done')]"))
    status, out, _ = tiny.launch()
    assert status == 0
    assert 'all is done' in out
    tiny.launch_file(body.format(reaction="raise RuntimeError(f'status {event.returncode}')"))
    status, _, err = tiny.launch()
    assert status == 1
    assert 'status 0' in err


@pytest.mark.parametrize(
    ('line', 'name'),
    [
        ('from launch.actions import TimerAction', 'TimerAction'),
        ('from launch.conditions import IfCondition', 'launch.conditions'),
        ('import launch_ros.descriptions', 'launch_ros.descriptions'),
        ("node('ender', respawn=True)", 'respawn'),
    ],
)
def test_names_it_does_not_provide_are_refused_by_name(tiny, line, name):
    tiny.executable('ender', ENDER)
    tiny.launch_file(f'{line}\ndef generate_launch_description():\n return LaunchDescription([])')
    status, _, err = tiny.launch()
    assert status != 0
    assert name in err


def test_an_entity_it_does_not_know_is_refused(tiny):
    tiny.launch_file("def generate_launch_description():\n return LaunchDescription(['a text'])")
    status, _, err = tiny.launch()
    assert status == 1
    assert "'a text' is not in the stand-in" in err


def test_launch_arguments_are_checked_and_shown(tiny):
    tiny.launch_file("""
def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('needed', description='what it is for'),
        DeclareLaunchArgument('other', default_value='5')])
""")
    for arguments, complaint in [
        ([], 'without a value: needed'),
        (['needed'], "malformed launch argument 'needed'"),
        (['needed:=1', 'othr:=2'], "unknown launch argument 'othr'; known are needed, other"),
    ]:
        status, _, err = tiny.launch(*arguments)
        assert status == 2
        assert complaint in err
    status, out, _ = tiny.launch('--show-args')
    assert status == 0
    assert 'what it is for' in out
    assert "(default: '5')" in out


def test_what_does_not_exist_is_named(tiny):
    tiny.executable('ender', ENDER)
    tiny.launch_file('')
    for arguments, complaint in [
        (['launch', 'tony', 'tiny.launch.py'], "package 'tony' not found"),
        (['launch', 'tiny', 'tony.launch.py'], "no launch file 'tony.launch.py'"),
        (['run', 'tiny', 'endr'], "no executable 'endr'; it has ender"),
        (['topic', 'list'], "not 'topic'; install ROS 2"),
        ([], 'only `ros2 launch` and `ros2 run`'),
    ]:
        status, _, err = tiny.ros2(*arguments)
        assert status == 2
        assert complaint in err


def test_run_becomes_the_executable(tiny):
    tiny.executable('ender', ENDER, status=5)
    status, out, _ = tiny.ros2('run', 'tiny', 'ender', '--ros-args', '-p', 'x:=1')
    assert status == 5
    assert out.strip() == "['--ros-args', '-p', 'x:=1']"


def test_it_hands_over_to_an_installed_ros2(tiny):
    site = tiny.prefix / 'site'
    for package, text in [
        ('launch', ''),
        ('ros2cli', ''),
        ('ros2cli/cli', 'def main(*, argv):\n    print("real", argv)\n    return 4'),
    ]:
        path = site / f'{package}.py' if '/' in package else site / package / '__init__.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tiny.environment['PYTHONPATH'] = str(site)
    status, out, _ = tiny.ros2('topic', 'list')
    assert status == 4
    assert out.strip() == "real ['topic', 'list']"
