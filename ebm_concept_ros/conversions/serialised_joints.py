# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint states as bytes, for loops in which conversion by rclpy would take the most time.

Of one driver, message after message is laid out alike: only stamp, positions, velocities and
efforts differ. Where that is so, these are read and written in place. The layout is looked for,
and tried, on a message that rclpy has converted; what has another one is left to rclpy.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from ebm_concept_ros.conversions.joints import joint_state_from_message
from ebm_concept_ros.conversions.stamps import set_stamp
from ebm_concept_ros.types import JointSample, PackedSample

_FIELDS = ('position', 'velocity', 'effort')
# Classic CDR of the machine's own order of bytes: two bytes that say so, two options, the body.
_PLAIN_CDR, _BODY = b'\x00\x01', 4
# Of a state that says what is measured.
STATE_PACKS = (_FIELDS, _FIELDS[:2])
_DOUBLE = np.dtype('<f8')
_STAMP, _COUNT = struct.Struct('<iI'), struct.Struct('<I')
# No position, velocity or torque below this is one that is refused for its size.
_SURELY_PLAUSIBLE = 100.0
_AFTER_STAMP = _BODY + _STAMP.size
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class _Layout:
    """Where the numbers of `_FIELDS` begin and end, and what is before and between them.

    They are whole numbers of doubles apart, so that all are doubles from the first on.
    """

    size: int
    numbers: tuple[tuple[int, int], ...]
    fixed: tuple[slice, ...]
    same: tuple[bytes, ...]  # what is there

    def fits(self, data: bytes) -> bool:
        """Tell whether bytes have this layout."""
        return len(data) == self.size and self._fixed_of(data) == self.same

    @cached_property
    def _fixed_of(self) -> Callable[[bytes], tuple[bytes, ...]]:
        return itemgetter(*self.fixed)

    @cached_property
    def first(self) -> int:
        """Return where the first number begins, 0 where there is none."""
        return min((begin for begin, end in self.numbers if end > begin), default=0)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Return where each field is, of all doubles from the first on."""
        return tuple(
            slice((begin - self.first) // 8, (end - self.first) // 8)
            if end > begin
            else slice(0, 0)
            for begin, end in self.numbers
        )

    @cached_property
    def body(self) -> slice:
        """Return where the bytes of all doubles are."""
        return slice(self.first, self.first + 8 * max(each.stop for each in self.slices))

    def doubles(self, data: bytes) -> np.ndarray:
        """Return all doubles, which cannot be written to.

        Within them are the counts of fields, too, which nobody looks at.
        """
        return np.frombuffer(data[self.body], _DOUBLE)  # of bytes of their own, and so aligned


def _layout_of(data: bytes, message: JointState) -> _Layout | None:
    """Return the layout of a message's bytes; None where they are encoded otherwise."""
    if sys.byteorder != 'little' or data[:2] != _PLAIN_CDR:
        return None
    at = _AFTER_STAMP
    for text in (message.header.frame_id, None, *message.name):
        at += _COUNT.size if text is None else _COUNT.size + len(text.encode()) + 1
        at += -at % 4
    fixed, numbers = [slice(_AFTER_STAMP, at)], []
    for field in _FIELDS:
        count = len(getattr(message, field))
        fixed.append(slice(at, at + _COUNT.size))
        at += _COUNT.size
        if count:
            at += -(at - _BODY) % 8
        numbers.append((at, at + 8 * count))
        at += 8 * count
    same = tuple(data[each] for each in fixed)
    layout = _Layout(len(data), tuple(numbers), tuple(fixed), same)
    return layout if at <= len(data) and _says(data, layout, message) else None


def _says(data: bytes, layout: _Layout, message: JointState) -> bool:
    """Tell whether bytes say in that layout what the message says."""
    read = _ReadJoints(message)
    read.fill(data, layout)
    return read.header.stamp == message.header.stamp and all(
        getattr(read, field).tobytes() == getattr(message, field).tobytes() for field in _FIELDS
    )


class _ReadJoints:
    """A JointState for whoever reads its fields: numbers are arrays that cannot be written to."""

    def __init__(self, message: JointState) -> None:
        """message: one of the same frame and names."""
        self.header = Header(frame_id=message.header.frame_id)
        self.name = message.name
        self.position = self.velocity = self.effort = np.empty(0)

    def fill(self, data: bytes, layout: _Layout) -> None:
        """Take stamp and numbers from bytes of that layout."""
        stamp = self.header.stamp
        stamp.sec, stamp.nanosec = _STAMP.unpack_from(data, _BODY)
        numbers = layout.doubles(data)
        self.position, self.velocity, self.effort = (numbers[each] for each in layout.slices)


