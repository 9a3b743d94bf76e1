# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts by name: opened, saved, deleted, and in files; what the learner has of them is shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from ebm_concept_ros.page import files, messages
from ebm_concept_ros.page.judge import Judge
from ebm_concept_ros.page.lesson import Example, example_of
from ebm_concept_ros.page.lessons import Lessons
from ebm_concept_ros.page.link import Known, Link, Refused
from ebm_core.world.scene import InvalidInput


class Shelf:
    """tell: sends to every page. say: a sentence for the person."""

    def __init__(
        self,
        link: Link,
        lessons: Lessons,
        judge: Judge,
        tell: Callable[[dict[str, Any]], None],
        say: Callable[[str], None],
    ) -> None:
        self._link = link
        self._lessons = lessons
        self._judge = judge
        self._tell = tell
        self._say = say
        self._known: list[Known] = []

    @property
    def message(self) -> list[dict[str, Any]]:
        """What a page shows of the concepts that the learner has."""
        return [asdict(known) for known in self._known]

    async def take(self, message: messages.OfConcept, page: object) -> None:
        """Do what is asked of a concept; raises Refused and InvalidInput."""
        name = message.name
        match message.type:
            case 'teach':
                await self._open(name)
            case 'save':
                await self._link.save(name)
                self._say(f'{name}: saved in the library.')
            case 'delete_concept':
                await self._link.delete(name)
                self._say(f'{name}: deleted from the library.')
                self._lessons.close(name)
                await self._judge.again()
            case 'export':
                shown = self._lessons.of(name) or await self._shown_to_learner(name)
                if not shown:
                    raise Refused(f'export: nothing was shown under {name!r}')
                self._tell({'type': 'file', 'name': name, 'text': files.to_text(name, shown)})
        await self.look_up()

    async def put(self, message: messages.Import, page: object) -> None:
        """Take the file of a concept, which is taught from then on; raises InvalidInput."""
        name, examples = files.from_text(message.text)
        needed = self._lessons.needed
        if len(examples) > needed:
            raise InvalidInput(f'examples: {len(examples)} in the file, {needed} make a concept')
        self._lessons.open(name, examples)
        await self._judge.show_all()
        await self.look_up()

    async def look_up(self) -> None:
        """Learn which concepts there are."""
        with suppress(Refused):  # it is gone, and what it knew stays on the page
            self._known = await self._link.concepts()

    async def meet_learner(self) -> None:
        """Have a learner that has come know what was shown, and the page what it was shown."""
        await self.look_up()
        with suppress(Refused):
            name = self._lessons.name
            shown = await self._shown_to_learner(name)
            if not self._lessons.examples:  # what it has is of a page before this one
                self._lessons.open(name, shown)
            if len(shown) != len(self._lessons.examples):
                await self._judge.remind()
            elif shown:
                await self._judge.again()

    async def _open(self, name: str) -> None:
        """Teach a concept from now on; what the learner was shown of it elsewhere is shown here."""
        is_here = self._lessons.of(name) is not None
        self._lessons.open(name, None if is_here else await self._shown_to_learner(name))
        await self._judge.again()

    async def _shown_to_learner(self, name: str) -> list[Example]:
        shown, self._lessons.needed = await self._link.demonstrations(name)
        return [example_of(one) for one in shown]
