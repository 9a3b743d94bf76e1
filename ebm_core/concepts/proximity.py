# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Proximity: of all entities, one is the closest to another, or the farthest from it.

Generation brings the actor there; identification finds, from the actor's place, which one it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import POSITION, Scene
from .concept import Concept
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

TOUCHING = 0.1  # how near the actor goes to what it is to be closest to, particle units
CORNER = 0.95  # of the square, where it is farthest from another
CLEAR_MARGIN = 0.1  # by which the demonstrated one is closer (farther) than any other
INSIDE = 1.1  # the world's square, and a little


@dataclass(frozen=True)
class Proximity(Concept):
    """The attended two are closer (sign 1), or farther apart (sign -1), than the others."""

    sign: int
    family: ClassVar[str] = 'proximity'
    num_references: ClassVar[int] = 1
    num_participants: ClassVar[int] = 2

    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Return (count,) events: the actor goes closest to (farthest from) the reference."""
        present = presence(rng, count, num_entities, 3)
        attention = prefix_mask(present, 2)
        positions = np.zeros((*present.shape, 2))
        start = rng.uniform(-1, 1, (count, 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            positions[rows] = rng.uniform(-1, 1, (len(rows), *positions.shape[1:]))
            positions[rows, 0] = self._decided(start[rows], positions[rows, 1])
            return self._lead(positions[rows], 1, 0, present[rows]) < CLEAR_MARGIN

        redraw(count, draw)
        movable = prefix_mask(present, 1) > 0
        colours = palette_colours(rng, attention, reference_colour)
        after = features(rng, positions, colours, movable, present, black_crosses=True)
        before = after.copy()
        before[:, 0, POSITION] = start
        return acted(before, after, attention, present, POSITION)

    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) still scenes with one cross, and the entity closest to it (farthest)."""
        present = presence(rng, count, num_entities, 3)
        attention = prefix_mask(present, 2)
        positions = np.zeros((*present.shape, 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            positions[rows] = rng.uniform(-1, 1, (len(rows), *positions.shape[1:]))
            return self._lead(positions[rows], 0, 1, present[rows]) < CLEAR_MARGIN

        redraw(count, draw)
        colours = palette_colours(rng, attention, None)
        movable = prefix_mask(present, 1) > 0
        state = features(rng, positions, colours, movable, present, black_crosses=True)
        return still(state, attention, present)

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether the actor leads all others, and has not left the square to do so."""
        shape = events.attention.shape[:-1]
        positions = events.after[..., POSITION].reshape(-1, *events.after.shape[-2:-1], 2)
        present = events.present.reshape(len(positions), -1)
        leads = self._lead(positions, 1, 0, present).reshape(shape) > 0
        inside = (np.abs(positions[:, 0]) <= INSIDE).all(-1).reshape(shape)
        return leads & inside & (events.attention.sum(-1) == 2)

    def goal(self, scene: Scene, attention: np.ndarray) -> None:
        """Return None: a whole area is right."""

    def lead(self, scene: Scene, attention: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return (M,) by how much the actor leads at each place (M, 2); it holds where over 0."""
        reference = np.flatnonzero(scene.references(attention))[0]
        actor = np.flatnonzero(scene.movable)[0]
        positions = np.repeat(scene.positions[None], len(places), 0)
        positions[:, actor] = places
        present = np.ones(positions.shape[:2], bool)
        return self._lead(positions, reference, actor, present)

    def _decided(self, start: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return (rows, 2) where the actor goes; a demonstrator leaves no doubt.

        It goes right up to the reference, or into the corner that is farthest from it.
        """
        if self.sign < 0:
            return np.where(reference > 0, -CORNER, CORNER)
        away = start - reference
        return reference + TOUCHING * away / np.linalg.norm(away, axis=1, keepdims=True)

    def _lead(
        self, positions: np.ndarray, anchor: int, which: int, present: np.ndarray
    ) -> np.ndarray:
        """Return (rows,) by how much entity `which` leads the others in being close to `anchor`."""
        distance = self.sign * np.linalg.norm(
            positions - positions[:, anchor : anchor + 1], axis=-1
        )
        others = present.copy()
        others[:, [anchor, which]] = False
        return np.where(others, distance, np.inf).min(1) - distance[:, which]


CONCEPTS = (Proximity('closest', 1), Proximity('farthest', -1))
