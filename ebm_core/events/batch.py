"""A batch of events as arrays, the form in which they are generated, trained on and evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..scene import COLOUR, MOVABLE, POSITION, SHAPE, Demonstration, Scene


@dataclass(frozen=True)
class EventBatch:
    """Events (x⁰, x¹, a) padded to the same number of entities N; leading axes are the batch's.

    before, after: (..., N, NUM_FEATURES) float32, zero where absent.
    attention: (..., N) float32, 1 for the entities that take part. These come first and the actor
        is entity 0: the energy does not depend on the order, and a compact prefix makes the cost
        of an event that of its participants.
    present: (..., N) bool.
    """

    before: np.ndarray
    after: np.ndarray
    attention: np.ndarray
    present: np.ndarray

    def scene(self, index: tuple[int, ...], *, after: bool = False) -> Scene:
        """Return one event's state as a Scene, without the padding."""
        rows = (self.after if after else self.before)[index][self.present[index]]
        return Scene(
            rows[:, POSITION], rows[:, COLOUR], rows[:, SHAPE].argmax(1), rows[:, MOVABLE] > 0.5
        )

    def demonstration(self, index: tuple[int, ...]) -> Demonstration:
        """Return one event as a Demonstration."""
        return Demonstration(
            (self.scene(index), self.scene(index, after=True)),
            self.attention[index][self.present[index]],
        )
