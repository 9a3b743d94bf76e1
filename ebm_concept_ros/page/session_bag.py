# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bag of the session: begun and ended from the page, and written by a recorder."""

from __future__ import annotations

from collections.abc import Callable

from ebm_concept_ros.page.link import Link


class SessionBag:
    """say: a sentence for the person. Where bags are put the recorder knows, and no page says."""

    def __init__(self, link: Link, say: Callable[[str], None]) -> None:
        self._link = link
        self._say = say
        self._is_there = False
        self._is_recording = False

    @property
    def message(self) -> bool | None:
        """Whether a bag is being written; None where there is no recorder."""
        return self._is_recording if self._is_there else None

    async def record(self, on: bool) -> None:
        """Begin a bag, or end it; raises Refused."""
        words = await self._link.record(on)
        self._is_recording = on
        self._say(f'Bag: {words}.')

    def hear(self, is_there: bool) -> None:
        """Know of a recorder that has come or gone."""
        if self._is_recording and not is_there:
            self._is_recording = False
            self._say('The recorder is gone, and its bag is not whole.')
        self._is_there = is_there
