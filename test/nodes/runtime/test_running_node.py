# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An executor in a thread of its own, of either kind: it hears, and outlives what goes wrong."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
import rclpy
from harness import EXECUTABLES, claim_domain, wait_until
from std_msgs.msg import String

from ebm_concept_ros.nodes.runtime.running import SpinThread


@pytest.mark.parametrize('events_executor', [False, True])
def test_a_callback_that_raises_is_reported_and_the_next_message_heard(events_executor):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('listener', context=context)
    reported, heard = [], []
    node.get_logger().error = reported.append

    def callback(message):
        heard.append(message.data)
        if message.data == 'spoiled':
            raise ValueError('of this message')

    node.create_subscription(String, 'words', callback, 10)
    publisher = node.create_publisher(String, 'words', 10)
    spinning = SpinThread(node, events_executor)
    spinning.start()
    wait_until(lambda: publisher.get_subscription_count() == 1, 'discovery')
    for word in ('spoiled', 'whole', 'spoiled', 'whole'):
        before = len(heard)
        publisher.publish(String(data=word))
        wait_until(lambda before=before: len(heard) > before, word)
    spinning.stop()
    assert heard == ['spoiled', 'whole', 'spoiled', 'whole']
    assert reported == ['a callback failed: ValueError: of this message'] * 2
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.parametrize('events_executor', [False, True])
def test_what_is_made_and_destroyed_while_it_spins_is_heard_and_forgotten(events_executor):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('listener', context=context)
    reported = []
    node.get_logger().error = reported.append
    publisher = node.create_publisher(String, 'words', 10)
    spinning = SpinThread(node, events_executor)
    spinning.start()
    for attempt in range(10):
        heard = []
        subscription = node.create_subscription(String, 'words', heard.append, 10)

        def said(heard=heard):
            publisher.publish(String(data='again'))
            return heard

        wait_until(said, f'message {attempt}')
        node.destroy_subscription(subscription)
    spinning.stop()
    assert not reported
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_node_that_has_ended_leaves_no_shared_memory_behind(tmp_path, monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    log = tmp_path / 'log'
    # What somebody else in the domain has, who is about to end, it maps as well.
    of_others = set(map(str, Path('/dev/shm').glob('fastdds_*')))
    with log.open('w') as out:
        node = subprocess.Popen([EXECUTABLES / 'simulator'], stdout=out, stderr=out)
    try:
        wait_until(lambda: 'state: active' in log.read_text(), 'the simulator')
        mapped = set(re.findall(r'/dev/shm/fastdds_[0-9a-f]{12,}', maps_of(node.pid)))
        own = mapped - of_others
        node.send_signal(signal.SIGINT)
        assert node.wait(60) == 0
    finally:
        node.kill()
        lock.close()
    if not own:
        pytest.skip('the middleware has no shared memory of its own here')
    left = [path for path in own if Path(path).exists()]
    assert not left, f'of {own}, besides {mapped & of_others} of others'


def maps_of(process_id):
    return Path(f'/proc/{process_id}/maps').read_text()


def test_a_params_file_that_cannot_be_read_is_said_in_one_line(tmp_path):
    path = tmp_path / 'a b.yaml'
    path.write_text('demonstrator:\n  ros__parameters:\n    weights: [1, 0.5]\n')
    node = EXECUTABLES / 'demonstrator'
    done = subprocess.run(
        [node, '--ros-args', '--params-file', path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    *_, line = done.stderr.splitlines()
    assert 'Traceback' not in done.stderr, 'rcl says that it is wrong, and this one why'
    assert line.startswith('Demonstrator: ') and f'{path}' in line and 'same type' in line
