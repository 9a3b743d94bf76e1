# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is shown on the page: things on a board, and examples of what the hand does among them.

Places are in particle units, as everywhere in `ebm_core`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ebm_core.world.scene import (
    ACTOR_COLOUR,
    COLOURS,
    SHAPES,
    Demonstration,
    InvalidInput,
    Scene,
)

Place = tuple[float, float]

# Of things: the cross is the hand's.
THING_SHAPES = tuple(shape for shape in SHAPES if shape != 'cross')
MAX_THINGS = 8
# Around the middle, so that what is meant beside a thing is still on the board.
_PLACED_WITHIN = 0.75
_SPACING = 0.35
_ATTEMPTS = 10_000
# A hand that was moved less has shown nothing.
LEAST_MOVE = 0.02


@dataclass(frozen=True)
class Thing:
    """One thing on the board. colour: one of COLOURS; shape: one of THING_SHAPES."""

    id: str
    colour: str
    shape: str
    x: float
    y: float

    @property
    def place(self) -> Place:
        """Where it is."""
        return (self.x, self.y)

    @property
    def look(self) -> str:
        """What a person calls it."""
        return f'{self.colour} {self.shape}'


@dataclass(frozen=True)
class Board:
    """Things and the hand, before it acts."""

    things: tuple[Thing, ...]
    hand: Place

    def thing(self, id_: str) -> Thing:
        """Return a thing, or raise InvalidInput."""
        for thing in self.things:
            if thing.id == id_:
                return thing
        known = ', '.join(thing.id for thing in self.things)
        raise InvalidInput(f'id: there is no {id_!r} on the board; there are {known}')

    def with_thing(self, changed: Thing) -> Board:
        """Return the board with a thing in the place of the one of its id."""
        things = tuple(changed if thing.id == changed.id else thing for thing in self.things)
        return replace(self, things=things)

    def with_another(self, colour: str, shape: str, rng: np.random.Generator) -> Board:
        """Return the board with one thing more, somewhere free; raises InvalidInput if full."""
        if len(self.things) >= MAX_THINGS:
            raise InvalidInput(f'add: there are {MAX_THINGS} things already, as many as may be')
        taken = {thing.id for thing in self.things}
        number = next(i for i in range(MAX_THINGS + 1) if f'thing_{i}' not in taken)
        free = free_place([thing.place for thing in self.things] + [self.hand], rng)
        return replace(self, things=(*self.things, Thing(f'thing_{number}', colour, shape, *free)))

    def without(self, id_: str) -> Board:
        """Return the board without a thing; raises InvalidInput for the last one."""
        self.thing(id_)
        if len(self.things) == 1:
            raise InvalidInput('remove: the last thing stays, a concept is about something')
        return replace(self, things=tuple(t for t in self.things if t.id != id_))

    def shuffled(self, rng: np.random.Generator, colours: bool, shapes: bool) -> Board:
        """Return the same things elsewhere, with their colours or shapes dealt anew among them.

        Every colour and every shape that was there is there again, so that what a concept is about
        can be found.
        """
        number = len(self.things)
        places = _spread_out(rng, number + 1).tolist()
        of_colour = rng.permutation(number) if colours else range(number)
        of_shape = rng.permutation(number) if shapes else range(number)
        things = tuple(
            Thing(
                thing.id,
                self.things[of_colour[i]].colour,
                self.things[of_shape[i]].shape,
                *places[i],
            )
            for i, thing in enumerate(self.things)
        )
        return Board(things, tuple(places[-1]))


@dataclass(frozen=True)
class Example:
    """What the hand did on a board, and which things (ids) it was about.

    original: the demonstration itself where it was not made on the page.
    """

    board: Board
    after: Place
    takes_part: frozenset[str]
    original: Demonstration | None = None

    @property
    def participants(self) -> tuple[Thing, ...]:
        """The things that take part."""
        return tuple(thing for thing in self.board.things if thing.id in self.takes_part)

    def demonstration(self) -> Demonstration:
        """Return it as the learner takes it; raises InvalidInput where nothing was shown."""
        if self.original is not None:
            return self.original
        if math.dist(self.board.hand, self.after) < LEAST_MOVE:
            raise InvalidInput('after: the hand is where it was, so nothing was shown')
        if not self.takes_part:
            raise InvalidInput('takes_part: click the things that it is about')
        things = self.board.things
        before = Scene(
            np.array([self.board.hand, *(thing.place for thing in things)]),
            np.array([ACTOR_COLOUR, *(COLOURS[thing.colour] for thing in things)]),
            np.array([SHAPES.index('cross'), *(SHAPES.index(thing.shape) for thing in things)]),
            np.arange(1 + len(things)) == 0,
        )
        positions = before.positions.copy()
        positions[0] = self.after
        part = [1.0, *(float(thing.id in self.takes_part) for thing in things)]
        return Demonstration((before, before.with_positions(positions)), np.array(part))


def example_of(demonstration: Demonstration) -> Example:
    """Return how a demonstration looks on the page; raises InvalidInput if not one can move."""
    before, after = demonstration.before, demonstration.after
    movers = np.flatnonzero(before.movable)
    if len(movers) != 1:
        raise InvalidInput(f'demonstration: {len(movers)} can move, the page shows one hand')
    (hand,) = movers
    things, part = [], set()
    for i in range(len(before)):
        if i == hand:
            continue
        shape = SHAPES[before.shapes[i]]
        thing = Thing(
            f'thing_{len(things)}',
            nearest_colour(before.colours[i]),
            shape if shape in THING_SHAPES else 'circle',
            *map(float, before.positions[i]),
        )
        things.append(thing)
        if demonstration.attention[i] > 0.5:
            part.add(thing.id)
    board = Board(tuple(things), tuple(map(float, before.positions[hand])))
    return Example(board, tuple(map(float, after.positions[hand])), frozenset(part), demonstration)


def nearest_colour(rgb: Sequence[float]) -> str:
    """Return the name of the colour that RGB (3,) is nearest to."""
    return min(COLOURS, key=lambda name: math.dist(COLOURS[name], rgb))


def random_board(rng: np.random.Generator) -> Board:
    """Return one thing of each shape and one more, in different colours."""
    shapes = [*THING_SHAPES, str(rng.choice(THING_SHAPES[:2]))]
    colours = rng.permutation(list(COLOURS))[: len(shapes)].tolist()
    things = tuple(
        Thing(f'thing_{i}', colour, shape, 0.0, 0.0)
        for i, (colour, shape) in enumerate(zip(colours, shapes, strict=True))
    )
    return Board(things, (0.0, 0.0)).shuffled(rng, colours=False, shapes=False)


def free_place(taken: Sequence[Place], rng: np.random.Generator) -> Place:
    """Return a place that is far from those that are taken, at least one."""
    x, y = max(
        rng.uniform(-_PLACED_WITHIN, _PLACED_WITHIN, (50, 2)).tolist(),
        key=lambda place: min(math.dist(place, other) for other in taken),
    )
    return x, y


def _spread_out(rng: np.random.Generator, number: int) -> np.ndarray:
    """Return (number, 2) places, none near another."""
    for _ in range(_ATTEMPTS):
        places = rng.uniform(-_PLACED_WITHIN, _PLACED_WITHIN, (number, 2))
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        if gaps.min() >= _SPACING:
            return places
    raise InvalidInput(f'shuffle: no room for {number} things')
