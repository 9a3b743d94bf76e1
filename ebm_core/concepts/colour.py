# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Colour: an entity takes a colour, or all entities that have it are attended to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import COLOUR, COLOURS
from .concept import Concept
from .particles import (
    COLOUR_NAMES,
    NUM_ENTITIES,
    PALETTE,
    acted,
    features,
    palette_colours,
    prefix_mask,
    presence,
    still,
)

SUCCESS_COLOUR_DISTANCE = 0.15  # in RGB
MOST_ALIKE = 4  # entities of the colour in a scene


@dataclass(frozen=True)
class Colour(Concept):
    """One of COLOURS."""

    family: ClassVar[str] = 'colour'
    changes: ClassVar[str] = 'colour'
    num_participants: ClassVar[int] = 1

    @property
    def index(self) -> int:
        """Where it stands in COLOURS."""
        return COLOUR_NAMES.index(self.name)

    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Return (count,) events: one entity changes its colour; reference_colour plays no role."""
        present = presence(rng, count, num_entities, 1)
        attention = prefix_mask(present, 1)
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        colours = palette_colours(rng, attention, self.index)
        after = features(
            rng, positions, colours, prefix_mask(present, 1) > 0, present, black_crosses=False
        )
        before = after.copy()
        before[:, 0, COLOUR] = rng.uniform(0, 1, (count, 3))
        return acted(before, after, attention, present, COLOUR)

    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) still scenes with one to MOST_ALIKE entities of the colour."""
        present = presence(rng, count, num_entities, 2)
        most = np.minimum(MOST_ALIKE, present.sum(1) - 1)
        attention = prefix_mask(present, rng.integers(1, most + 1))
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        colours = palette_colours(rng, attention, self.index)
        movable = present & (rng.random(present.shape) < 0.5)
        return still(
            features(rng, positions, colours, movable, present, black_crosses=False),
            attention,
            present,
        )

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether the first entity's colour is within tolerance."""
        error = events.after[..., 0, COLOUR] - PALETTE[self.index]
        return np.linalg.norm(error, axis=-1) <= SUCCESS_COLOUR_DISTANCE


CONCEPTS = tuple(Colour(name) for name in COLOURS)
