# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What entities look like: those that take part are told by colour, by shape, or only by both.

Colours are anywhere in RGB. Bystanders are as misleading as a person would choose them: where both
tell, most have the colour or the shape of one that takes part, never both.

Shapes: S sets of demonstrations and questions, E events each, N entities, G groups that are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...world.scene import ACTOR_COLOUR, COLOUR, MOVABLE, NUM_FEATURES, POSITION, SHAPE, SHAPES

COLOUR_GAP = 0.35  # in RGB, between groups and to bystanders
COLOUR_JITTER = 0.04  # from entity to entity and event to event
_CROSS = SHAPES.index('cross')
_MISLEADING = 0.8  # share of the bystanders that have one of two attributes, where both tell
_DRAWS = 24


@dataclass(frozen=True)
class Telling:
    """By what those who take part are told, for each of S sets: (S,) bool."""

    by_colour: np.ndarray
    by_shape: np.ndarray

    @staticmethod
    def by(how: str, sets: int) -> Telling:
        """Return the same for all; how: 'colour', 'shape' or 'both'."""
        return Telling(np.full(sets, how != 'shape'), np.full(sets, how != 'colour'))

    @staticmethod
    def drawn(rng: np.random.Generator, sets: int, groups: int) -> Telling:
        """Return one of the three for each; three groups leave no shape to bystanders."""
        how = rng.integers(3 if groups < 3 else 2, size=sets)
        return Telling(how < 2, how > 0)


def dressed(
    rng: np.random.Generator, told: Sequence[int], telling: Telling, events: int, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return colours (S, E, N, 3) and shapes (S, E, N) of `number` = N entities.

    told: of the first entities, 0 for an actor (a black cross), else the group that it belongs to.
    """
    sets, groups = len(telling.by_colour), max(told, default=0)
    size = (sets, events, number)
    by_colour = telling.by_colour[:, None, None]
    by_shape = telling.by_shape[:, None, None]
    both = by_colour & by_shape

    group_colours = np.zeros((sets, 0, 3))
    for _ in range(groups):
        another = far_colours(rng, group_colours, (sets, 1, 1))[:, 0]
        group_colours = np.concatenate((group_colours, another), 1)
    distinct = 1 + rng.permuted(np.tile(np.arange(3), (sets, 1)), axis=1)
    group_shapes = np.where(both[:, 0], rng.integers(1, len(SHAPES), (sets, 3)), distinct)

    anything = rng.uniform(0, 1, (*size, 3))
    colours = np.where(by_colour[..., None], far_colours(rng, group_colours, size), anything)
    shapes = rng.integers(1, len(SHAPES), size)
    if groups:
        of_groups = (group_shapes[:, :groups, None] == np.arange(len(SHAPES))).any(1)
        others = _other_shapes(rng, np.broadcast_to(of_groups[:, None, None], (*size, len(SHAPES))))
        shapes = np.where(by_shape & ~both, others, shapes)
        like, which = rng.integers(groups, size=size), rng.random(size)
        each = np.arange(sets)[:, None, None]
        its_shape = group_shapes[each, like]
        same_colour = both & (which < _MISLEADING / 2)
        same_shape = both & (which >= _MISLEADING / 2) & (which < _MISLEADING)
        colours = np.where(same_colour[..., None], group_colours[each, like], colours)
        not_its = _other_shapes(rng, its_shape[..., None] == np.arange(len(SHAPES)))
        shapes = np.where(same_shape, its_shape, np.where(same_colour, not_its, shapes))
    for index, group in enumerate(told):
        if group == 0:
            colours[:, :, index], shapes[:, :, index] = ACTOR_COLOUR, _CROSS
            continue
        its_colour, its_shape = group_colours[:, None, group - 1], group_shapes[:, None, group - 1]
        colours[:, :, index] = np.where(by_colour, its_colour, anything[:, :, index])
        shapes[:, :, index] = np.where(
            by_shape[..., 0], its_shape, rng.integers(1, len(SHAPES), (sets, events))
        )
    return colours, shapes


def far_colours(
    rng: np.random.Generator, colours: np.ndarray, size: tuple[int, int, int]
) -> np.ndarray:
    """Return colours (*size, 3) that are COLOUR_GAP from the set's `colours` (S, G, 3)."""
    drawn = rng.uniform(0, 1, (*size, _DRAWS, 3))
    gap = np.full(drawn.shape[:-1], COLOUR_GAP)
    for group in range(colours.shape[1]):
        away = np.linalg.norm(drawn - colours[:, None, None, None, group], axis=-1)
        gap = np.minimum(gap, away)
    first_far = gap.argmax(-1)[..., None, None]
    return np.take_along_axis(drawn, first_far, -2).squeeze(-2)


def features(
    rng: np.random.Generator,
    positions: np.ndarray,
    colours: np.ndarray,
    shapes: np.ndarray,
    movable: np.ndarray,
    present: np.ndarray,
) -> np.ndarray:
    """Return states (..., N, NUM_FEATURES) float32 of positions, colours, shapes; (..., N) each."""
    out = np.zeros((*present.shape, NUM_FEATURES), np.float32)
    out[..., POSITION] = positions
    jitter = np.clip(rng.normal(0, COLOUR_JITTER, colours.shape), -0.08, 0.08)
    out[..., COLOUR] = np.clip(colours + jitter, 0, 1)
    np.put_along_axis(out, SHAPE.start + shapes[..., None], 1.0, -1)
    out[..., MOVABLE] = movable
    return out * present[..., None]


def _other_shapes(rng: np.random.Generator, taken: np.ndarray) -> np.ndarray:
    """Return (...) shapes that are not taken (..., SHAPES), nor a cross."""
    wish = rng.random(taken.shape)
    wish[taken] = -1
    wish[..., _CROSS] = -1
    return wish.argmax(-1)
