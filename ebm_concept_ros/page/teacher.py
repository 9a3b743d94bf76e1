# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The session that all open pages share: it takes what they say, and tells them what is so.

It lives in the server's loop. What was shown is kept here, so that neither a reload nor a learner
that is started anew loses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

import numpy as np

from ebm_concept_ros.page import messages
from ebm_concept_ros.page.judge import NO_HEAT, Judge
from ebm_concept_ros.page.lesson import MAX_THINGS, free_place
from ebm_concept_ros.page.lessons import Change, Lessons
from ebm_concept_ros.page.link import Link, Presence, Refused, Table
from ebm_concept_ros.page.runs import Runs
from ebm_concept_ros.page.session_bag import SessionBag
from ebm_concept_ros.page.shelf import Shelf
from ebm_core.world.scene import InvalidInput

_SAID = 8  # sentences that a page shows
_log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], None]


class Teacher:
    """Takes the messages of pages. tell: sends to every page. seed: of the arrangements."""

    def __init__(self, link: Link, tell: Send, needed: int = 5, seed: int = 0) -> None:
        self._link = link
        self._tell = tell
        self._lessons = Lessons(needed, seed)
        self._judge = Judge(link, self._lessons, self._say, self._changed)
        self._runs = Runs(link, tell, self._say, self._changed)
        self._shelf = Shelf(link, self._lessons, self._judge, tell, self._say)
        self._bag = SessionBag(link, self._say)
        self._rng = np.random.default_rng(seed)
        self._table = Table()
        self._presence = Presence()
        self._driver = 'controller'  # who drives the arm, and was met last
        self._met: set[str] = set()  # nodes that have been there
        self._heat: dict[str, Any] = NO_HEAT  # as it was told
        self._said: deque[str] = deque(maxlen=_SAID)
        self._tasks: set[asyncio.Task] = set()
        self._handlers: dict[type, Callable[[Any, object], Coroutine]] = {
            messages.Show: self._show,
            messages.Move: self._move,
            messages.TakesPart: self._take_part,
            messages.Shuffle: self._shuffle,
            messages.Add: self._add,
            messages.Remove: self._remove,
            messages.Look: self._look,
            messages.OfExample: self._of_example,
            messages.OfConcept: self._shelf.take,
            messages.Import: self._shelf.put,
            messages.Run: self._run,
            messages.Preview: self._preview,
            messages.Speed: self._speed,
            messages.Record: self._record,
            messages.Plain: self._plain,
        }
        link.heard.table = self._on_table
        link.heard.presence = self._on_presence

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the nodes that are not there."""
        return tuple(name for name, there in self._nodes(self._presence).items() if not there)

    # For the server --------------------------------------------------------------------------

    async def take(self, message: messages.AnyMessage, page: object, answer: Send) -> None:
        """Do what a page asks; `answer` is told why not."""
        try:
            await self._handlers[type(message)](message, page)
        except (InvalidInput, Refused) as error:
            answer({'type': 'refused', 'what': message.type, 'reason': str(error)})
        self._changed()

    async def lost(self, page: object) -> None:
        """Stop the arm if it runs for this page, which is gone."""
        await self._runs.lost(page)

    def first_words(self) -> list[dict[str, Any]]:
        """Return what a page is told when it opens."""
        return [self.state(), self._heat]

    def state(self) -> dict[str, Any]:
        """Return all that a page shows, but for the energy and what changes many times a second."""
        missing = self.missing
        why_not = f'Waiting for the {" and the ".join(missing)}.' if missing else ''
        return self._lessons.message() | {
            'type': 'state',
            'verdict': asdict(self._judge.verdict()),
            'why_not': why_not or self._judge.why_not(),
            'odd': self._judge.odd,
            'previewed': self._judge.of,
            'table': [asdict(thing) for thing in self._table.things],
            'table_changes': self._presence.table,
            'running': self._runs.message,
            'ended': self._runs.ended,
            'recording': self._bag.message,
            'library': self._shelf.message,
            'said': list(self._said),
        }

    # Showing ---------------------------------------------------------------------------------

    async def _show(self, message: messages.Show, page: object) -> None:
        await self._shown(self._lessons.show((message.x, message.y)))

    async def _shown(self, change: Change) -> None:
        await self._judge.show(change)
        await self._shelf.look_up()

    async def _take_part(self, message: messages.TakesPart, page: object) -> None:
        change = self._lessons.take_part(message.id, message.takes_part)
        if change is not None:
            await self._judge.show(change)

    async def _of_example(self, message: messages.OfExample, page: object) -> None:
        if message.type == 'select':
            self._lessons.select(message.number)
        else:
            await self._delete(message.number)

    async def _delete(self, number: int) -> None:
        self._lessons.delete(number)
        await self._judge.remove(number)

    async def _move(self, message: messages.Move, page: object) -> None:
        place = (message.x, message.y)
        if message.type == 'table_move':
            await self._link.move_thing(message.id, place)
        else:
            self._lessons.move(message.id, place)

    async def _shuffle(self, message: messages.Shuffle, page: object) -> None:
        self._lessons.shuffle(message.colours, message.shapes)

    async def _add(self, message: messages.Add, page: object) -> None:
        if message.type == 'table_add':
            await self._add_to_table(message.colour, message.shape)
        else:
            self._lessons.add(message.colour, message.shape)

    async def _add_to_table(self, colour: str, shape: str) -> None:
        places = [thing.place for thing in self._table.things]
        if len(places) >= MAX_THINGS:
            raise InvalidInput(f'table_add: {MAX_THINGS} things are there already, all that may be')
        await self._link.add_thing(colour, shape, free_place(places or [(0.0, 0.0)], self._rng))

    async def _remove(self, message: messages.Remove, page: object) -> None:
        if message.type == 'table_remove':
            await self._link.remove_thing(message.id)
        else:
            self._lessons.remove(message.id)

    async def _look(self, message: messages.Look, page: object) -> None:
        self._lessons.look(message.id, message.colour, message.shape)

    # Running ---------------------------------------------------------------------------------

    async def _preview(self, message: messages.Preview, page: object) -> None:
        await self._judge.preview(message.concepts)

    async def _run(self, message: messages.Run, page: object) -> None:
        if message.concepts != self._judge.of:
            await self._judge.preview(message.concepts)
        if reason := self.state()['why_not']:
            raise Refused(f'it is not run: {reason}')
        self._runs.run(message.concepts, page, self._lessons.moves_things)

    async def _speed(self, message: messages.Speed, page: object) -> None:
        await self._link.set_speed(message.scale)

    async def _record(self, message: messages.Record, page: object) -> None:
        await self._bag.record(message.on)

    async def _plain(self, message: messages.Plain, page: object) -> None:
        match message.type:
            case 'stop':
                await self._runs.stop()
            case 'pause':
                await self._runs.pause()
            case 'resume':
                await self._runs.resume()
            case 'show_moved':
                await self._shown(self._lessons.show_moved())
            case 'start_here':
                self._lessons.start_here()
            case 'undo':
                await self._delete(len(self._lessons.examples))
            case 'deselect':
                self._lessons.select(0)

    # What is heard ---------------------------------------------------------------------------

    def _on_table(self, table: Table) -> None:
        is_first, self._table = not self._table.things, table
        if is_first and self._lessons.is_untouched:
            self._lessons.start_with(table.things)
        self._changed()
        self._spawn(self._judge.look_again())

    def _on_presence(self, presence: Presence) -> None:
        former, self._presence = self._presence, presence
        self._driver = presence.driver or self._driver
        if (moves_things := self._driver == 'arranger') != self._lessons.moves_things:
            self._lessons.have_things_moved(moves_things)
        self._bag.hear(presence.recorder)
        if former.driver and not presence.driver:
            self._runs.driver_gone(former.driver)
        before = self._nodes(former)
        for name, there in self._nodes(presence).items():
            if there != before[name] and name in self._met:
                self._say(f'The {name} is {"there again" if there else "gone"}.')
            if there:
                self._met.add(name)
        if presence.learner and not former.learner:
            self._spawn(self._meet_learner())
        self._changed()

    def _nodes(self, presence: Presence) -> dict[str, bool]:
        """Return whether each of those is there that nothing goes without."""
        is_driven = presence.driver == self._driver
        return {
            'learner': presence.learner,
            self._driver: is_driven,
            'simulator': presence.simulator,
        }

    async def _meet_learner(self) -> None:
        await self._shelf.meet_learner()
        self._changed()

    # What is told ----------------------------------------------------------------------------

    def _say(self, words: str) -> None:
        self._said.append(words)

    def _changed(self) -> None:
        self._tell(self.state())
        if self._heat is not self._judge.heat:
            self._heat = self._judge.heat
            self._tell(self._heat)

    def _spawn(self, work: Coroutine) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error('the page: %r', error, exc_info=error)
