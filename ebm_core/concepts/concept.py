# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept is to everybody else: a source of events, and the judge of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import COLOURS, NUM_FEATURES, Demonstration, InvalidInput, Scene
from .particles import COLOUR_NAMES, NUM_ENTITIES

SUCCESS_DISTANCE = 0.1  # tolerance of every predicate, particle units


@dataclass(frozen=True)
class Concept(ABC):
    """One concept of a family; families are subclasses."""

    name: str
    family: ClassVar[str]
    generates: ClassVar[bool] = True  # whether it can be brought about, or only attended to
    steps: ClassVar[int] = 1  # T, the states after x⁰
    # What generation changes; concepts that agree on it, `generates` and `steps` train as one task.
    changes: ClassVar[str] = 'position'
    # Whether what is asked for is one place, wherever it is approached from.
    single_goal: ClassVar[bool] = True

    @property
    @abstractmethod
    def num_participants(self) -> int:
        """The fewest entities that it takes."""

    def variant(self, rng: np.random.Generator) -> Concept:
        """Return this concept with its parameters drawn anew (a line elsewhere); same name."""
        return self

    @abstractmethod
    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Return (count,) events in which it is brought about.

        reference_colour: index in COLOURS of the argument's colour, which no distractor has.
        """

    @abstractmethod
    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) still scenes in which just one choice of entities satisfies it."""

    @abstractmethod
    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell (...) bool of generated events whether their end satisfies the predicate."""

    def holds(self, scene: Scene, attention: np.ndarray) -> bool:
        """Tell whether a scene satisfies it, `attention` (N,) marking who takes part."""
        return bool(self.satisfied(_one_event(scene, attention))[0])

    def demonstrations(
        self, rng: np.random.Generator, count: int, reference_colour: str = 'blue'
    ) -> list[Demonstration]:
        """Return `count` demonstrations, each in an arrangement of its own."""
        if reference_colour not in COLOURS:
            raise InvalidInput(
                f'reference_colour: {reference_colour!r} is unknown; known are {", ".join(COLOURS)}'
            )
        colour = COLOUR_NAMES.index(reference_colour)
        if self.generates:
            batch = self.generation(rng, count, reference_colour=colour)
        else:
            batch = self.identification(rng, count)
        return [batch.demonstration((i,)) for i in range(count)]


def _one_event(scene: Scene, attention: np.ndarray) -> EventBatch:
    """Return a scene as a batch of one, participants first and movers before the others."""
    participants = scene.participants(attention)
    part = np.asarray(attention) > 0.5
    order = np.concatenate((participants, scene.participants(~part)))
    state = scene.features()[order][None]
    return EventBatch(
        np.repeat(state[:, None], 2, 1),
        part[order][None].astype(np.float32),
        np.ones((1, len(scene)), bool),
        np.zeros((1, len(scene), NUM_FEATURES), np.float32),
        np.zeros((1, 2), np.int64),
    )
