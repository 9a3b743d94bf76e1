# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the learner made of the examples. It is asked after every change, and told what it lost."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from ebm_concept_ros.page.lessons import Change, Lessons
from ebm_concept_ros.page.link import Link, Refused
from ebm_concept_ros.page.understanding import Understood, Verdict, levels, verdict

_log = logging.getLogger(__name__)

# For a demonstration to arrive, as a topic and a service keep no order.
_LOOKS, _LOOK_S = 150, 0.02
_LOST = 'The learner had lost the examples; it was shown them again.'
NO_HEAT = {'type': 'heat', 'size': 0}


class Judge:
    """Keeps the learner's examples those of the lessons, and what it made of them.

    say: a sentence for the person. changed: told when `verdict` or `heat` differ.
    """

    def __init__(
        self,
        link: Link,
        lessons: Lessons,
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._link = link
        self._lessons = lessons
        self._say = say
        self._changed = changed
        self._found: Understood | None = None
        self._of: dict[str, float] = {}  # what was found out is of this sum
        self._asking = asyncio.Lock()  # what is shown, changed and asked keeps its order
        self.heat: dict[str, Any] = NO_HEAT

    @property
    def of(self) -> dict[str, float]:
        """The concept, or the sum, that is previewed: names with their weights."""
        return self._of

    def verdict(self) -> Verdict:
        """Return what to say of the examples of the concept that is taught."""
        found = self._found if self._is_of_lesson() else None
        lessons = self._lessons
        return verdict(len(lessons.examples), lessons.needed, found, lessons.moves_things)

    @property
    def odd(self) -> int:
        """The number of the example that disagrees, 0 where none is named."""
        is_named = self._found is not None and self.verdict().level == 'bad'
        return self._found.odd_one if is_named and self._is_of_lesson() else 0

    def why_not(self) -> str:
        """Return why what is previewed is not to be run, or nothing."""
        if self._is_of_lesson() or not self._of:
            now = self.verdict()
            return '' if now.may_run else f'{now.words} {now.advice}'.strip()
        is_understood = self._found is not None and self._found.is_understood
        return '' if is_understood else 'A part of the sum is not understood.'

    async def show(self, change: Change) -> None:
        """Have the learner know of an example."""
        name, (number, demonstration) = self._lessons.name, change
        if number:
            await self._after(self._link.replace(name, number, demonstration))
        else:
            await self._after(self._link.show(name, [demonstration]))

    async def remove(self, number: int) -> None:
        """Have the learner know that one was taken back."""
        await self._after(self._link.remove(self._lessons.name, number))

    async def show_all(self) -> None:
        """Have the learner know of all examples of the concept, and of these alone."""
        await self._after(self._tell_all())

    async def remind(self) -> None:
        """Show all examples to a learner that has lost them."""
        await self.show_all()
        self._say(_LOST)

    async def again(self) -> None:
        """Ask anew of the concept that is taught."""
        self._forget()
        await self._judge()

    async def preview(self, concepts: Mapping[str, float]) -> None:
        """Ask what a sum would do on the table; raises Refused."""
        async with self._asking:
            found = await self._link.understood(concepts, on_table=not self._lessons.moves_things)
            self._found, self._of = found, dict(concepts)
            self._draw(found)
        self._changed()

    async def look_again(self) -> None:
        """Ask what is previewed anew: the table has changed. It is drawn of the hand alone."""
        if self._lessons.moves_things:
            return
        if self._of and self._found is not None:
            with suppress(Refused):
                await self.preview(self._of)

    def _is_of_lesson(self) -> bool:
        return self._of == {self._lessons.name: 1.0}

    def _forget(self) -> None:
        self._found, self._of, self.heat = None, {self._lessons.name: 1.0}, NO_HEAT
        self._changed()

    async def _after(self, told: Coroutine) -> None:
        """Judge after the learner was told; where it cannot be told of a change, it is told all."""
        self._forget()
        async with self._asking:
            try:
                await told
            except Refused as error:
                _log.info('the learner is told all anew: %s', error)
                with suppress(Refused):  # it is gone; `again` follows when it is there again
                    await self._tell_all()
        await self._judge()

    async def _tell_all(self) -> None:
        await self._link.forget(self._lessons.name)
        shown = [example.demonstration() for example in self._lessons.examples]
        await self._link.show(self._lessons.name, shown)

    async def _judge(self) -> None:
        name, number = self._lessons.name, len(self._lessons.examples)
        if not number:
            return
        async with self._asking:
            found = await self._asked(name, number)
            if found is None and name == self._lessons.name:
                with suppress(Refused):
                    await self._tell_all()
                    found = await self._asked(name, number)
                    if found is not None:
                        self._say(_LOST)
            if found is None or (name, number) != (self._lessons.name, len(self._lessons.examples)):
                return  # or another change is judged next
            self._found, self._of = found, {name: 1.0}
            self._changed()
            if self._lessons.moves_things:
                return
            with suppress(Refused):  # the verdict does not wait for it
                self._draw(await self._link.understood(self._of, on_table=True))
        self._changed()

    async def _asked(self, name: str, number: int) -> Understood | None:
        """Return what was understood of so many examples, None where the learner has others."""
        for _ in range(_LOOKS):
            try:
                found = await self._link.understood({name: 1.0}, on_table=False)
            except Refused as error:
                if self._link.is_gone():
                    return None
                _log.info('%s', error)
            else:
                if found.demonstrations == number:
                    return found
            await asyncio.sleep(_LOOK_S)
        return None

    def _draw(self, found: Understood) -> None:
        if found.energies is None:
            return
        self.heat = {
            'type': 'heat',
            'size': len(found.energies),
            'half_width': found.half_width,
            'levels': base64.b64encode(levels(found.energies).tobytes()).decode(),
            'lowest': found.lowest,
            'attention': found.attention,
        }
