# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Still scenes in which a concept holds of one choice of entities, and clearly of no other."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np

from ...world.batch import EventBatch
from .appearance import Telling, dressed, features
from .concept import OpenConcept
from .scenes import Conditions, drawn_until, placed, presence, seen, still
from .who import standing

AMBIGUITY_MARGIN = 0.25  # every other choice violates the concept by as much, particle units
_TRIES = 60  # to add a bystander that makes no other choice hold
_MOST_SCENES = 200


def can_hold(concept: OpenConcept) -> bool:
    """Tell whether the concept has such scenes.

    Where references play several roles, a still scene would have to show who plays which.
    """
    return concept.still and concept.alike


def holding(
    rng: np.random.Generator, concept: OpenConcept, count: int, conditions: Conditions
) -> EventBatch:
    """Return scenes (count, 1), movers and references first; looks carry no hint.

    Bystanders are added one by one as long as there is room for another: crowded scenes are rarer
    than `conditions` ask for.
    """
    part = concept.movers + concept.references
    wanted = presence(rng, (count,), conditions.num_entities, part)
    n = wanted.shape[1]
    positions, movable = np.zeros((count, n, 2)), np.zeros((count, n), bool)
    present = np.zeros_like(wanted)

    def good(rows: np.ndarray) -> np.ndarray:
        some = _crowd(rng, concept, wanted[rows].sum(1), n)
        positions[rows], movable[rows], present[rows] = some
        return present[rows].sum(1) > part

    drawn_until(good, count, concept.name, _MOST_SCENES)
    colours, shapes = dressed(rng, (), Telling.by('colour', count), 1, n)
    if not concept.movers_told:
        actors, _ = dressed(rng, (0,) * n, Telling.by('colour', count), 1, n)
        colours = np.where(movable[:, None, :, None], actors, colours)
        shapes = np.where(movable[:, None], 0, shapes)
    here = present[:, None]
    state = features(rng, positions[:, None], colours, shapes, movable[:, None], here)
    attention = (here & (np.arange(n) < part)).astype(np.float32)
    return standing(seen(rng, still(state, attention, here), conditions))


def _crowd(
    rng: np.random.Generator, concept: OpenConcept, wanted: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions (count, n, 2), movable and present (count, n) of up to wanted (count,)."""
    count, part = len(wanted), concept.movers + concept.references
    positions, movable = np.zeros((count, n, 2)), np.zeros((count, n), bool)
    _, end, where = placed(rng, concept, count)
    positions[:, :part] = np.concatenate((end, where), 1)
    movable[:, : concept.movers] = True
    number = np.full(count, part)
    for new in range(part, n):
        choices = _choices_with(new, concept.movers, concept.references)
        rows = np.flatnonzero((number == new) & (wanted > new))
        for _ in range(_TRIES):
            if not len(rows):
                break
            positions[rows, new] = rng.uniform(-1, 1, (len(rows), 2))
            movable[rows, new] = rng.random(len(rows)) < 0.5
            clear = ~_ambiguous(concept, positions[rows], movable[rows], choices)
            number[rows[clear]] = new + 1
            rows = rows[~clear]
    present = np.arange(n) < number[:, None]
    return positions, movable & present, present


def _ambiguous(
    concept: OpenConcept, positions: np.ndarray, movable: np.ndarray, choices: np.ndarray
) -> np.ndarray:
    """Tell (rows,) whether one of the choices comes within AMBIGUITY_MARGIN."""
    m = concept.movers
    possible = movable[:, choices[:, :m]].all(-1) & ~movable[:, choices[:, m:]].any(-1)
    row, choice = np.nonzero(possible)
    of_choice = positions[row[:, None], choices[choice]]
    end = of_choice[:, :m]
    holds = concept.violation(end, end, of_choice[:, m:]) < AMBIGUITY_MARGIN
    return np.bincount(row[holds], minlength=len(positions)) > 0


@cache
def _choices_with(new: int, movers: int, references: int) -> np.ndarray:
    """Return (choices, movers + references) of the entities up to `new`, which is one of them."""
    everyone = range(new + 1)
    return np.array(
        [
            (*m, *r)
            for m in combinations(everyone, movers)
            for r in combinations([i for i in everyone if i not in m], references)
            if new in m or new in r
        ]
    )
