# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts of where entities are: movers are brought into an arrangement, references stay.

A family says how satisfied arrangements are drawn (`arrange`), which of them a demonstrator goes to
(`approach`) and how far others are from one (`violation`); events, distractors and unambiguous
scenes follow from these.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import MOVABLE, POSITION
from .concept import SUCCESS_DISTANCE, Concept
from .particles import (
    NUM_ENTITIES,
    acted,
    features,
    palette_colours,
    prefix_mask,
    presence,
    redraw,
    still,
)

AMBIGUITY_MARGIN = 0.25  # no other choice of entities comes closer to satisfying the concept


@dataclass(frozen=True)
class Arrangement(Concept):
    """A relation between `movers` and `references`, P entities in this order."""

    movers: ClassVar[int] = 1
    black_crosses: ClassVar[bool] = True
    # Share of the distractors that could be movers too, in identification.
    movable_distractors: ClassVar[float] = 0.5

    @property
    def num_references(self) -> int:
        """Attended entities that do not move."""
        return 0

    @property
    def num_participants(self) -> int:
        """Movers and references."""
        return self.movers + self.num_references

    @abstractmethod
    def arrange(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return (count, P, 2) satisfied arrangements; those that leave the square are redrawn."""

    def approach(
        self, rng: np.random.Generator, arranged: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where the movers start and where they go, both (count, movers, 2).

        arranged: (count, movers, 2), a satisfied arrangement. Where many are satisfied, a
        demonstrator goes to the nearest: what an event shows is then a function of its x⁰.
        """
        return rng.uniform(-1, 1, arranged.shape), arranged

    @abstractmethod
    def violation(self, participants: np.ndarray) -> np.ndarray:
        """Return (...) how far participants (..., P, 2) are from satisfying it, particle units."""

    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Return (count,) events: the movers go from anywhere to a satisfied arrangement."""
        p = self.num_participants
        present = presence(rng, count, num_entities, p)
        attention = prefix_mask(present, p)
        movable = prefix_mask(present, self.movers) > 0
        if not self.black_crosses:
            movable |= present & (attention < 0.5) & (rng.random(present.shape) < 0.5)
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        positions[:, :p] = self.arrange_inside(rng, count, p)
        start, positions[:, : self.movers] = self.approach(rng, positions[:, : self.movers])
        colours = palette_colours(rng, attention, reference_colour)
        after = features(
            rng, positions, colours, movable, present, black_crosses=self.black_crosses
        )
        before = after.copy()
        before[:, : self.movers, POSITION] = start
        return acted(before, after, attention, present, POSITION, self.movers)

    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) still scenes; colours are random and carry no hint."""
        p = self.num_participants
        present = presence(rng, count, num_entities, p)
        attention = prefix_mask(present, p)
        movable = prefix_mask(present, self.movers) > 0
        distractor = present & (attention < 0.5)
        movable |= distractor & (rng.random(present.shape) < self.movable_distractors)
        positions = np.zeros((*present.shape, 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            positions[rows] = rng.uniform(-1, 1, (len(rows), *positions.shape[1:]))
            positions[rows, :p] = self.arrange_inside(rng, len(rows), p)
            return self._ambiguous(positions[rows], movable[rows], present[rows])

        redraw(count, draw)
        state = features(
            rng,
            positions,
            palette_colours(rng, attention, None),
            movable,
            present,
            black_crosses=self.black_crosses,
        )
        return still(state, attention, present)

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether the violation is within SUCCESS_DISTANCE."""
        p = events.after[..., : self.num_participants, POSITION]
        right = events.attention.sum(-1) == self.num_participants
        movable = events.after[..., : self.movers, MOVABLE] > 0.5
        return right & movable.all(-1) & (self.violation(p) <= SUCCESS_DISTANCE)

    def arrange_inside(self, rng: np.random.Generator, count: int, p: int) -> np.ndarray:
        """Return (count, P, 2) satisfied arrangements within the square."""
        out = np.zeros((count, p, 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            out[rows] = self.arrange(rng, len(rows))
            return (np.abs(out[rows]) > 1).any((1, 2))

        redraw(count, draw)
        return out

    def _ambiguous(
        self, positions: np.ndarray, movable: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Tell (rows,) whether others than the first P come within AMBIGUITY_MARGIN."""
        choices = _choices(positions.shape[1], self.movers, self.num_references)
        possible = (
            present[:, choices].all(-1)
            & movable[:, choices[:, : self.movers]].all(-1)
            & ~movable[:, choices[:, self.movers :]].any(-1)
        )
        possible[:, 0] = False
        return (possible & (self.violation(positions[:, choices]) < AMBIGUITY_MARGIN)).any(1)


@cache
def _choices(n: int, movers: int, references: int) -> np.ndarray:
    """Return (choices, P) indices of entities; the first P entities in order are choice 0."""
    return np.array(
        [
            (*m, *r)
            for m in combinations(range(n), movers)
            for r in combinations([i for i in range(n) if i not in m], references)
        ]
    )
