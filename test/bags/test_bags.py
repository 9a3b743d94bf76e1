# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags: what is written is read again, by others too; what is not whole, or of others, refused."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.bags.definitions import known_types
from ebm_concept_ros.bags.demonstrations import demonstrations_in, segments_in
from ebm_concept_ros.bags.reading import InvalidBag, opened
from ebm_concept_ros.bags.writing import BagWriter, next_bag
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import load_workspace
from ebm_core import get_concept

ROOT = Path(__file__).parents[2]
WORKSPACE = load_workspace(ROOT / 'config' / 'workspace.yaml')
SCENE, DEMONSTRATION = 'ebm_concept_ros/msg/Scene', 'ebm_concept_ros/msg/Demonstration'
SHOWN = get_concept('between').demonstrations(np.random.default_rng(0), 5, 'blue')


def written(path, messages):
    """messages: (topic, type, time_ns, message)."""
    writer = BagWriter(path)
    for topic, kind, time_ns, message in messages:
        writer.write(topic, kind, time_ns, serialize_message(message))
    writer.close()
    return path


def scene_messages(number, name='e'):
    """Scenes in which nobody moves."""
    state = SHOWN[0].before
    named = NamedScene(tuple(f'{name}{i}' for i in range(len(state))), state)
    message = cv.scene_to_message(named, WORKSPACE)
    return (('/scene', SCENE, t * 50_000_000, message) for t in range(number))


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    messages = [
        ('/demonstrations', DEMONSTRATION, t, cv.demonstration_to_message('mine', d, WORKSPACE))
        for t, d in enumerate(SHOWN, 1)
    ]
    path = tmp_path_factory.mktemp('bags') / 'run_0001'
    return written(path, [*messages, *scene_messages(2000)])


def read(path):
    with opened(path) as bag:
        return list(demonstrations_in(bag, WORKSPACE))


def test_demonstrations_come_back_as_they_were(bag):
    for path in (bag, bag / f'{bag.name}.mcap'):
        for shown, found in zip(SHOWN, read(path), strict=True):
            assert found.concept == 'mine'
            np.testing.assert_array_equal(found.demonstration.attention, shown.attention)
            for one, other in zip(shown.states, found.demonstration.states, strict=True):
                np.testing.assert_allclose(one.positions, other.positions)
                np.testing.assert_allclose(one.colours, other.colours, atol=1e-6)
    with opened(bag) as opened_bag:
        assert opened_bag.topics == {'/demonstrations': (DEMONSTRATION, 5), '/scene': (SCENE, 2000)}
        assert list(segments_in(opened_bag, WORKSPACE, ())) == []


def test_the_last_message_of_a_topic_is_found_without_the_others(bag):
    with opened(bag) as opened_bag:
        times, messages = zip(*opened_bag.messages(DEMONSTRATION), strict=True)
        for until_ns in (None, times[-1], times[2]):
            found = opened_bag.last(DEMONSTRATION, '/demonstrations', until_ns)
            expected = messages[times.index(until_ns or times[-1])]
            np.testing.assert_array_equal(
                found.states[0].entities[0].pose.position.x,
                expected.states[0].entities[0].pose.position.x,
            )
        assert opened_bag.last(DEMONSTRATION, '/demonstrations', times[0] - 1) is None
        with pytest.raises(InvalidBag, match='no topic /other'):
            opened_bag.last(DEMONSTRATION, '/other')


