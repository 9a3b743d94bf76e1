# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag as a stream of messages of one type; what cannot be trusted is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from ebm_concept_ros.bags.definitions import hash_of_definition, known_types


class InvalidBag(ValueError):
    """A bag that cannot be used; the message names it, and the reason."""


class Bag:
    """A bag that is open; see `opened`. A chunk of it, 1 MB say, is in memory at a time."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self._path = path
        self._reader = reader

    @property
    def topics(self) -> dict[str, tuple[str, int]]:
        """Type, and number of messages, of each topic."""
        return {c.topic: (c.msgtype, c.msgcount) for c in self._reader.connections}

    def messages(self, kind: str, topic: str = '') -> Iterator[tuple[int, Any]]:
        """Yield when each message of a type came, ns, and it: the fields of the ROS message.

        topic: empty: the only one of that type. Raises InvalidBag where there is none or there are
        several, where its definition is another one than this package's, and where the file ends in
        the middle.
        """
        yield from self._taken(kind, topic, lambda data: known_types().deserialize_cdr(data, kind))

    def last(self, kind: str, topic: str, until_ns: int | None = None) -> Any | None:
        """Return the last message of a topic until a time, None where there is none.

        Only that one is deserialised. Raises InvalidBag as `messages` does.
        """
        found = None
        for time_ns, data in self._taken(kind, topic, bytes):
            if until_ns is not None and time_ns > until_ns:
                break
            found = data
        try:
            return None if found is None else known_types().deserialize_cdr(found, kind)
        except Exception as error:  # of bytes that are no message
            raise InvalidBag(f'{self._path}: last message of {topic} damaged: {error}') from None

    def _taken(
        self, kind: str, topic: str, take: Callable[[bytes], Any]
    ) -> Iterator[tuple[int, Any]]:
        connection = self._connection(kind, topic)
        self._require_same_definition(connection)
        number = 0
        try:
            for _, time_ns, data in self._reader.messages([connection]):
                yield time_ns, take(data)
                number += 1
        except GeneratorExit:
            raise
        except Exception as error:  # whatever a reader does with a file that is not whole
            raise InvalidBag(
                f'{self._path}: damaged after {number} messages of {connection.topic}: {error}'
            ) from None

    def _connection(self, kind: str, topic: str) -> Connection:
        wanted = topic and f'/{topic.lstrip("/")}'
        of_kind = [c for c in self._reader.connections if c.msgtype == kind]
        found = [c for c in of_kind if not wanted or c.topic == wanted]
        if not found:
            there = ', '.join(f'{c.topic} ({c.msgtype})' for c in self._reader.connections)
            asked = f'no topic {wanted} of type {kind}' if wanted else f'no topic of type {kind}'
            raise InvalidBag(f'{self._path}: {asked}; there are {there or "none"}')
        if len(found) > 1:
            names = ', '.join(c.topic for c in found)
            raise InvalidBag(f'{self._path}: several topics of type {kind}, name one: {names}')
        return found[0]

    def _require_same_definition(self, connection: Connection) -> None:
        kind, definition = connection.msgtype, connection.msgdef
        expected = known_types().hash_rihs01(kind)
        try:
            found = connection.digest or hash_of_definition(
                kind, definition.data, definition.format
            )
        except Exception as error:  # of a definition that is none
            raise InvalidBag(f'{self._path}: definition of {kind}: {error}') from None
        if found != expected:
            raise InvalidBag(
                f'{self._path}: {kind} is of another version, {found[:19] or "unknown"}; '
                f'this package has {expected[:19]}'
            )


@contextmanager
def opened(path: Path | str) -> Iterator[Bag]:
    """Open a bag: its folder, or the .mcap file in it; raises InvalidBag."""
    path = Path(path).expanduser()
    if not path.exists():
        raise InvalidBag(f'{path}: no such file or folder')
    try:
        reader = Reader(path)
        reader.open()
    except FileNotFoundError:
        raise InvalidBag(
            f'{path}: no metadata.yaml, so it is no bag, or its recording was cut off'
        ) from None
    except Exception as error:  # whatever a reader does with a file that is not whole
        raise InvalidBag(f'{path}: cut off or damaged: {error}') from None
    try:
        yield Bag(path, reader)
    finally:
        reader.close()
