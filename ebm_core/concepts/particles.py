# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Drawing particles: how many, where, of which colours and shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import (
    ACTOR_COLOUR,
    COLOUR,
    COLOURS,
    MOVABLE,
    NUM_FEATURES,
    POSITION,
    SHAPE,
    SHAPES,
)

NUM_ENTITIES = (3, 8)  # smallest and largest number of a scene, whoever takes part included
COLOUR_JITTER = 0.04
PALETTE = np.array(list(COLOURS.values()), np.float32)
COLOUR_NAMES = tuple(COLOURS)
_CROSS = SHAPES.index('cross')
_OTHER_SHAPES = np.array([i for i in range(len(SHAPES)) if i != _CROSS])
_MOST_REDRAWS = 500


def presence(
    rng: np.random.Generator, count: int, num_entities: tuple[int, int], fewest: int
) -> np.ndarray:
    """Return (count, N) bool, N = max(num_entities[1], fewest): at least `fewest` are present."""
    low = max(num_entities[0], fewest)
    high = max(num_entities[1], fewest)
    return np.arange(high) < rng.integers(low, high + 1, (count, 1))


def prefix_mask(present: np.ndarray, number: int | np.ndarray) -> np.ndarray:
    """Return the attention (count, N) of events whose first `number` entities take part."""
    index = np.arange(present.shape[1])
    return (index < np.reshape(number, (-1, 1))).astype(np.float32) * present


def redraw(count: int, draw: Callable[[np.ndarray], np.ndarray]) -> None:
    """Call draw(rows) for all rows, then for those of which it says (rows,) bool: not good yet.

    Gives up silently after _MOST_REDRAWS: a crowded scene may have no good draw.
    """
    rows = np.arange(count)
    for _ in range(_MOST_REDRAWS):
        rows = rows[draw(rows)]
        if not len(rows):
            return


def palette_colours(
    rng: np.random.Generator, attention: np.ndarray, reference_colour: int | None
) -> np.ndarray:
    """Return (count, N) indices: the attended have `reference_colour`, no other has it."""
    drawn = rng.integers(len(PALETTE), size=attention.shape)
    if reference_colour is None:
        return drawn
    others = (reference_colour + rng.integers(1, len(PALETTE), size=drawn.shape)) % len(PALETTE)
    return np.where(attention > 0.5, reference_colour, others)


def features(
    rng: np.random.Generator,
    positions: np.ndarray,
    colours: np.ndarray,
    movable: np.ndarray,
    present: np.ndarray,
    *,
    black_crosses: bool,
) -> np.ndarray:
    """Return states (count, N, NUM_FEATURES).

    positions: (count, N, 2); colours: (count, N) palette indices; black_crosses: whether what is
    movable looks like the actor instead.
    """
    out = np.zeros((*present.shape, NUM_FEATURES), np.float32)
    crosses = movable if black_crosses else np.zeros_like(movable)
    out[..., POSITION] = positions
    rgb = np.where(crosses[..., None], ACTOR_COLOUR, PALETTE[colours])
    jitter = np.clip(rng.normal(0, COLOUR_JITTER, rgb.shape), -2 * COLOUR_JITTER, 2 * COLOUR_JITTER)
    out[..., COLOUR] = np.clip(rgb + jitter, 0, 1)
    shape = rng.integers(len(SHAPES), size=present.shape)
    if black_crosses:
        shape = np.where(crosses, _CROSS, rng.choice(_OTHER_SHAPES, present.shape))
    np.put_along_axis(out, SHAPE.start + shape[..., None], 1.0, -1)
    out[..., MOVABLE] = movable
    return out * present[..., None]


def mutable_features(attention: np.ndarray, features: slice, number: int) -> np.ndarray:
    """Return `mutable` (count, N, NUM_FEATURES): `features` of the first `number` entities."""
    out = np.zeros((*attention.shape, NUM_FEATURES), np.float32)
    out[:, :number, features] = 1.0
    return out


def acted(
    before: np.ndarray,
    after: np.ndarray,
    attention: np.ndarray,
    present: np.ndarray,
    changed: slice,
    movers: int = 1,
) -> EventBatch:
    """Return events in which `changed` features of the first `movers` entities are mutable.

    before, after: (count, N, NUM_FEATURES).
    """
    return EventBatch(
        np.stack((before, after), 1),
        attention,
        present,
        mutable_features(attention, changed, movers),
        np.zeros((len(before), 2), np.int64),
    )


def still(
    state: np.ndarray,
    attention: np.ndarray,
    present: np.ndarray,
    any_of: tuple[int, int] | np.ndarray = (0, 0),
) -> EventBatch:
    """Return the still scenes of identification; state: (count, N, NUM_FEATURES)."""
    return EventBatch(
        np.repeat(state[:, None], 2, 1),
        attention,
        present,
        np.zeros_like(state),
        np.broadcast_to(np.asarray(any_of, np.int64), (len(state), 2)).copy(),
    )
