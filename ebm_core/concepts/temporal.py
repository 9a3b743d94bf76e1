# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Temporal: the actor comes to another entity, but only after that one has started to move.

Events are trajectories x⁰ … x⁴. In step `start` the leader begins to move and goes on to the end;
until then the follower stays where it is, from the next step on it is with the leader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import POSITION
from ..world.trajectory import WAY_STEPS as STEPS
from .concept import SUCCESS_DISTANCE, Concept
from .particles import (
    NUM_ENTITIES,
    features,
    mutable_features,
    palette_colours,
    prefix_mask,
    presence,
    redraw,
)

STRIDE = (0.1, 0.25)  # of whoever moves, particle units per step
NEVER = STEPS + 1
AMBIGUITY_MARGIN = 0.25


@dataclass(frozen=True)
class Follow(Concept):
    """The follower is entity 0, the leader entity 1."""

    family: ClassVar[str] = 'temporal'
    steps: ClassVar[int] = STEPS
    num_references: ClassVar[int] = 1
    num_participants: ClassVar[int] = 2

    def generation(
        self,
        rng: np.random.Generator,
        count: int,
        num_entities: tuple[int, int] = NUM_ENTITIES,
        reference_colour: int = 0,
    ) -> EventBatch:
        """Return (count,) events; x⁰ and everybody else's motion are given, the follower's is not.

        While nothing is generated yet, the follower stays where it is.
        """
        present = presence(rng, count, num_entities, 2)
        attention = prefix_mask(present, 2)
        paths, start = _paths(rng, present)
        _follow(paths, start, np.zeros(count, np.int64))
        state = features(
            rng,
            paths[:, 0],
            palette_colours(rng, attention, reference_colour),
            prefix_mask(present, 1) > 0,
            present,
            black_crosses=True,
        )
        return EventBatch(
            _along(state, paths, present),
            attention,
            present,
            mutable_features(attention, POSITION, 1),
            np.zeros((count, 2), np.int64),
        )

    def identification(
        self, rng: np.random.Generator, count: int, num_entities: tuple[int, int] = NUM_ENTITIES
    ) -> EventBatch:
        """Return (count,) scenes in motion; another actor may follow too early, or not at all."""
        present = presence(rng, count, num_entities, 3)
        attention = prefix_mask(present, 2)
        distractor = present & (attention < 0.5)
        movable = (prefix_mask(present, 1) > 0) | (distractor & (rng.random(present.shape) < 0.5))
        paths = np.zeros((count, STEPS + 1, present.shape[1], 2))

        def draw(rows: np.ndarray) -> np.ndarray:
            drawn, start = _paths(rng, present[rows])
            early = rng.integers(1, 3, len(rows))
            _follow(drawn, start, np.zeros(len(rows), np.int64))
            # The third entity: where it can move at all, half of the time it follows too early.
            hasty = movable[rows, 2] & present[rows, 2] & (rng.random(len(rows)) < 0.5)
            for row in np.flatnonzero(hasty):
                first_step = max(1, start[row, 1] + 1 - early[row])
                drawn[row, :first_step, 2] = drawn[row, 0, 2]
                drawn[row, first_step:, 2] = drawn[row, first_step:, 1]
            paths[rows] = drawn
            return _ambiguous(drawn, movable[rows], present[rows])

        redraw(count, draw)
        state = features(
            rng,
            paths[:, 0],
            palette_colours(rng, attention, None),
            movable,
            present,
            black_crosses=True,
        )
        return EventBatch(
            _along(state, paths, present),
            attention,
            present,
            np.zeros_like(state),
            np.zeros((count, 2), np.int64),
        )

    def satisfied(self, events: EventBatch) -> np.ndarray:
        """Tell whether the follower waited for the leader to move, and then came to it."""
        paths = events.states[..., POSITION]
        if paths.shape[-3] != STEPS + 1:
            return np.zeros(events.attention.shape[:-1], bool)
        return _violation(paths[..., 0, :], paths[..., 1, :]) <= SUCCESS_DISTANCE


def _paths(rng: np.random.Generator, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return paths (rows, STEPS + 1, N, 2), and (rows, N) in which step each entity starts.

    Entity 1, the leader, always moves, and leaves a step to follow it in; others may never move.
    """
    rows, n = present.shape
    start = rng.integers(1, NEVER + 1, (rows, n))
    start[:, 1] = rng.integers(1, STEPS, rows)
    paths = np.zeros((rows, STEPS + 1, n, 2))

    def draw(todo: np.ndarray) -> np.ndarray:
        angle = rng.uniform(0, 2 * np.pi, (len(todo), n))
        stride = rng.uniform(*STRIDE, (len(todo), n, 1))
        velocity = stride * np.stack((np.cos(angle), np.sin(angle)), -1)
        time = np.arange(STEPS + 1)[None, :, None, None]
        moved = np.maximum(time - (start[todo][:, None, :, None] - 1), 0)
        paths[todo] = rng.uniform(-1, 1, (len(todo), 1, n, 2)) + moved * velocity[:, None]
        return (np.abs(paths[todo, -1, 1]) > 1).any(-1)

    redraw(rows, draw)
    return np.clip(paths, -1.25, 1.25), start


def _follow(paths: np.ndarray, start: np.ndarray, follower: np.ndarray) -> None:
    """Change the follower's path into one that satisfies the concept."""
    time = np.arange(STEPS + 1)[None, :, None]
    waits = time <= start[:, 1, None, None]
    rows = np.arange(len(paths))
    path = paths[rows, :, follower]
    paths[rows, :, follower] = np.where(waits, path[:, :1], paths[:, :, 1])


def _violation(follower: np.ndarray, leader: np.ndarray) -> np.ndarray:
    """Return (...) how far two paths (..., STEPS + 1, 2) are from the concept, particle units.

    Infinite where the leader never moves, or only in the last step.
    """
    moved = np.linalg.norm(np.diff(leader, axis=-2), axis=-1) > STRIDE[0] / 2
    started = moved.argmax(-1) + 1  # the step in which it starts
    early = np.arange(1, STEPS + 1) <= started[..., None]
    strayed = np.linalg.norm(follower[..., 1:, :] - follower[..., :1, :], axis=-1)
    apart = np.linalg.norm(follower[..., -1, :] - leader[..., -1, :], axis=-1)
    violation = np.maximum((strayed * early).max(-1), apart)
    return np.where(moved.any(-1) & (started < STEPS), violation, np.inf)


def _ambiguous(paths: np.ndarray, movable: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Tell (rows,) whether another pair comes within AMBIGUITY_MARGIN of the concept."""
    path = paths.swapaxes(1, 2)  # (rows, N, STEPS + 1, 2)
    violation = _violation(path[:, :, None], path[:, None])
    possible = (movable & present)[:, :, None] & (~movable & present)[:, None]
    possible[:, 0, 1] = False
    return (possible & (violation < AMBIGUITY_MARGIN)).any((1, 2))


def _along(state: np.ndarray, paths: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the state (rows, N, F) along the paths, (rows, STEPS + 1, N, F)."""
    states = np.repeat(state[:, None], STEPS + 1, 1)
    states[..., POSITION] = paths * present[:, None, :, None]
    return states


CONCEPTS = (Follow('follow'),)
