# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Stamps as integer nanoseconds."""

from __future__ import annotations

from builtin_interfaces.msg import Time

_NANOSECONDS = 1_000_000_000


def stamp_to_ns(stamp: Time) -> int:
    """Return a stamp as integer nanoseconds, so that equal stamps compare equal."""
    return stamp.sec * _NANOSECONDS + stamp.nanosec


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return the message of a non-negative time in nanoseconds."""
    stamp = Time()
    set_stamp(stamp, stamp_ns)
    return stamp


def set_stamp(stamp: Time, stamp_ns: int) -> None:
    """Write a non-negative time in nanoseconds into a message."""
    stamp.sec, stamp.nanosec = divmod(int(stamp_ns), _NANOSECONDS)
