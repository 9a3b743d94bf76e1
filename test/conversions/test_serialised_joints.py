# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint states that are read and written as bytes are those that rclpy would make."""

from array import array

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import JointState

from ebm_concept_ros.conversions.serialised_joints import JointStateReading, JointStateWriting

STRICT = get_typestore(Stores.ROS2_JAZZY)
FIELDS = ('position', 'velocity', 'effort')
PACKS = (FIELDS, ('position', 'velocity'), ('effort',))
NAMES = ['shoulder', 'elbow_2', 'é']


def same(read, expected):
    """Whether what was read says what the message does."""
    return (read.header, read.name) == (expected.header, expected.name) and all(
        np.array_equal(getattr(read, field), getattr(expected, field), equal_nan=True)
        for field in ('position', 'velocity', 'effort')
    )


def message(names=NAMES, frame='', stamp_ns=1_000_000_007, offset=0.0, fields=None):
    """A joint state whose numbers all differ."""
    out = JointState(name=list(names))
    out.header.frame_id = frame
    out.header.stamp.sec, out.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    for k, field in enumerate(('position', 'velocity', 'effort')):
        if fields is None or field in fields:
            values = offset + 10.0 * k + np.arange(len(names))
            setattr(out, field, array('d', values.tolist()))
    return out


@pytest.mark.parametrize('frame', ['', 'base', 'a_frame'])
@pytest.mark.parametrize('names', [[], ['a'], NAMES, [f'joint_{k}' for k in range(9)]])
@pytest.mark.parametrize('fields', [None, ('position',), ('effort',)])
def test_one_after_another_is_read_as_rclpy_reads_it(names, frame, fields):
    reading = JointStateReading()
    for tick in range(3):
        expected = message(names, frame, 5_000_000_000 + tick, 0.5 * tick, fields)
        assert same(reading.message(serialize_message(expected)), expected)


def test_what_is_laid_out_otherwise_in_between_is_read_too():
    reading = JointStateReading()
    others = [
        message(),
        message(NAMES[::-1]),
        message(['shoulder', 'elbow_3', 'é']),
        message(frame='base'),
        message(fields=('position', 'effort')),
        message(NAMES[:2]),
        message(),
    ]
    for expected in others:
        assert same(reading.message(serialize_message(expected)), expected)
    uneven = message()
    uneven.velocity = array('d', [1.0])
    assert same(reading.message(serialize_message(uneven)), uneven)


def test_numbers_that_are_not_finite_are_read_as_they_are():
    reading = JointStateReading()
    for values in ([np.nan, np.inf, -np.inf], [1.0, np.nan, 2.0]):
        sent = message()
        sent.velocity = array('d', values)
        np.testing.assert_array_equal(reading.message(serialize_message(sent)).velocity, values)


@pytest.mark.parametrize('fields', [FIELDS, ('position', 'velocity'), ('effort',)])
def test_packed_numbers_are_those_of_the_message(fields):
    """Of a sender whose bytes that mean nothing stay the same, which rclpy's need not."""
    reading, writing = JointStateReading(NAMES, PACKS), JointStateWriting(NAMES, fields)
    for tick in range(4):
        stamp_ns = 7_999_999_998 + tick
        values = [10.0 * k + tick + np.arange(len(NAMES)) for k in range(len(fields))]
        data = writing.data(stamp_ns, values)
        if tick == 0:
            assert reading.packed(data) is None, 'it is not known yet how it is laid out'
            reading.message(data)
        assert reading.packed(data) == (stamp_ns, np.concatenate(values).tobytes())


@pytest.mark.parametrize('value', [np.nan, np.inf, -150.0])
@pytest.mark.parametrize('field', FIELDS)
def test_numbers_that_may_be_refused_are_left_to_who_looks_at_each(field, value):
    reading, writing = JointStateReading(NAMES, PACKS), JointStateWriting(NAMES)
    usual, odd = message(), message()
    setattr(odd, field, array('d', [0.0, value, 0.0]))
    good, bad = (
        writing.data(5, map(np.array, (each.position, each.velocity, each.effort)))
        for each in (usual, odd)
    )
    reading.message(good)
    assert reading.packed(bad) is None and reading.packed(good) is not None
    np.testing.assert_array_equal(getattr(reading.message(bad), field), [0.0, value, 0.0])
    assert reading.packed(good) is not None


def test_numbers_of_others_in_another_order_or_of_other_fields_are_not_packed():
    for names, fields in (
        *((NAMES[::-1], FIELDS), (NAMES[:2], FIELDS), ([*NAMES, 'finger'], FIELDS)),
        *((NAMES, ('position',)), (NAMES, ('position', 'effort'))),
    ):
        reading, writing = JointStateReading(NAMES, PACKS), JointStateWriting(names, fields)
        data = writing.data(5, [np.ones(len(names))] * len(fields))
        reading.message(data)
        assert reading.packed(data) is None


@pytest.mark.parametrize('fields', [('position', 'velocity', 'effort'), ('effort',)])
def test_what_is_written_is_what_rclpy_would_write(fields):
    writing = JointStateWriting(NAMES, fields)
    for tick in range(3):
        stamp_ns = 2_999_999_999 + tick
        expected = message(stamp_ns=stamp_ns, offset=0.5 * tick, fields=fields)
        data = writing.data(stamp_ns, [np.array(getattr(expected, name)) for name in fields])
        assert deserialize_message(data, JointState) == expected
        # A reader that takes nothing but just the message.
        strictly = STRICT.deserialize_cdr(data, 'sensor_msgs/msg/JointState')
        assert list(strictly.effort) == list(expected.effort)


def test_another_number_of_joints_is_refused_and_harms_nothing():
    writing = JointStateWriting(NAMES, ('effort',))
    with pytest.raises(ValueError, match='2 numbers for 3 joints'):
        writing.data(1, [np.zeros(2)])
    assert list(deserialize_message(writing.data(1, [np.ones(3)]), JointState).effort) == [1.0] * 3


def test_without_a_known_layout_rclpy_does_it(monkeypatch):
    monkeypatch.setattr(
        'ebm_concept_ros.conversions.serialised_joints._layout_of', lambda data, message: None
    )
    expected = message(fields=('effort',))
    data = JointStateWriting(NAMES, ('effort',)).data(1_000_000_007, [np.array(expected.effort)])
    assert same(JointStateReading().message(data), expected)
