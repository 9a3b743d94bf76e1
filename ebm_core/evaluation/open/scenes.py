# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes that nobody has seen: events in which a concept is brought about.

Shapes: S sets of demonstrations and questions, E events each, N entities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...concepts.particles import NUM_ENTITIES, mutable_features, prefix_mask
from ...errors import InvalidInput
from ...world.batch import EventBatch
from ...world.scene import COLOUR, POSITION
from .appearance import Telling, dressed, features
from .concept import OpenConcept
from .geometry import length

LEAST_CHANGE = 0.2  # how far from satisfied an event begins
_MOST_REDRAWS = 2000


@dataclass(frozen=True)
class Conditions:
    """What a code is inferred from and asked for.

    num_entities: smallest and largest number of a scene. position_noise, colour_noise: standard
    deviation of what is seen of each entity in each state, particle units and RGB.
    """

    demonstrations: int = 5
    num_entities: tuple[int, int] = NUM_ENTITIES
    position_noise: float = 0.0
    colour_noise: float = 0.0


def drawn_until(
    good: Callable[[np.ndarray], np.ndarray], count: int, what: str, most: int = _MOST_REDRAWS
) -> None:
    """Call good(rows) for all rows, then for those of which it says (rows,) bool: not yet.

    Raises InvalidInput where some never are: a number about fewer scenes would not be the same.
    """
    rows = np.arange(count)
    for _ in range(most):
        rows = rows[~good(rows)]
        if not len(rows):
            return
    raise InvalidInput(
        f'entities: {len(rows)} of {count} scenes of {what!r} could not be drawn; take fewer'
    )


def placed(
    rng: np.random.Generator, concept: OpenConcept, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start and end (count, M, V) of the movers, and references (count, R, 2)."""
    low, high = concept.bounds
    start = np.zeros((count, concept.movers, concept.changes.stop - concept.changes.start))
    end, where = np.zeros_like(start), np.zeros((count, concept.references, 2))

    def good(rows: np.ndarray) -> np.ndarray:
        some, refs = start[rows], where[rows]
        some[:] = rng.uniform(low, high, some.shape)
        refs[:] = rng.uniform(-1, 1, refs.shape)
        start[rows], where[rows] = some, refs
        end[rows] = done = concept.bring(rng, some, refs)
        fine = ((done >= low) & (done <= high)).all((1, 2))
        fine &= concept.violation(some, some, refs) >= LEAST_CHANGE
        for i in range(concept.references):
            for j in range(i):
                fine &= length(refs[:, i] - refs[:, j]) >= concept.apart
        if concept.possible is not None:
            fine &= concept.possible(some[:, 0], *np.moveaxis(refs, 1, 0))
        return fine

    drawn_until(good, count, concept.name)
    return start, end, where


def presence(
    rng: np.random.Generator, size: tuple[int, ...], num_entities: tuple[int, int], part: int
) -> np.ndarray:
    """Return (*size, N) bool: of those that take part, all, and at least one bystander."""
    low, high = (max(number, part + 1) for number in num_entities)
    return np.arange(high) < rng.integers(low, high + 1, (*size, 1))


def generation(
    rng: np.random.Generator, concept: OpenConcept, sets: int, events: int, conditions: Conditions
) -> EventBatch:
    """Return (S, E) events in which the concept is brought about, each set told by its own."""
    m, r = concept.movers, concept.references
    start, end, where = (
        a.reshape(sets, events, *a.shape[1:]) for a in placed(rng, concept, sets * events)
    )
    present = presence(rng, (sets, events), conditions.num_entities, m + r)
    n = present.shape[-1]
    told = (1,) * m if concept.movers_told else (*((0,) * m), *concept.roles)
    telling = Telling.drawn(rng, sets, max(told, default=0))
    colours, shapes = dressed(rng, told, telling, events, n)
    positions = rng.uniform(-1, 1, (sets, events, n, 2))
    positions[:, :, m : m + r] = where
    (positions if concept.changes == POSITION else colours)[:, :, :m] = end
    movable = present & (np.arange(n) < m)
    if concept.movers_told:
        movable |= present & (np.arange(n) >= m + r) & (rng.random(present.shape) < 0.5)
    after = features(rng, positions, colours, shapes, movable, present)
    before = after.copy()
    before[:, :, :m, concept.changes] = start
    flat = present.reshape(-1, n)
    attention = prefix_mask(flat, m + r)
    batch = EventBatch(
        np.stack((before, after), 2),
        attention.reshape(present.shape),
        present,
        mutable_features(attention, concept.changes, m).reshape(after.shape),
        np.zeros((sets, events, 2), np.int64),
        with_roles(present, m, concept.roles),
    )
    return seen(rng, batch, conditions)


def with_roles(present: np.ndarray, movers: int, roles: tuple[int, ...]) -> np.ndarray:
    """Return `EventBatch.roles` where references with these roles follow the movers."""
    out = np.zeros(present.shape, np.int8)
    out[..., movers : movers + len(roles)] = roles
    return out


def still(
    state: np.ndarray,
    attention: np.ndarray,
    present: np.ndarray,
    roles: np.ndarray | None = None,
) -> EventBatch:
    """Return scenes (S, E) in which nothing happens; state: (S, E, N, NUM_FEATURES)."""
    return EventBatch(
        np.repeat(state[:, :, None], 2, 2),
        attention,
        present,
        np.zeros_like(state),
        np.zeros((*present.shape[:2], 2), np.int64),
        roles,
    )


def seen(rng: np.random.Generator, batch: EventBatch, conditions: Conditions) -> EventBatch:
    """Return events as they are perceived, with noise of each state's own."""
    states, here = batch.states.copy(), batch.present[..., None, :, None]
    if conditions.position_noise:
        states[..., POSITION] += here * rng.normal(
            0, conditions.position_noise, states[..., POSITION].shape
        )
    if conditions.colour_noise:
        noisy = states[..., COLOUR] + rng.normal(
            0, conditions.colour_noise, states[..., COLOUR].shape
        )
        states[..., COLOUR] = here * noisy.clip(0, 1)
    return replace(batch, states=states)
