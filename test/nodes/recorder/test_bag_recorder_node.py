# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The recorder over DDS: the bag of a run opens in two readers, and teaches another learner."""

import resource
import signal
from contextlib import ExitStack

import numpy as np
import pytest
from faults import full_disk, send_until
from harness import (
    JOINTS,
    WORKSPACE,
    NodeProcess,
    Probe,
    keeping,
    last_words,
    running,
    untrained_weights,
    wait_until,
)
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.bags.reading import InvalidBag, opened
from ebm_concept_ros.client import teach_from_bag
from ebm_concept_ros.nodes.runtime import qos
from ebm_core import get_concept

TOPICS = {
    '/scene',
    '/joint_states',
    '/joint_effort_commands',
    '/controller/status',
    '/concept',
    '/demonstrations',
    '/diagnostics',
    '/controller/energy',
    '/controller/plan',
}


def recorded(tmp_path, weights):
    """Record a run; return the bag, what was learned, and the efforts that were heard of it."""
    with ExitStack() as nodes:
        probe = Probe()
        nodes.callback(probe.close)
        concepts = probe.listen(ros.Concept, 'concept', qos.LATCHED)
        efforts = probe.listen(JointState, 'joint_effort_commands', 1000)
        bags = tmp_path / 'bags'
        nodes.enter_context(running('bag_recorder', tmp_path, bag_dir=bags))
        nodes.enter_context(running('concept_learner', tmp_path, model_dir=weights))
        send = probe.publisher(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS)
        wait_until(lambda: send.get_subscription_count() == 2, 'learner and recorder')
        shown = get_concept('between').demonstrations(np.random.default_rng(0), 5)
        for demonstration in shown:
            send.publish(cv.demonstration_to_message('mine', demonstration, WORKSPACE))
        wait_until(lambda: concepts, 'the concept')
        # The concept is latched; nothing moves, and takes the processor, before there is one.
        for name, parameters in (
            ('simulator', {'lockstep': True}),
            (
                'controller',
                {'lockstep': True, 'model_dir': weights} | keeping('joint_effort_commands'),
            ),
        ):
            nodes.enter_context(running(name, tmp_path, **parameters))

        def written():
            """Return how many messages of each topic the recorder says to have written."""
            counts = probe.values('bag_recorder: bag')
            return {topic: int(number) for topic, number in counts.items() if topic[0] == '/'}

        wait_until(lambda: efforts and '/joint_effort_commands' in written(), 'torques in both')
        heard, recorded = len(efforts), written()['/joint_effort_commands']
        wait_until(lambda: set(written()) >= TOPICS, f'{TOPICS} in the bag')
        wait_until(
            lambda: (
                len(efforts) > heard + 200 and written()['/joint_effort_commands'] > recorded + 200
            ),
            'more torques in both',
        )
        return bags / 'run_0001', concepts[-1], list(efforts)


def test_a_run_opens_in_two_readers_and_teaches_another_learner(tmp_path, capfd):
    weights = untrained_weights(tmp_path / 'weights')
    bag, concept, heard = recorded(tmp_path, weights)
    with AnyReader([bag]) as reader:
        assert set(reader.topics) == TOPICS
        found = {
            cv.stamp_to_ns(m.header.stamp): m.effort
            for m in (
                reader.deserialize(raw, c.msgtype)
                for c, _, raw in reader.messages(
                    [c for c in reader.connections if c.topic == '/joint_effort_commands']
                )
            )
        }
    assert len(found) >= 200
    same = [m for m in heard if cv.stamp_to_ns(m.header.stamp) in found]
    assert len(same) > 100
    for message in same:
        np.testing.assert_array_equal(found[cv.stamp_to_ns(message.header.stamp)], message.effort)
    with (bag / f'{bag.name}.mcap').open('rb') as file:
        counts = make_reader(file).get_summary().statistics.channel_message_counts
    with opened(bag) as mine:
        assert sorted(n for _, n in mine.topics.values()) == sorted(counts.values())
        (state, *_) = (m for _, m in mine.messages('sensor_msgs/msg/JointState', 'joint_states'))
        assert tuple(state.name[: len(JOINTS)]) == JOINTS

    with ExitStack() as nodes:
        learner = nodes.enter_context(running('concept_learner', tmp_path, model_dir=weights))
        learner.wait_for_log('inference: ready')  # for longer than the client would
        assert teach_from_bag.main([str(bag)]) == 0
        assert capfd.readouterr().out == 'mine: 5 demonstrations, learned\n'
        probe = Probe()
        nodes.callback(probe.close)
        again = probe.listen(ros.Concept, 'concept', qos.LATCHED)
        wait_until(lambda: again, 'the concept')
    for code in ('action_code', 'argument_code'):
        one, other = (list(getattr(c.terms[0], code)) for c in (concept, again[-1]))
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert teach_from_bag.main([str(bag), '--name', 'nobody']) == 1
    assert 'nothing is shown there' in capfd.readouterr().err
    assert teach_from_bag.main([str(bag), '--topic', 'scene']) == 1
    assert 'no topic /scene of type' in capfd.readouterr().err


