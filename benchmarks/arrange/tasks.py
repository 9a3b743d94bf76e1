# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A concept, or several, with five demonstrations each, and a table of blocks to ask for it.

Movers and references are told by colour anywhere in RGB, by shape or only by both. On one table in
four with room for it, a bystander looks like the movers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple
from zlib import crc32

import numpy as np

from benchmarks.arrange.objects import USUAL, Objects
from benchmarks.arrange.srem_like import Groups, progress
from benchmarks.arrange.tables import MOST_DRAWS, Ground, table
from benchmarks.arrange.together import Together
from ebm_concept_ros.arranging.footprints import Standing
from ebm_core.evaluation.open.appearance import Telling, dressed, features
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.evaluation.open.scenes import placed
from ebm_core.world.scene import COLOUR, Demonstration, Scene

DEMONSTRATIONS = 5
ENTITIES = (4, 8)
_LOOK_ALIKE = 0.25
_SHOWN_APART = 0.3  # between centres in demonstrations, particle units


class Shown(NamedTuple):
    """What one concept is taught by."""

    name: str
    demonstrations: list[Demonstration]


@dataclass(frozen=True, eq=False)
class Task:
    """What is shown and asked.

    shown: of each concept that is to hold. scene: particle units; standing: the same as blocks, in
    the same order. look_alikes: indices of all that look like the movers, themselves included.
    references: indices, in the order of the predicate's arguments.
    """

    concept: OpenConcept
    shown: list[Shown]
    scene: Scene
    standing: list[Standing]
    look_alikes: list[int]
    references: list[int]

    @property
    def steps(self) -> list[Task]:
        """Return what is asked for one after the other: itself, or each of several groups."""
        if not isinstance(self.concept, Groups):
            return [self]
        return [
            replace(self, concept=term, shown=[shown], look_alikes=there[: term.movers].tolist())
            for shown, (term, there) in zip(
                self.shown, self.concept.parts(len(self.scene)), strict=True
            )
        ]

    def progress(self, positions: np.ndarray, within: float) -> float:
        """Return the share of movers that are placed at (N, 2) positions, of whoever may be meant.

        within: of their places, particle units.
        """
        where = positions[self.references]
        start = self.scene.positions
        return max(
            progress(self.concept, positions[list(who)], start[list(who)], where, within)
            for who in combinations(self.look_alikes, self.concept.movers)
        )

    def violation(self, positions: np.ndarray) -> float:
        """Return by how much (N, 2) positions miss the concept, of whoever may be meant least."""
        where = positions[self.references]
        start = self.scene.positions
        return min(
            float(self.concept.violation(positions[list(who)], start[list(who)], where))
            for who in combinations(self.look_alikes, self.concept.movers)
        )


def make_task(
    concept: OpenConcept,
    seed: int,
    ground: Ground,
    objects: Objects = USUAL,
    entities: tuple[int, int] = ENTITIES,
    bystanders: int = 1,
) -> Task:
    """Return the task of a seed; raises RuntimeError where no table is found.

    entities: fewest and most, of which at least so many are bystanders.
    """
    rng = np.random.default_rng([seed, crc32(concept.name.encode())])
    m, r = concept.movers, concept.references
    fewest = max(entities[0], m + r + bystanders)
    number = int(rng.integers(fewest, max(entities[1], fewest) + 1))
    told = (*((1,) * m), *(1 + np.array(concept.roles, int)).tolist())
    if isinstance(concept, Groups):
        told = concept.told
    # In a region a look-alike would mostly stand where the concept holds already.
    may_be = number > m + r + 1 and not getattr(concept, 'region', False)
    look_alike = may_be and rng.random() < _LOOK_ALIKE
    telling = Telling.drawn(rng, 1, max(told))
    parts = [(concept, np.arange(number))]
    if isinstance(concept, (Together, Groups)):
        parts = list(concept.parts(number))
    events = len(parts) * DEMONSTRATIONS + 1
    colours, shapes = dressed(rng, told, telling, events, number)
    if look_alike:
        rgb, shape = colours[0, -1], shapes[0, -1]
        rgb[m + r] = np.where(telling.by_colour[0], rgb[0], rgb[m + r])
        shape[m + r] = shape[0] if telling.by_shape[0] else shape[m + r]
    shown = []
    for i, (part, there) in enumerate(parts):
        looks = [
            (colours[0, event, there], shapes[0, event, there])
            for event in range(i * DEMONSTRATIONS, (i + 1) * DEMONSTRATIONS)
        ]
        shown.append(Shown(part.name, [demonstration(rng, part, *look) for look in looks]))
    look_alikes = [*range(m), m + r] if look_alike else list(range(m))
    scene, standing = table(
        rng, concept, colours[0, -1], shapes[0, -1], look_alikes, ground, objects
    )
    return Task(concept, shown, scene, standing, look_alikes, list(range(m, m + r)))


def demonstration(
    rng: np.random.Generator, concept: OpenConcept, colours: np.ndarray, shapes: np.ndarray
) -> Demonstration:
    """Return one, of entities with looks (N, 3) and (N,), those first that take part."""
    m, part, n = concept.movers, concept.movers + concept.references, len(shapes)
    for _ in range(MOST_DRAWS):
        start, end, where = (each[0] for each in placed(rng, concept, 1))
        others = rng.uniform(-1, 1, (n - part, 2))
        after = np.concatenate((end, where, others))
        if _nearest(after) >= _SHOWN_APART or _nearest(after[:part]) < _SHOWN_APART <= _nearest(
            after[part:]
        ):
            break
    before = np.concatenate((start, where, others))
    movable = np.arange(n) < m
    looks = features(rng, after, colours, shapes, movable, np.ones(n, bool))
    states = tuple(Scene(places, looks[:, COLOUR], shapes, movable) for places in (before, after))
    roles = np.concatenate((np.zeros(m, int), concept.roles, np.zeros(n - part, int)))
    return Demonstration(
        states, (np.arange(n) < part).astype(float), roles if max(roles) > 1 else None
    )


def _nearest(places: np.ndarray) -> float:
    """Return the least distance between two of (N, 2)."""
    gaps = np.linalg.norm(places[:, None] - places, axis=-1)
    return float(gaps[np.triu_indices(len(places), 1)].min(initial=np.inf))
