# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the arm is doing for a page, and what stops it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from ebm_concept_ros.page.link import Ended, Link, Progress, Refused

_How = Callable[[dict[str, float], Callable[[Progress], None]], Awaitable[Ended]]


class Runs:
    """One concept, or a sum, is brought about at a time, for the page that asked for it.

    tell: sends to every page. say: a sentence for the person. changed: told when `message` differs.
    """

    def __init__(
        self,
        link: Link,
        tell: Callable[[dict[str, Any]], None],
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._link = link
        self._tell = tell
        self._say = say
        self._changed = changed
        self._page: object = None
        self._running: dict[str, Any] | None = None
        self.ended: dict[str, Any] | None = None  # what a page shows of the last one's end
        self._task: asyncio.Task | None = None

    @property
    def message(self) -> dict[str, Any] | None:
        """What a page shows of it, None where nothing is run."""
        return self._running

    def run(self, concepts: Mapping[str, float], page: object, moves_things: bool = False) -> None:
        """Have it enacted, or things moved, in place of whatever was; returns at once."""
        self._page = page
        self._running = {'concepts': dict(concepts), 'state': 'running'}
        self.ended = None
        how = self._link.arrange if moves_things else self._link.enact
        self._task = asyncio.create_task(self._bring_about(how, dict(concepts), self._running))

    async def stop(self) -> None:
        """Stop the arm, whoever has it run."""
        await self._link.stop()
        self._say('Stopped.')

    async def pause(self) -> None:
        """Hold until `resume`."""
        await self._link.pause()
        if self._running is not None:
            self._running['state'] = 'paused'

    async def resume(self) -> None:
        """Go on."""
        await self._link.resume()
        if self._running is not None:
            self._running['state'] = 'running'

    async def lost(self, page: object) -> None:
        """Stop the arm if it runs for this page, which is gone."""
        # Who is gone may be there after all, and goes on.
        if page is not self._page or self._task is None or self._task.done():
            return
        self._page = None
        self._say('Stopped: the page that had it run was closed, or its connection was lost.')
        try:
            await self._link.stop()
        except Refused as error:
            self._say(f'It could not be stopped: {error}.')
        self._changed()

    def driver_gone(self, who: str) -> None:
        """End the run: whoever drove the arm is gone, and says no more how it ends."""
        if self._running is not None:
            self._end(self._running['concepts'], Ended(False, f'the {who} is gone'))

    async def _bring_about(
        self, how: _How, concepts: dict[str, float], running: dict[str, Any]
    ) -> None:
        def on_progress(progress: Progress) -> None:
            if self._running is running:
                self._tell({'type': 'progress'} | _finite(asdict(progress)))

        try:
            ended = await how(concepts, on_progress)
        except Refused as error:
            ended = Ended(False, str(error))
        if self._running is running:  # or another took its place, and speaks for itself
            self._end(concepts, ended)
            self._changed()

    def _end(self, concepts: Mapping[str, float], ended: Ended) -> None:
        self._running = None
        reason = ended.reason
        if ended.reached and math.isfinite(ended.distance_m):
            reason = f'reached, {ended.distance_m * 1e3:.0f} mm from the lowest energy'
        words = f'{" + ".join(concepts)}: {reason}.'
        self.ended = {'words': words, 'reached': ended.reached}
        self._say(words)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
