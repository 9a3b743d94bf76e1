# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Any colour of the RGB cube, where `colour` knows those of the palette."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import COLOUR
from .colour import MOST_ALIKE, SUCCESS_COLOUR_DISTANCE
from .concept import Concept
from .particles import COLOUR_JITTER, NUM_ENTITIES, acted, features, prefix_mask, presence, still

_APART = 0.35  # of everybody else, in RGB
_CANDIDATES = 16


@dataclass(frozen=True)
class AnyColour(Concept):
    """An entity takes a colour, or all entities that have it are attended to."""

    rgb: tuple[float, float, float]
    family: ClassVar[str] = 'any_colour'
    changes: ClassVar[str] = 'colour'
    num_participants: ClassVar[int] = 1

    def variant(self, rng: np.random.Generator) -> AnyColour:
        """Return another colour."""
        return replace(self, rgb=tuple(float(v) for v in rng.uniform(0, 1, 3)))

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
        after = self._state(rng, attention, present, prefix_mask(present, 1) > 0)
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
        movable = present & (rng.random(present.shape) < 0.5)
        return still(self._state(rng, attention, present, movable), attention, present)

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether the first entity's colour is within tolerance."""
        error = events.after[..., 0, COLOUR] - np.asarray(self.rgb)
        return np.linalg.norm(error, axis=-1) <= SUCCESS_COLOUR_DISTANCE

    def _state(
        self,
        rng: np.random.Generator,
        attention: np.ndarray,
        present: np.ndarray,
        movable: np.ndarray,
    ) -> np.ndarray:
        """Return states in which the attended have the colour, and nobody else about it."""
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        nothing = np.zeros(present.shape, int)
        out = features(rng, positions, nothing, movable, present, black_crosses=False)
        drawn = rng.uniform(0, 1, (*present.shape, _CANDIDATES, 3))
        apart = np.linalg.norm(drawn - np.asarray(self.rgb), axis=-1) > _APART
        others = np.take_along_axis(drawn, apart.argmax(-1)[..., None, None], -2)[..., 0, :]
        rgb = np.where(attention[..., None] > 0.5, np.asarray(self.rgb), others)
        jitter = rng.normal(0, COLOUR_JITTER, rgb.shape).clip(-2 * COLOUR_JITTER, 2 * COLOUR_JITTER)
        out[..., COLOUR] = np.clip(rgb + jitter, 0, 1) * present[..., None]
        return out


CONCEPTS = (AnyColour('any_colour', (0.5, 0.5, 0.5)),)
