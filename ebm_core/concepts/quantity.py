# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Quantity: any one, two, three, or more than three entities are attended to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from .concept import Concept
from .particles import NUM_ENTITIES, features, palette_colours, prefix_mask, presence, still

MANY = 128


@dataclass(frozen=True)
class Quantity(Concept):
    """At least `fewest` entities, and at most `most`; it has no generation."""

    fewest: int
    most: int
    family: ClassVar[str] = 'quantity'
    generates: ClassVar[bool] = False

    @property
    def num_participants(self) -> int:
        """Return `fewest`."""
        return self.fewest

    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Raise NotImplementedError: nothing is brought about."""
        raise NotImplementedError(f'{self.name}: a quantity is attended to, not generated')

    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) still scenes in which some are attended to, no matter which."""
        present = presence(rng, count, num_entities, self.fewest + 1)
        most = np.minimum(self.most, present.sum(1))
        attention = prefix_mask(present, rng.integers(self.fewest, most + 1))
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        colours = palette_colours(rng, attention, None)
        movable = present & (rng.random(present.shape) < 0.5)
        state = features(rng, positions, colours, movable, present, black_crosses=False)
        return still(state, attention, present, (self.fewest, self.most))

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether so many are attended to."""
        number = events.attention.sum(-1)
        return (number >= self.fewest) & (number <= self.most)


CONCEPTS = (
    Quantity('one', 1, 1),
    Quantity('two', 2, 2),
    Quantity('three', 3, 3),
    Quantity('more_than_three', 4, MANY),
)