class JointStateReading:
    """Reads the bytes of one topic, each as `deserialize_message` would. For one thread."""

    def __init__(
        self, joint_names: Sequence[str] = (), packs: Sequence[Sequence[str]] = ()
    ) -> None:
        """packs: of which fields, and no others, there are to be numbers for `packed`."""
        self._joint_names, self._packs = tuple(joint_names), packs
        self._read: _ReadJoints | None = None
        self._layout: _Layout | None = None
        self._spans: list[slice] = []  # of the numbers to be packed
        self._doubles = struct.Struct('')

    def message(self, data: bytes) -> JointState:
        """Return what bytes say, or what has the same fields; the next call may fill that anew."""
        if self._layout is not None and self._layout.fits(data):
            self._read.fill(data, self._layout)
            return self._read
        message = deserialize_message(data, JointState)
        self._layout = layout = _layout_of(data, message)
        self._read = _ReadJoints(message)
        self._spans = [] if layout is None else self._packed_spans(message, layout)
        count = len(self._spans) * len(self._joint_names)
        self._doubles = struct.Struct(f'<{count}d')
        return message

    def _packed_spans(self, message: JointState, layout: _Layout) -> list[slice]:
        """Return where the numbers of these joints are, in this order; none if there are others."""
        said = {field: len(getattr(message, field)) for field in _FIELDS}
        fields = [field for field in _FIELDS if said[field]]
        is_right = (
            tuple(message.name) == self._joint_names
            and any(fields == list(pack) for pack in self._packs)
            and all(said[field] == len(self._joint_names) for field in fields)
        )
        return [slice(*span) for span in layout.numbers if span[1] > span[0]] if is_right else []

    def packed(self, data: bytes) -> tuple[int, bytes] | None:
        """Return stamp, ns, and numbers as bytes; None where that asks for a look at the message.

        That is where it is laid out otherwise than the last message, or that one had not just these
        joints in this order and the fields of a pack, and where a number is none, or so large that
        it may be refused. Numbers are those of all fields, one after the other.
        """
        if not self._spans or not self._layout.fits(data):
            return None
        packed = b''.join([data[span] for span in self._spans])
        # One norm is faster than to look at each. NaN is not below.
        if not math.hypot(*self._doubles.unpack(packed)) < _SURELY_PLAUSIBLE:
            return None
        seconds, nanoseconds = _STAMP.unpack_from(data, _BODY)
        return seconds * _NANOSECONDS + nanoseconds, packed


class JointSampleReading(JointStateReading):
    """Reads an arm's joint states."""

    def __init__(self, joint_names: Sequence[str]) -> None:
        super().__init__(joint_names, STATE_PACKS)

    def sample(self, data: bytes) -> JointSample:
        """Return the state; raises InvalidInput as `joint_state_from_message`."""
        read = self.packed(data)
        if read is None:
            return joint_state_from_message(self.message(data), self._joint_names)
        return PackedSample(*read, len(self._joint_names))


class JointStateWriting:
    """Makes bytes of joint states of the same joints, each like `serialize_message`."""

    def __init__(self, joint_names: Sequence[str], fields: Sequence[str] = _FIELDS) -> None:
        """fields: that are said; the others stay empty."""
        zeros = array('d', [0.0] * len(joint_names))
        message = JointState(name=list(joint_names), **dict.fromkeys(fields, zeros))
        self._message, self._fields = message, tuple(fields)
        data = serialize_message(message)
        self._layout = layout = _layout_of(data, message)
        spans = {} if layout is None else dict(zip(_FIELDS, layout.numbers, strict=True))
        self._field_size = 8 * len(joint_names)
        self._places: list[int] = []  # of the fields' numbers among the parts
        self._parts = [data[:_BODY], b'']  # what does not change, and in between what does
        end = _AFTER_STAMP
        for name in fields if layout is not None else ():
            self._parts += [data[end : spans[name][0]], b'']
            self._places.append(len(self._parts) - 1)
            end = spans[name][1]
        # rclpy serialises into more bytes than a message has, which strict readers do not take.
        self._parts.append(data[end : None if layout is None else layout.numbers[-1][1]])

    def data(self, stamp_ns: int, values: Iterable[np.ndarray]) -> bytes:
        """Return the bytes of the fields' values, (n,) each, at a time that is not negative."""
        stamp = divmod(int(stamp_ns), _NANOSECONDS)
        if self._layout is None:
            set_stamp(self._message.header.stamp, stamp_ns)
            for field, numbers in zip(self._fields, values, strict=True):
                setattr(self._message, field, array('d', numbers.tolist()))
            return serialize_message(self._message)
        parts = self._parts
        parts[1] = _STAMP.pack(*stamp)
        for place, numbers in zip(self._places, values, strict=True):
            parts[place] = written = numbers.astype(_DOUBLE, copy=False).tobytes()
            if len(written) != self._field_size:
                raise ValueError(f'{len(written) // 8} numbers for {self._field_size // 8} joints')
        return b''.join(parts)
