# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is shown on the page: things on a board, and examples of what is done among them.

An arm that points acts by its hand alone; of one that grasps, things are what is moved.
Places are in particle units, as everywhere in `ebm_core`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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

HAND = 'hand'  # its id, among those of things
# Of things: the cross is the hand's.
THING_SHAPES = tuple(shape for shape in SHAPES if shape != 'cross')
MAX_THINGS = 8
# Around the middle, so that what is meant beside a thing is still on the board.
_PLACED_WITHIN = 0.75
_SPACING = 0.35
_ATTEMPTS = 10_000
# What was moved less has shown nothing.
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

    def at(self, place: Place) -> Thing:
        """Return it elsewhere."""
        return replace(self, x=place[0], y=place[1])

    @property
    def look(self) -> str:
        """What a person calls it."""
        return f'{self.colour} {self.shape}'


@dataclass(frozen=True)
class Board:
    """Things before anything is moved, and the hand; None where it is things that are moved."""

    things: tuple[Thing, ...]
    hand: Place | None

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
        hand = [] if self.hand is None else [self.hand]
        free = free_place([thing.place for thing in self.things] + hand, rng)
        return replace(self, things=(*self.things, Thing(f'thing_{number}', colour, shape, *free)))

    def without(self, id_: str) -> Board:
        """Return the board without a thing; raises InvalidInput for the last one."""
        self.thing(id_)
        if len(self.things) == 1:
            raise InvalidInput('remove: the last thing stays, a concept is about something')
        return replace(self, things=tuple(t for t in self.things if t.id != id_))

    def moved(self, moves: Mapping[str, Place]) -> Board:
        """Return the board with things elsewhere, by id."""
        return replace(self, things=tuple(t.at(moves.get(t.id, t.place)) for t in self.things))

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
        return Board(things, None if self.hand is None else tuple(places[-1]))


@dataclass(frozen=True)
class Example:
    """What was moved on a board, and which things (ids) it was about.

    moves: where that is afterwards, by id: HAND, or one thing or more. takes_part: of things, with
    those that are moved. original: the demonstration itself where it was not made on the page.
    """

    board: Board
    moves: Mapping[str, Place]
    takes_part: frozenset[str]
    original: Demonstration | None = None

    @property
    def references(self) -> tuple[Thing, ...]:
        """The things that take part and stay."""
        return tuple(t for t in self.board.things if t.id in self.takes_part - self.moves.keys())

    def demonstration(self) -> Demonstration:
        """Return it as the learner takes it; raises InvalidInput where nothing was shown."""
        if self.original is not None:
            return self.original
        entities = [(thing.id, thing.place, thing) for thing in self.board.things]
        if self.board.hand is not None:
            entities.insert(0, (HAND, self.board.hand, None))
            if math.dist(self.board.hand, self.moves[HAND]) < LEAST_MOVE:
                raise InvalidInput('after: the hand is where it was, so nothing was shown')
            if not self.takes_part:
                raise InvalidInput('takes_part: click the things that it is about')
        elif not self.moves:
            raise InvalidInput('show: drag what is to be moved to where it belongs, first')
        part = self.takes_part | self.moves.keys()
        before = Scene(
            [place for _, place, _ in entities],
            [COLOURS[t.colour] if t else ACTOR_COLOUR for *_, t in entities],
            [SHAPES.index(t.shape if t else 'cross') for *_, t in entities],
            [id_ in self.moves for id_, *_ in entities],
        )
        after = [self.moves.get(id_, place) for id_, place, _ in entities]
        attention = [float(id_ in part) for id_, *_ in entities]
        return Demonstration((before, before.with_positions(after)), attention)


def example_of(demonstration: Demonstration) -> Example:
    """Return how a demonstration looks on the page: one of the hand, or of things that are moved.

    Raises InvalidInput where both can move, or more than one hand.
    """
    before, after = demonstration.before, demonstration.after
    movers = np.flatnonzero(before.movable)
    hands = [i for i in movers if SHAPES[before.shapes[i]] == 'cross']
    if not len(movers) or (hands and len(movers) > 1):
        raise InvalidInput(
            f'demonstration: {len(movers)} can move, {len(hands)} of them hands; the page shows '
            'one hand, or things without one'
        )
    things, part, moves, hand = [], set(), {}, None
    for i in range(len(before)):
        at, then = (tuple(map(float, scene.positions[i])) for scene in (before, after))
        if i in hands:
            hand, moves[HAND] = at, then
            continue
        shape = SHAPES[before.shapes[i]]
        thing = Thing(
            f'thing_{len(things)}',
            nearest_colour(before.colours[i]),
            shape if shape in THING_SHAPES else 'circle',
            *at,
        )
        things.append(thing)
        if demonstration.attention[i] > 0.5:
            part.add(thing.id)
        if before.movable[i]:
            moves[thing.id] = then
    return Example(Board(tuple(things), hand), moves, frozenset(part), demonstration)


def nearest_colour(rgb: Sequence[float]) -> str:
    """Return the name of the colour that RGB (3,) is nearest to."""
    return min(COLOURS, key=lambda name: math.dist(COLOURS[name], rgb))


def random_board(rng: np.random.Generator) -> Board:
    """Return one thing of each shape and one more, in different colours, and the hand."""
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
