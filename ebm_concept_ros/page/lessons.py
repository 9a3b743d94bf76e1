# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was shown, by concept, and the board that the next example is shown on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from ebm_concept_ros.page.lesson import (
    HAND,
    LEAST_MOVE,
    MAX_THINGS,
    Board,
    Example,
    Place,
    Thing,
    free_place,
    random_board,
)
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
    board, 0 for the board of the next one. moves_things: whether examples are of things that are
    moved, and not of the hand. Methods raise InvalidInput, and change nothing then.
    """

    def __init__(self, needed: int, seed: int) -> None:
        self.name = FIRST_NAME
        self.needed = needed
        self.selected = 0
        self.moves_things = False
        self._rng = np.random.default_rng(seed)
        self._examples: dict[str, list[Example]] = {}
        self._board = random_board(self._rng)
        self._deals = {'colours': True, 'shapes': False}
        self._chosen: frozenset[str] | None = None  # who takes part, where a person said so
        self._moves: dict[str, Place] = {}  # of things on the board, not shown yet

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
            self._set_out(board.shuffled(self._rng, colours=False, shapes=False))

    def have_things_moved(self, moves_things: bool) -> None:
        """Have the next examples be of things that are moved, or of the hand."""
        self.moves_things = moves_things
        places = [thing.place for thing in self._board.things]
        hand = None if moves_things else free_place(places, self._rng)
        self._set_out(replace(self._board, hand=hand))
        self._deselect()

    # Examples --------------------------------------------------------------------------------

    def show(self, after: Place) -> Change:
        """Take an example: the hand was brought here."""
        if self._shown_board().hand is None:
            raise InvalidInput('show: there is no hand on the board; things are moved')
        return self._show({HAND: after}, after)

    def show_moved(self) -> Change:
        """Take an example: what was moved on the board belongs there."""
        if self._shown_board().hand is not None:
            raise InvalidInput('show_moved: the hand acts on this board; drag it')
        middle = tuple(np.mean(list(self._moves.values()), axis=0)) if self._moves else None
        return self._show(dict(self._moves), middle)

    def _show(self, moves: dict[str, Place], after: Place | None) -> Change:
        number = self.selected
        if number:
            shown = self.examples[number - 1]
            part = self.takes_part()
            example = Example(shown.board, moves, part)
            change = Change(number, example.demonstration())
            self.examples[number - 1] = example
        else:
            if self.examples and (HAND in self.examples[0].moves) != (HAND in moves):
                what = 'the hand' if HAND in self.examples[0].moves else 'things'
                raise InvalidInput(
                    f'show: {self.name!r} was shown with {what}; give the next concept a name'
                )
            if len(self.examples) >= self.needed:
                raise InvalidInput(
                    f'show: {self.needed} examples make a concept; delete one, click one to show '
                    'it again, or give the next concept a name'
                )
            chosen = self._chosen
            if chosen is None:
                chosen = self._suggested(after)
            example = Example(self._board, moves, chosen | (moves.keys() - {HAND}))
            change = Change(0, example.demonstration())
            self.examples.append(example)
            self._set_out(self._board.shuffled(self._rng, **self._deals))
        self._deselect()
        return change

    def take_part(self, id_: str, takes_part: bool) -> Change | None:
        """Have a thing take part or not; of an example that is on the board, it is changed."""
        shown = self.examples[self.selected - 1] if self.selected else None
        self._shown_board().thing(id_)
        if id_ in self._moves:
            raise InvalidInput('takes_part: what is moved takes part; put it back where it was')
        former = self.takes_part() if shown is None else shown.takes_part
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
            stay = self.examples[self.selected - 1].takes_part
            return stay - self.examples[self.selected - 1].moves.keys() | self._moves.keys()
        chosen = self._chosen
        if chosen is None:
            chosen = self._suggested() if self.examples else frozenset()
        return chosen | self._moves.keys()

    def _suggested(self, after: Place | None = None) -> frozenset[str]:
        if self.moves_things and not self.examples:
            return frozenset()  # it may be about nobody else
        stay = [thing for thing in self._board.things if thing.id not in self._moves]
        return suggested(self.examples, stay, after)

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
        if number and self._shown_board().hand is None:
            self._moves = dict(self.examples[number - 1].moves)

    # The board -------------------------------------------------------------------------------

    def move(self, id_: str, place: Place) -> None:
        """Move a thing: before the hand acts, or, where there is none, to where it belongs."""
        board = self._shown_board() if self.moves_things else self._next_board()
        thing = board.thing(id_)
        if board.hand is not None:
            self._board = self._next_board().with_thing(thing.at(place))
        elif math.dist(thing.place, place) < LEAST_MOVE:
            self._moves.pop(id_, None)  # it was put back
        else:
            self._moves[id_] = place

    def start_here(self) -> None:
        """Have the next example begin with all things where they are now."""
        self._set_out(self._next_board().moved(self._moves))

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
        self._moves.pop(id_, None)
        if self._chosen is not None:
            self._chosen -= {id_}

    def shuffle(self, colours: bool, shapes: bool) -> None:
        """Arrange the things anew; colours, shapes: these too, now and after each example."""
        self._set_out(self._next_board().shuffled(self._rng, colours, shapes))
        self._deals = {'colours': colours, 'shapes': shapes}
        self._chosen = None

    def message(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        moves: Mapping[str, Place] = self._moves
        if self.selected and self._shown_board().hand is not None:
            moves = self.examples[self.selected - 1].moves
        return {
            'name': self.name,
            'needed': self.needed,
            'selected': self.selected,
            'deals': self._deals,
            'moves_things': self.moves_things,
            'board': _as_dict(self._shown_board()) | {'moves': dict(moves)},
            'takes_part': sorted(self.takes_part()),
            'is_suggested': self._chosen is None and not self.selected,
            'examples': [
                _as_dict(example.board)
                | {'moves': dict(example.moves), 'takes_part': sorted(example.takes_part)}
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

    def _shown_board(self) -> Board:
        """Return the board that is seen."""
        return self.examples[self.selected - 1].board if self.selected else self._board

    def _set_out(self, board: Board) -> None:
        self._board, self._moves = board, {}

    def _deselect(self) -> None:
        self.selected, self._chosen, self._moves = 0, None, {}

    def _check(self, number: int) -> None:
        if not 1 <= number <= len(self.examples):
            raise InvalidInput(f'number: {number} refused, of {len(self.examples)} examples')


def _as_dict(board: Board) -> dict[str, Any]:
    return {'things': [asdict(thing) for thing in board.things], 'hand': board.hand}
