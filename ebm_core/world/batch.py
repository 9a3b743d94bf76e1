# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A batch of events as arrays, the form in which they are generated, trained on and evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from .scene import COLOUR, MOVABLE, POSITION, SHAPE, Demonstration, Scene


@dataclass(frozen=True)
class EventBatch:
    """Events (x⁰ … xᵀ, a) padded to the same number of entities N; leading axes are the batch's.

    states: (..., T + 1, N, NUM_FEATURES) float32, zero where absent. In the still scenes of
        identification x⁰ and x¹ are the same.
    attention: (..., N) float32, 1 for the entities that take part. These come first, movers before
        references: the energy does not depend on the order, and a compact prefix makes the cost of
        an event that of its participants.
    present: (..., N) bool.
    mutable: (..., N, NUM_FEATURES) float32, 1 for what generation may change.
    any_of: (..., 2) int; where not zero, any choice of that many entities (smallest and largest
        number) is right and `attention` is one of them.
    roles: (..., N) int8, which role an entity plays in the event: 1, 2, 3 of what stays, 0 of what
        is movable. Where none are given, all that stays plays the first.
    """

    states: np.ndarray
    attention: np.ndarray
    present: np.ndarray
    mutable: np.ndarray
    any_of: np.ndarray
    roles: np.ndarray = None  # type: ignore[assignment]  (made below, where none are given)

    def __post_init__(self) -> None:
        if self.roles is None:
            roles = (self.states[..., 0, :, MOVABLE] < 0.5).astype(np.int8)
            object.__setattr__(self, 'roles', roles)

    @staticmethod
    def stack(batches: Sequence[EventBatch]) -> EventBatch:
        """Return batches of the same shape as one, with a new first axis."""
        return EventBatch(
            *(np.stack([getattr(b, f.name) for b in batches]) for f in fields(EventBatch))
        )

    def __getitem__(self, index: object) -> EventBatch:
        """Return the events that a NumPy index of the leading axes picks."""
        return EventBatch(*(getattr(self, f.name)[index] for f in fields(EventBatch)))

    @property
    def before(self) -> np.ndarray:
        """x⁰, (..., N, NUM_FEATURES)."""
        return self.states[..., 0, :, :]

    @property
    def after(self) -> np.ndarray:
        """xᵀ, (..., N, NUM_FEATURES)."""
        return self.states[..., -1, :, :]

    def at_start(self) -> EventBatch:
        """Return the events' x⁰ as still scenes."""
        states = np.repeat(self.states[..., :1, :, :], 2, -3)
        return replace(self, states=states)

    @property
    def participants(self) -> int:
        """The largest number of attended entities of an event."""
        return int(self.attention.sum(-1).max())

    def scene(self, index: tuple[int, ...], time: int = 0) -> Scene:
        """Return one event's state as a Scene, without the padding."""
        rows = self.states[index][time][self.present[index]]
        return Scene(
            rows[:, POSITION], rows[:, COLOUR], rows[:, SHAPE].argmax(1), rows[:, MOVABLE] > 0.5
        )

    def demonstration(self, index: tuple[int, ...]) -> Demonstration:
        """Return one event as a Demonstration; it marks roles where there are several."""
        attention = self.attention[index][self.present[index]]
        roles = np.where(attention > 0.5, self.roles[index][self.present[index]], 0)
        return Demonstration(
            tuple(self.scene(index, t) for t in range(self.states.shape[-3])),
            attention,
            roles if roles.max() > 1 else None,
        )