def test_two_independent_readers_open_it(bag):
    with (bag / f'{bag.name}.mcap').open('rb') as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert {c.topic for c in summary.channels.values()} == {'/demonstrations', '/scene'}
        assert {s.name: s.encoding for s in summary.schemas.values()}[SCENE] == 'ros2msg'
        assert summary.statistics.message_count == 2005
        data = [m.data for _, _, m in reader.iter_messages(topics=['/demonstrations'])]
    # The other one knows the types from the file alone.
    with AnyReader([bag], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        connections = [c for c in reader.connections if c.topic == '/demonstrations']
        found = [
            (raw, reader.deserialize(raw, c.msgtype)) for c, _, raw in reader.messages(connections)
        ]
    assert [raw for raw, _ in found] == data
    assert [message.concept for _, message in found] == ['mine'] * 5
    np.testing.assert_array_equal(found[0][1].attention, SHOWN[0].attention)


def copied(bag, folder, size=None, change=lambda data: data):
    """Return a copy of a bag of which the file is cut off or changed."""
    copy = folder / bag.name
    copy.mkdir()
    for path in bag.iterdir():
        data = path.read_bytes()
        if path.suffix == '.mcap':
            data = change(data[:size])
        (copy / path.name).write_bytes(data)
    return copy


@pytest.mark.parametrize('share', [0.0, 1e-5, 0.3, 0.7, 0.999])
def test_a_bag_that_was_cut_off_is_refused(bag, tmp_path, share):
    whole = (bag / f'{bag.name}.mcap').stat().st_size
    cut = copied(bag, tmp_path, round(share * whole))
    for path in (cut, cut / f'{bag.name}.mcap'):
        with pytest.raises(InvalidBag, match=r'run_0001.*: cut off or damaged'):
            read(path)


def test_a_recording_that_never_ended_and_what_is_no_bag_are_refused(bag, tmp_path):
    copy = copied(bag, tmp_path)
    (copy / 'metadata.yaml').unlink()
    with pytest.raises(InvalidBag, match=r'no metadata\.yaml, so it is no bag, or its recording'):
        read(copy)
    (copy / 'metadata.yaml').write_text('- nonsense')
    with pytest.raises(InvalidBag, match='cut off or damaged'):
        read(copy)
    with pytest.raises(InvalidBag, match='no such file or folder'):
        read(tmp_path / 'nothing')


def test_a_chunk_that_is_damaged_is_refused(bag, tmp_path):
    damaged = copied(bag, tmp_path, change=lambda data: data[:2000] + b'\xff' * 400 + data[2400:])
    with pytest.raises(InvalidBag, match=r'cut off or damaged|damaged after \d+ messages'):
        read(damaged)


def test_another_version_of_a_message_is_refused(tmp_path):
    store = get_typestore(Stores.ROS2_KILTED)
    for name in ('Entity', 'Scene', 'Demonstration'):
        text = (ROOT / 'msg' / f'{name}.msg').read_text()
        text = text.replace('float64[] attention', 'float32[] attention')
        store.register(get_types_from_msg(text, f'ebm_concept_ros/msg/{name}'))
    path = tmp_path / 'of_others'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/demonstrations', DEMONSTRATION, typestore=store)
        message = cv.demonstration_to_message('mine', SHOWN[0], WORKSPACE)
        writer.write(connection, 1, bytes(serialize_message(message)))
    ours = known_types().hash_rihs01(DEMONSTRATION)[:19]
    for one in (path, path / 'of_others.mcap'):
        with pytest.raises(InvalidBag, match=f'is of another version, RIHS01_.*has {ours}'):
            read(one)


def test_what_is_not_in_it_or_there_twice_is_said(bag, tmp_path):
    path = written(tmp_path / 'two', [*scene_messages(1), ('/other', SCENE, 9, ros.Scene())])
    with opened(path) as two:
        with pytest.raises(InvalidBag, match=r'no topic of type .*Demonstration; there are /scene'):
            list(demonstrations_in(two, WORKSPACE))
        with pytest.raises(InvalidBag, match=r'several topics of type .*: /scene, /other'):
            list(segments_in(two, WORKSPACE, ()))
        assert list(segments_in(two, WORKSPACE, (), topic='scene')) == []
        with pytest.raises(InvalidBag, match=r'scene 1 of the bag: scene\.header\.frame_id'):
            list(segments_in(two, WORKSPACE, (), topic='/other'))


def test_memory_does_not_grow_with_the_number_of_messages(tmp_path):
    def peaks(number):
        path = tmp_path / str(number)
        tracemalloc.start()
        written(path, scene_messages(number, name='e' * 8000))
        writing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with opened(path) as bag:
            assert sum(1 for _ in segments_in(bag, WORKSPACE, ())) == 0
        reading = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return writing, reading

    known_types()
    few, many = np.array(peaks(300)), np.array(peaks(1500))  # 16 and 84 MB
    assert (many < 1.3 * few).all(), f'{few} and {many} bytes'


def test_bags_are_numbered_and_none_is_written_over(tmp_path):
    assert next_bag(tmp_path).name == 'run_0001'
    written(next_bag(tmp_path), [])
    assert next_bag(tmp_path).name == 'run_0002'
    with pytest.raises(ValueError, match='exists already'):
        BagWriter(tmp_path / 'run_0001')
