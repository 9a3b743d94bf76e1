# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a driver's joint states mean, by the parameters that say what the driver leaves out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sensor_msgs.msg import JointState

from ebm_concept_ros import conversions
from ebm_concept_ros.control.velocity_filter import VelocityFilter
from ebm_concept_ros.conversions.serialised_joints import STATE_PACKS, JointStateReading
from ebm_concept_ros.nodes.driver_parameters import (
    ARRIVAL,
    COMMANDED,
    DIFFERENTIATED,
    DriverParameters,
)
from ebm_concept_ros.types import JointSample, PackedSample
from ebm_core.world.scene import InvalidInput

# The first states of a simulation, which may be paused there, are of time zero.
_MOST_ZEROS = 10
_LATEST_NS = 2**31 * 1_000_000_000  # what a message's seconds can say


class JointStateReader:
    """Reads the bytes of one message after the other. For one thread.

    joint_names: as messages have them. now_ns: the time that `arrival` stamps with. may_repeat:
    whether a stamp may come again and again, as in lockstep.
    """

    def __init__(
        self,
        p: DriverParameters,
        joint_names: Sequence[str],
        now_ns: Callable[[], int],
        may_repeat: bool,
    ) -> None:
        self._joint_names = joint_names
        self._now_ns = now_ns if p.stamps == ARRIVAL else None
        self._filter = (
            VelocityFilter(p.velocity_filter_s) if p.velocities == DIFFERENTIATED else None
        )
        self._commanded = p.efforts == COMMANDED
        is_plain = self._filter is None and not self._commanded
        self._reading = JointStateReading(joint_names, STATE_PACKS if is_plain else ())
        self._may_repeat = may_repeat
        self._zeros = 0
        self._arrived_ns = 0  # the last one, as it was stamped

    def read(self, data: bytes, arrived_s: float | None = None) -> JointSample | None:
        """Return the state, or None where it cannot be told yet; raises InvalidInput.

        arrived_s: when it came, s on the monotonic clock, None: now.
        """
        read = self._reading.packed(data)
        if read is None:
            return self._of_message(self._reading.message(data), arrived_s)
        stamp_ns, packed = read
        return PackedSample(self._stamp_ns(stamp_ns, arrived_s), packed, len(self._joint_names))

    def _of_message(self, message: JointState, arrived_s: float | None) -> JointSample | None:
        stamp_ns = self._stamp_ns(conversions.stamp_to_ns(message.header.stamp), arrived_s)
        if self._commanded:
            message.effort = ()
        if self._filter is None:
            return conversions.joint_state_from_message(message, self._joint_names, stamp_ns)
        positions, efforts = conversions.joint_positions_from_message(message, self._joint_names)
        velocities = self._filter.velocities_rad_s(stamp_ns, positions)
        if velocities is None:
            return None
        return conversions.joint_sample(stamp_ns, positions, velocities, self._joint_names, efforts)

    def _stamp_ns(self, stamp_ns: int, arrived_s: float | None) -> int:
        if self._now_ns is not None:
            return self._arrival_ns(self._now_ns(), arrived_s)
        if not 0 <= stamp_ns < _LATEST_NS:  # no answer could say it
            raise InvalidInput(
                f'joint_states.header.stamp: {stamp_ns / 1e9:.10g} s, expected 0 to 2^31 s'
            )
        self._zeros = self._zeros + 1 if stamp_ns == 0 else 0
        if self._zeros > _MOST_ZEROS and not self._may_repeat:
            raise InvalidInput(
                'joint_states.header.stamp: zero again and again; of a driver that does not stamp '
                'take the time of arrival, stamps:=arrival'
            )
        return stamp_ns

    def _arrival_ns(self, now_ns: int, arrived_s: float | None) -> int:
        """Return when a state came: of several that are read at once each has waited for a time."""
        stamp_ns = now_ns
        if arrived_s is not None:
            stamp_ns -= round(1e9 * (time.monotonic() - arrived_s))
        if stamp_ns < self._arrived_ns <= now_ns:  # simulated time goes on in steps
            stamp_ns = self._arrived_ns
        self._arrived_ns = stamp_ns
        return stamp_ns
