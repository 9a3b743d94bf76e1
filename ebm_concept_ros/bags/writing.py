# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag that is being written: messages as they were serialised, each under its topic."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer

from ebm_concept_ros.bags.definitions import known_types

_FORMAT = 9


class BagWriter:
    """Writes MCAP in chunks of 1 MB; before `close` it is no bag yet. Not for two threads."""

    def __init__(self, path: Path | str) -> None:
        """Make the folder; raises OSError, and ValueError where there is one already."""
        self.path = Path(path).expanduser()
        if self.path.exists():
            raise ValueError(f'{self.path}: exists already')
        self._writer = Writer(self.path, version=_FORMAT, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._topics: dict[str, Connection] = {}
        self.numbers: Counter[str] = Counter()  # of messages, by topic

    def write(self, topic: str, kind: str, time_ns: int, data: bytes) -> None:
        """Write a message of type kind in CDR, as ROS serialises it, under its full topic name."""
        connection = self._topics.get(topic)
        if connection is None:
            connection = self._writer.add_connection(topic, kind, typestore=known_types())
            self._topics[topic] = connection
        self._writer.write(connection, time_ns, data)
        self.numbers[topic] += 1

    def close(self) -> None:
        """Write index and metadata."""
        self._writer.close()


def next_bag(folder: Path | str) -> Path:
    """Return the path of the next bag in a folder; the first one is run_0001."""
    folder = Path(folder).expanduser()
    number = 1
    while (path := folder / f'run_{number:04d}').exists():
        number += 1
    return path
