# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Placement: the actor goes to one side of another entity, or between two.

The goal is the mean of the reference entities plus an offset. The references are told from the
distractors by their colour (the argument, w_a); what is done with them is the action (w_x).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.scene import InvalidInput, Scene
from .arrangement import Arrangement
from .particles import redraw

SIDE_DISTANCE = 0.3  # of "north of" and its kin, particle units
MIN_REFERENCE_DISTANCE = 0.35  # closer references leave no room between them


@dataclass(frozen=True)
class Placement(Arrangement):
    """goal = mean(references) + offset, in particle units."""

    references: int
    offset: tuple[float, float]
    family: ClassVar[str] = 'placement'

    @property
    def num_references(self) -> int:
        """One to have a side, two to have a between."""
        return self.references

    def arrange(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return (count, P, 2): the actor at the goal, then the references."""
        references = np.zeros((count, self.references, 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            references[rows] = rng.uniform(-1, 1, (len(rows), self.references, 2))
            gap = references[rows, 0] - references[rows, -1]
            return (np.linalg.norm(gap, axis=1) < MIN_REFERENCE_DISTANCE) & (self.references > 1)

        redraw(count, draw)
        goal = references.mean(1, keepdims=True) + np.asarray(self.offset)
        return np.concatenate((goal, references), 1)

    def violation(self, participants: np.ndarray) -> np.ndarray:
        """Return the actor's distance to the goal."""
        goal = participants[..., 1:, :].mean(-2) + np.asarray(self.offset)
        return np.linalg.norm(participants[..., 0, :] - goal, axis=-1)

    def goal(self, scene: Scene, attention: np.ndarray) -> np.ndarray:
        """Return the (2,) goal of the actor, given the (N,) attention that marks who takes part."""
        references = scene.positions[scene.references(attention)]
        if len(references) != self.references:
            raise InvalidInput(
                f'attention: {self.name} needs {self.references} reference entities, '
                f'{len(references)} are attended to'
            )
        return references.mean(0) + np.asarray(self.offset)


CONCEPTS = (
    Placement('between', 2, (0.0, 0.0)),
    Placement('north', 1, (0.0, SIDE_DISTANCE)),
    Placement('south', 1, (0.0, -SIDE_DISTANCE)),
    Placement('east', 1, (SIDE_DISTANCE, 0.0)),
    Placement('west', 1, (-SIDE_DISTANCE, 0.0)),
)
