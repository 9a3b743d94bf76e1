# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Markers that keep their numbers as long as they are shown, and are deleted when they are gone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping

from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from ebm_concept_ros import conversions

# What a marker is: its namespace, and its name within it.
Key = tuple[str, str]


class MarkerBoard:
    """What was published last, so that what is not shown any more can be taken away."""

    def __init__(self, frame: str) -> None:
        self._frame = frame
        self._numbers: dict[str, dict[str, int]] = defaultdict(dict)

    def message(self, shown: Mapping[Key, Marker], stamp_ns: int) -> MarkerArray:
        """Return the message that shows these, and no others of those shown before.

        All that is shown is in every message: who comes later, or begins a bag in the middle, sees
        it too.
        """
        header = Header(stamp=conversions.ns_to_stamp(stamp_ns), frame_id=self._frame)
        before = {(ns, n) for ns, numbers in self._numbers.items() for n in numbers.values()}
        for namespace, numbers in self._numbers.items():
            for name in [name for name in numbers if (namespace, name) not in shown]:
                del numbers[name]
        for (namespace, name), marker in shown.items():
            marker.header, marker.ns = header, namespace
            marker.id = self._number(namespace, name)
        # A number that another has by now is replaced, and not to be taken away.
        gone = before - {(marker.ns, marker.id) for marker in shown.values()}
        deleted = [
            Marker(header=header, ns=namespace, id=number, action=Marker.DELETE)
            for namespace, number in sorted(gone)
        ]
        return MarkerArray(markers=[*deleted, *shown.values()])

    def _number(self, namespace: str, name: str) -> int:
        numbers = self._numbers[namespace]
        if name not in numbers:
            taken = set(numbers.values())
            numbers[name] = next(n for n in itertools.count() if n not in taken)
        return numbers[name]