def test_where_it_cannot_record_it_says_so_and_ends(tmp_path):
    (tmp_path / 'file').touch()
    for given, reason in (
        ({}, 'parameter bag_dir: empty, so there is nowhere to record'),
        ({'bag_dir': tmp_path / 'file' / 'in'}, 'parameter bag_dir:'),
    ):
        recorder = NodeProcess('bag_recorder', tmp_path / 'log', **given)
        assert recorder.end()[0] == 2 and reason in recorder.log
        assert f'bag_recorder (ended with 2) bag_recorder: {reason}' in last_words()


@pytest.fixture(scope='module')
def talk():
    """A probe that publishes joint states, 100 kB at a call."""
    probe = Probe()
    publisher = probe.publisher(JointState, 'joint_states', 1000, matched=False)
    message = JointState(name=['joint'], position=[0.0] * 1250)

    def publish():
        for _ in range(10):
            publisher.publish(message)

    yield publish, probe, publisher
    probe.close()


def size_of(bag):
    return sum(path.stat().st_size for path in bag.iterdir()) if bag.exists() else 0


def test_a_recorder_that_is_asked_to_records_one_bag_after_another(tmp_path, talk):
    publish, probe, _ = talk
    scenes = probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False)
    scenes.publish(ros.Scene())

    def record(on):
        answer = probe.call(SetBool, 'bag_recorder/record', SetBool.Request(data=on))
        assert answer.success
        return answer.message

    def a_bag_has_the_scene():
        path = tmp_path / record(True).rpartition('/')[2]
        assert record(True) == f'recording into {path}', 'it goes on with that one'
        wait_until(lambda: scenes.get_subscription_count() == 1, 'the recorder')
        send_until(lambda: size_of(path) > 100_000, publish, 'a chunk in the file')
        assert record(False).endswith(f' messages in {path}')
        with opened(path) as bag:
            return '/scene' in bag.topics

    with running('bag_recorder', tmp_path, bag_dir=tmp_path, record_at_start=False):
        assert record(False) == 'nothing is being recorded'
        assert not list(tmp_path.glob('run_*'))
        # What is latched is told to every bag; which message comes first is anybody's guess.
        wait_until(a_bag_has_the_scene, 'a bag with the scene')
        wait_until(a_bag_has_the_scene, 'another one')
        assert (tmp_path / 'run_0002').exists()
    probe.node.destroy_publisher(scenes)


def test_where_the_disk_is_full_the_recorder_says_so_and_goes_on_without(tmp_path, talk):
    publish, probe, publisher = talk
    with running('bag_recorder', tmp_path, bag_dir=tmp_path) as recorder:
        recorder.wait_for_log('recording into')
        # A file of this process may not be larger: writing fails as it does on a full disk.
        resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (300, 300))
        wait_until(lambda: publisher.get_subscription_count() == 1, 'the recorder')
        send_until(lambda: 'recording has ended' in recorder.log, publish, 'the end of it')
        probe.wait_for_report('bag_recorder: bag', 'recording has ended: ', 'File too large')
        publish()
        assert recorder.is_running()
        recorder.send(signal.SIGTERM)
        assert recorder.end()[0] == 0
    with pytest.raises(InvalidBag, match='cut off'), opened(tmp_path / 'run_0001'):
        pass


def test_where_the_disk_is_full_at_the_end_it_says_that_the_bag_is_not_whole(tmp_path):
    with running('bag_recorder', tmp_path, bag_dir=tmp_path) as recorder:
        recorder.wait_for_log('recording into')
        with full_disk(recorder.process.pid, 10):
            recorder.send(signal.SIGTERM)
            assert recorder.end()[0] == 1 and 'Traceback' not in recorder.log


# Stands last: of a recorder that was killed service and subscriptions still count, for 20 s.
def test_a_recorder_that_is_killed_leaves_a_bag_that_is_refused_and_the_next_one_another(
    tmp_path, talk
):
    publish, _, publisher = talk
    with running('bag_recorder', tmp_path, bag_dir=tmp_path) as recorder:
        recorder.wait_for_log('recording into')
        wait_until(lambda: publisher.get_subscription_count() == 1, 'the recorder')
        send_until(lambda: size_of(tmp_path / 'run_0001') > 100_000, publish, 'a chunk in the file')
        recorder.send(signal.SIGKILL)
        assert recorder.end()[0] == -signal.SIGKILL
    with (
        pytest.raises(InvalidBag, match=r'run_0001: no metadata\.yaml, so .* was cut off'),
        opened(tmp_path / 'run_0001'),
    ):
        pass
    assert teach_from_bag.main([str(tmp_path / 'run_0001')]) == 1
    with running('bag_recorder', tmp_path, bag_dir=tmp_path) as recorder:
        recorder.wait_for_log('run_0002')
        wait_until(lambda: publisher.get_subscription_count() == 1, 'the recorder')
        send_until(lambda: size_of(tmp_path / 'run_0002') > 100_000, publish, 'a chunk in the file')
    with opened(tmp_path / 'run_0002') as bag:
        assert bag.topics['/joint_states'][1] > 0
