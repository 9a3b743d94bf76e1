# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was shown, by concept, and the board that the next example is shown on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from ebm_concept_ros.page.lesson import MAX_THINGS, Board, Example, Place, Thing, random_board
from ebm_concept_ros.page.suggestions import suggested
from ebm_core.world.scene import Demonstration, InvalidInput

FIRST_NAME = 'my concept'


class Change(NamedTuple):
    """A demonstration that is new (number 0), or takes the place of number 1, 2 and so on."""

    number: int
    demonstration: Demonstration


class Lessons:
    """The examples of each concept; one concept, `name`, is being taught.

    needed: how many examples make a concept. selected: the number of the example that is on the
    board, 0 for the board of the next one. Methods raise InvalidInput, and change nothing then.
    """

    def __init__(self, needed: int, seed: int) -> None:
        self.name = FIRST_NAME
        self.needed = needed
        self.selected = 0
        self._rng = np.random.default_rng(seed)
        self._examples: dict[str, list[Example]] = {}
        self._board = random_board(self._rng)
        self._deals = {'colours': True, 'shapes': False}
        self._chosen: frozenset[str] | None = None  # who takes part, where a person said so

    @property
    def examples(self) -> list[Example]:
        """Those of the concept that is taught."""
        return self._examples.setdefault(self.name, [])

    @property
    def is_untouched(self) -> bool:
        """Tell whether nothing has been shown or opened yet."""
        return not any(self._examples.values())

    def of(self, name: str) -> list[Example] | None:
        """Return the examples of a concept, None where it was not opened here."""
        return self._examples.get(name)

    def open(self, name: str, examples: Sequence[Example] | None = None) -> None:
        """Teach this concept from now on; examples: all that there are of it."""
        self.name = name
        if examples is not None:
            self._examples[name] = list(examples)
        self._deselect()

    def close(self, name: str) -> None:
        """Forget the examples of a concept."""
        self._examples.pop(name, None)
        self._deselect()

    def start_with(self, things: Sequence[Thing]) -> None:
        """Put things on the board like those on the table, so that they can be found there."""
        if things:
            board = Board(tuple(things[:MAX_THINGS]), self._board.hand)
            self._board = board.shuffled(self._rng, colours=False, shapes=False)

    # Examples --------------------------------------------------------------------------------

    def show(self, after: Place) -> Change:
        """Take an example: the hand was brought here."""
        number = self.selected
        if number:
            shown = self.examples[number - 1]
            example = replace(shown, after=after, takes_part=self.takes_part(), original=None)
            change = Change(number, example.demonstration())
            self.examples[number - 1] = example
        else:
            if len(self.examples) >= self.needed:
                raise InvalidInput(
                    f'show: {self.needed} examples make a concept; delete one, click one to show '
                    'it again, or give the next concept a name'
                )
            chosen = self._chosen
            if chosen is None:
                chosen = suggested(self.examples, self._board.things, after)
            example = Example(self._board, after, chosen)
            change = Change(0, example.demonstration())
            self.examples.append(example)
            self._board = self._board.shuffled(self._rng, **self._deals)
        self._deselect()
        return change

    def take_part(self, id_: str, takes_part: bool) -> Change | None:
        """Have a thing take part or not; of an example that is on the board, it is changed."""
        shown = self.examples[self.selected - 1] if self.selected else None
        (self._board if shown is None else shown.board).thing(id_)
        former = self.takes_part()
        chosen = former | {id_} if takes_part else former - {id_}
        if shown is None:
            self._chosen = chosen
            return None
        example = replace(shown, takes_part=chosen, original=None)
        change = Change(self.selected, example.demonstration())
        self.examples[self.selected - 1] = example
        return change

    def takes_part(self) -> frozenset[str]:
        """Return who takes part in what is on the board, as far as it is known."""
        if self.selected:
            return self.examples[self.selected - 1].takes_part
        if self._chosen is not None:
            return self._chosen
        return suggested(self.examples, self._board.things) if self.examples else frozenset()

    def delete(self, number: int) -> None:
        """Take an example back."""
        self._check(number)
        del self.examples[number - 1]
        self._deselect()

    def select(self, number: int) -> None:
        """Put an example on the board, or with 0 the board of the next one."""
        if number:
            self._check(number)
        self._deselect()
        self.selected = number

    # The board -------------------------------------------------------------------------------

    def move(self, id_: str, place: Place) -> None:
        """Move a thing."""
        thing = self._next_board().thing(id_)
        self._board = self._board.with_thing(replace(thing, x=place[0], y=place[1]))

    def look(self, id_: str, colour: str, shape: str) -> None:
        """Have a thing look otherwise."""
        thing = self._next_board().thing(id_)
        self._board = self._board.with_thing(replace(thing, colour=colour, shape=shape))

    def add(self, colour: str, shape: str) -> None:
        """Add a thing."""
        self._board = self._next_board().with_another(colour, shape, self._rng)

    def remove(self, id_: str) -> None:
        """Take a thing away."""
        self._board = self._next_board().without(id_)
        if self._chosen is not None:
            self._chosen -= {id_}

    def shuffle(self, colours: bool, shapes: bool) -> None:
        """Arrange the things anew; colours, shapes: these too, now and after each example."""
        self._board = self._next_board().shuffled(self._rng, colours, shapes)
        self._deals = {'colours': colours, 'shapes': shapes}
        self._chosen = None

    def message(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        board, after = self._board, None
        if self.selected:
            shown = self.examples[self.selected - 1]
            board, after = shown.board, shown.after
        return {
            'name': self.name,
            'needed': self.needed,
            'selected': self.selected,
            'deals': self._deals,
            'board': {'things': [asdict(thing) for thing in board.things], 'hand': board.hand},
            'after': after,
            'takes_part': sorted(self.takes_part()),
            'is_suggested': self._chosen is None and not self.selected,
            'examples': [
                {
                    'things': [asdict(thing) for thing in example.board.things],
                    'hand': example.board.hand,
                    'after': example.after,
                    'takes_part': sorted(example.takes_part),
                }
                for example in self.examples
            ],
        }

    def _next_board(self) -> Board:
        """Return the board of the next example; that of one that was shown stays as it was."""
        if self.selected:
            raise InvalidInput(
                f'board: it shows example {self.selected} as it was; press Esc for the next one'
            )
        return self._board

    def _deselect(self) -> None:
        self.selected, self._chosen = 0, None

    def _check(self, number: int) -> None:
        if not 1 <= number <= len(self.examples):
            raise InvalidInput(f'number: {number} refused, of {len(self.examples)} examples')
