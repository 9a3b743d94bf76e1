"""Placement: the actor goes to a point, between two entities, or to one side of another.

All of them are one rule: the goal is the mean of the reference entities (the origin where there are
none) plus an offset. The references are told from the distractors by their colour (the argument,
w_a); what is done with them is the action (w_x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..scene import (
    ACTOR_COLOUR,
    COLOUR,
    COLOURS,
    MOVABLE,
    NUM_FEATURES,
    POSITION,
    SHAPE,
    SHAPES,
    Demonstration,
    InvalidInput,
    Scene,
)
from .batch import EventBatch

SIDE_DISTANCE = 0.3  # of "north of" and its kin, particle units
SUCCESS_DISTANCE = 0.1  # the predicate's tolerance, particle units
MIN_REFERENCE_DISTANCE = 0.35  # closer references leave no room between them
AMBIGUITY_MARGIN = 0.25  # no other choice of entities comes closer to satisfying the concept
NUM_ENTITIES = (3, 6)  # smallest and largest number of a scene, the actor included
COLOUR_JITTER = 0.04

_PALETTE = np.array(list(COLOURS.values()), np.float32)
_COLOUR_NAMES = tuple(COLOURS)
_CROSS = SHAPES.index('cross')


@dataclass(frozen=True)
class PlacementConcept:
    """One placement: goal = mean(references) + offset, in particle units."""

    name: str
    num_references: int
    offset: tuple[float, float]

    def goal(self, scene: Scene, attention: np.ndarray) -> np.ndarray:
        """Return the (2,) goal of the actor, given the (N,) attention that marks who takes part."""
        references = scene.positions[(np.asarray(attention) > 0.5) & ~scene.movable]
        if len(references) != self.num_references:
            raise InvalidInput(
                f'attention: {self.name} needs {self.num_references} reference entities, '
                f'{len(references)} are attended to'
            )
        centre = references.mean(0) if len(references) else np.zeros(2)
        return centre + np.asarray(self.offset)

    def holds(self, scene: Scene, attention: np.ndarray) -> bool:
        """Tell whether the attended movable entity is within SUCCESS_DISTANCE of the goal."""
        actor = scene.positions[(np.asarray(attention) > 0.5) & scene.movable]
        return len(actor) == 1 and bool(
            np.linalg.norm(actor[0] - self.goal(scene, attention)) <= SUCCESS_DISTANCE
        )

    def demonstrations(
        self, rng: np.random.Generator, count: int, reference_colour: str = 'blue'
    ) -> list[Demonstration]:
        """Return `count` demonstrations, each in an arrangement of its own."""
        if reference_colour not in COLOURS:
            raise InvalidInput(
                f'reference_colour: {reference_colour!r} is unknown; known are {", ".join(COLOURS)}'
            )
        colour = _COLOUR_NAMES.index(reference_colour)
        batch = generation_events([self], np.array([colour]), count, rng)
        return [batch.demonstration((0, i)) for i in range(count)]


def named_placements() -> tuple[PlacementConcept, ...]:
    """Return the placements that have a name."""
    d = SIDE_DISTANCE
    return (
        PlacementConcept('point', 0, (0.4, -0.3)),
        PlacementConcept('between', 2, (0.0, 0.0)),
        PlacementConcept('north', 1, (0.0, d)),
        PlacementConcept('south', 1, (0.0, -d)),
        PlacementConcept('east', 1, (d, 0.0)),
        PlacementConcept('west', 1, (-d, 0.0)),
    )


def sample_placements(
    rng: np.random.Generator, count: int, family: str | None = None
) -> list[PlacementConcept]:
    """Return random concepts: any point of the square, between, one of the four sides.

    family: 'point', 'between' or 'side' restricts the choice; None takes each as often.
    """
    named = {c.name: c for c in named_placements()}
    kinds = ('point', 'between', 'side') if family is None else (family,)
    out = []
    for kind in rng.choice(kinds, count):
        if kind == 'point':
            x, y = rng.uniform(-0.9, 0.9, 2)
            out.append(PlacementConcept('point', 0, (float(x), float(y))))
        elif kind == 'between':
            out.append(named['between'])
        else:
            out.append(named[('north', 'south', 'east', 'west')[rng.integers(4)]])
    return out


def generation_events(
    concepts: Sequence[PlacementConcept],
    colours: np.ndarray,
    count: int,
    rng: np.random.Generator,
    num_entities: tuple[int, int] = NUM_ENTITIES,
) -> EventBatch:
    """Return (C, count) events in which the actor goes from anywhere to its goal.

    colours: (C,) index of the references' colour in COLOURS; no distractor has it.
    num_entities: smallest and largest number of entities of an event, both included.
    """
    arrays = _Arrays(concepts, count, rng, num_entities)
    arrays.place_participants()
    arrays.scatter_distractors(np.ones_like(arrays.present))
    arrays.paint(np.repeat(colours, count))
    after = arrays.features()
    before = after.copy()
    before[:, 0, POSITION] = rng.uniform(-1, 1, (len(before), 2))
    return arrays.batch(before, after)


def identification_events(
    concepts: Sequence[PlacementConcept],
    count: int,
    rng: np.random.Generator,
    num_entities: tuple[int, int] = NUM_ENTITIES,
) -> EventBatch:
    """Return (C, count) still scenes with just one choice of entities that satisfies the concept.

    Several entities may be movable, colours are random and carry no hint; before and after are the
    same state.
    """
    arrays = _Arrays(concepts, count, rng, num_entities)
    arrays.place_participants()
    distractor = arrays.present & (arrays.attention < 0.5)
    arrays.movable |= distractor & (rng.random(distractor.shape) < 0.5)
    arrays.scatter_distractors(np.ones_like(arrays.present))
    for _ in range(200):
        ambiguous = arrays.ambiguous()
        if not ambiguous.any():
            break
        redo = np.zeros_like(arrays.present)
        redo[ambiguous] = True
        arrays.place_participants(ambiguous)
        arrays.scatter_distractors(redo)
    arrays.paint(None)
    state = arrays.features()
    return arrays.batch(state, state)


class _Arrays:
    """The arrays of a batch in the making; rows are concept × event, actor first."""

    def __init__(
        self,
        concepts: Sequence[PlacementConcept],
        count: int,
        rng: np.random.Generator,
        num_entities: tuple[int, int],
    ) -> None:
        self.rng, self.shape = rng, (len(concepts), count)
        rows = len(concepts) * count
        self.num_references = np.repeat([c.num_references for c in concepts], count)
        self.offset = np.repeat(np.array([c.offset for c in concepts]).reshape(-1, 2), count, 0)
        low, high = num_entities
        n = rng.integers(np.maximum(low, self.num_references + 1), high + 1)
        index = np.arange(high)
        self.present = index < n[:, None]
        self.attention = (index <= self.num_references[:, None]).astype(np.float32)
        self.positions = np.zeros((rows, high, 2))
        self.movable = np.zeros((rows, high), bool)
        self.movable[:, 0] = True
        self.colours = np.zeros((rows, high, 3))

    def place_participants(self, where: np.ndarray | None = None) -> None:
        """Draw references whose goal lies in the square, and put the actor at the goal."""
        todo = np.flatnonzero(np.ones(len(self.positions)) if where is None else where)
        while len(todo):
            refs = self.rng.uniform(-1, 1, (len(todo), 2, 2))
            k = self.num_references[todo]
            centre = np.where(
                (k == 2)[:, None], refs.mean(1), np.where((k == 1)[:, None], refs[:, 0], 0.0)
            )
            goal = centre + self.offset[todo]
            good = (np.abs(goal) <= 1).all(1)
            good &= (k < 2) | (
                np.linalg.norm(refs[:, 0] - refs[:, 1], axis=1) >= MIN_REFERENCE_DISTANCE
            )
            rows = todo[good]
            self.positions[rows, 0] = goal[good]
            for i in (1, 2):
                has = self.num_references[rows] >= i
                self.positions[rows[has], i] = refs[good][has, i - 1]
            todo = todo[~good]

    def scatter_distractors(self, where: np.ndarray) -> None:
        """Draw anew the positions of the distractors among the (rows, N) entities of `where`."""
        choose = where & (self.attention < 0.5)
        self.positions[choose] = self.rng.uniform(-1, 1, (choose.sum(), 2))

    def ambiguous(self) -> np.ndarray:
        """Return (rows,) bool: another choice of entities comes within AMBIGUITY_MARGIN."""
        p, n = self.positions, self.positions.shape[1]
        mover = self.movable & self.present
        fixed = ~self.movable & self.present
        j, k = np.triu_indices(n, 1)
        anchors = {
            0: (np.zeros((len(p), 1, 2)), np.ones((len(p), 1), bool)),
            1: (p, fixed),
            2: ((p[:, j] + p[:, k]) / 2, fixed[:, j] & fixed[:, k]),
        }
        out = np.zeros(len(p), bool)
        true_anchor = {0: 0, 1: 1, 2: int(np.flatnonzero((j == 1) & (k == 2))[0])}
        for count, (anchor, usable) in anchors.items():
            rows = self.num_references == count
            goal = anchor[rows] + self.offset[rows, None]
            distance = np.linalg.norm(p[rows, :, None] - goal[:, None], axis=-1)
            other = mover[rows, :, None] & usable[rows, None]
            other[:, 0, true_anchor[count]] = False
            out[rows] = ((distance < AMBIGUITY_MARGIN) & other).any((1, 2))
        return out

    def paint(self, reference_colour: np.ndarray | None) -> None:
        """Colour the entities: references in (rows,) `reference_colour`, the others in others."""
        rng, shape = self.rng, self.present.shape
        drawn = rng.integers(len(_PALETTE), size=shape)
        if reference_colour is not None:
            other = rng.integers(1, len(_PALETTE), size=shape)
            drawn = (reference_colour[:, None] + other) % len(_PALETTE)
            drawn = np.where(self.attention > 0.5, reference_colour[:, None], drawn)
        jitter = rng.normal(0, COLOUR_JITTER, (*shape, 3))
        colours = np.where(self.movable[..., None], ACTOR_COLOUR, _PALETTE[drawn]) + jitter
        self.colours = np.clip(colours, 0, 1)

    def features(self) -> np.ndarray:
        out = np.zeros((*self.present.shape, NUM_FEATURES), np.float32)
        out[..., POSITION] = self.positions
        out[..., COLOUR] = self.colours
        others = [i for i in range(len(SHAPES)) if i != _CROSS]
        shape = np.where(self.movable, _CROSS, self.rng.choice(others, self.present.shape))
        np.put_along_axis(out, SHAPE.start + shape[..., None], 1.0, -1)
        out[..., MOVABLE] = self.movable
        return out * self.present[..., None]

    def batch(self, before: np.ndarray, after: np.ndarray) -> EventBatch:
        def split(array: np.ndarray) -> np.ndarray:
            return array.reshape(*self.shape, *array.shape[1:])

        return EventBatch(split(before), split(after), split(self.attention), split(self.present))
