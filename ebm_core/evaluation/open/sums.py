# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of two or three concepts that have no name, each shown by itself.

Of rings, lines, regions and places, in one role or in several: all can hold at one place, which is
known, and each is judged by its own predicate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...relational.model import ConceptModel
from ..composition import (
    DISTRACTORS,
    JOINT_TOLERANCE,
    SUM,
    enacted,
    shares_of_sums,
)
from ..contexts import DEMONSTRATIONS, demonstrated
from ..sharing import ALONE, Sharers, random_numbers
from .appearance import Telling, dressed, features
from .concept import SUCCESS_DISTANCE, Place
from .concepts import CONCEPTS
from .geometry import length
from .scenes import Conditions, drawn_until, generation

RING, WIDE_RING = '0.3 from A, from wherever it comes', '0.55 from A, from wherever it comes'
IN_LINE, EQUALLY_FAR = 'in line with two others', 'equally far from two'
TILTED, LINE = 'north-east of a tilted line', 'on the line y = x / 2 − 0.2'
DISC, LEFT, EAST = 'within 0.35 of A', 'left of x = −0.3', 'east of A'
NEARER, THIRD = 'nearer to A than to B', 'one third of the way from A to B'
PAIRS: tuple[tuple[str, ...], ...] = (
    (RING, IN_LINE),
    (WIDE_RING, EQUALLY_FAR),
    (LEFT, RING),
    (EAST, RING),
    ('0.4 from the middle of two', TILTED),
    (LINE, WIDE_RING),
    (DISC, EQUALLY_FAR),
    (DISC, TILTED),
    (THIRD, '0.35 south-east of A'),
    (THIRD, EQUALLY_FAR),
    ('halfway to A', RING),
    ('on the segment of two', 'on a line at 35° through A'),
    (LINE, 'twice as far from A as from B'),
    (NEARER, RING),
    ('in the rectangle [−0.8, −0.1] × [0.1, 0.6]', IN_LINE),
)
TRIPLES: tuple[tuple[str, ...], ...] = (
    (RING, IN_LINE, TILTED),
    (LEFT, DISC, EQUALLY_FAR),
    (LINE, WIDE_RING, NEARER),
    (THIRD, '0.15 north of A', EAST),
)
_BY_NAME = {c.name: c for c in CONCEPTS if isinstance(c, Place)}


def evaluate_open_sums(
    model: ConceptModel,
    *,
    scenes: int = 500,
    seed: int = 1,
    only: Sequence[str] = (),
    processes: Sharers = ALONE,
) -> dict[str, dict[str, float]]:
    """Return shares of scenes in which all concepts of a sum hold, and in which each does.

    only: words, of which the name of a sum has one. The processes share the work.
    """
    sums = (*PAIRS, *TRIPLES)
    return shares_of_sums(
        sums, lambda names, *piece: _holds(model, names, *piece, seed), scenes, only, processes
    )


@torch.no_grad()
def _holds(
    model: ConceptModel, names: Sequence[str], number: int, scenes: int, seed: int
) -> np.ndarray:
    """Tell (scenes, names) of scenes, the piece of that number, whether each concept holds."""
    concepts = [_BY_NAME[name] for name in names]
    with random_numbers(f'open/{SUM.join(names)}', number, seed) as rng:
        start, where = _placed(rng, concepts, scenes)
        state, gates, roles = _scenes(rng, concepts, start, where)
        conditions = Conditions(DEMONSTRATIONS)
        codes = [
            demonstrated(model, generation(rng, c, scenes, DEMONSTRATIONS, conditions))
            for c in concepts
        ]
        end = enacted(model, torch.from_numpy(state), codes, gates, roles).astype(float)
    off = [
        concept.violation(end[:, None], start[:, None], refs)
        for concept, refs in zip(concepts, where, strict=True)
    ]
    return np.stack(off, 1) <= SUCCESS_DISTANCE


def _placed(
    rng: np.random.Generator, concepts: Sequence[Place], count: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return where the actor starts (count, 2), and the references (count, R, 2) of each concept.

    The first concept says where it holds, and what the others refer to is moved there.
    """
    start = np.zeros((count, 2))
    where = [np.zeros((count, concept.references, 2)) for concept in concepts]

    def good(rows: np.ndarray) -> np.ndarray:
        start[rows] = some = rng.uniform(-1, 1, (len(rows), 2))
        refs = [rng.uniform(-1, 1, (len(rows), *each.shape[1:])) for each in where]
        place = _shown(rng, concepts[0], some, refs[0])
        fine = (np.abs(place) <= 1).all(-1)
        for i, concept in enumerate(concepts):
            if i and concept.references:
                away = place - _shown(rng, concept, some, refs[i])
                refs[i] = refs[i] + away[:, None]
            where[i][rows] = refs[i]
            args = (some, *np.moveaxis(refs[i], 1, 0))
            fine &= concept.off(place, *args) <= JOINT_TOLERANCE
            fine &= (np.abs(refs[i]) <= 1).all((1, 2))
            if concept.possible is not None:
                fine &= concept.possible(*args)
        every = np.concatenate(refs, 1)
        for j in range(1, every.shape[1]):
            fine &= (length(every[:, :j] - every[:, j : j + 1]) >= 0.15).all(-1)
        return fine

    drawn_until(good, count, SUM.join(c.name for c in concepts), 20_000)
    return start, where


def _shown(
    rng: np.random.Generator, concept: Place, start: np.ndarray, refs: np.ndarray
) -> np.ndarray:
    """Return a place (B, 2) where a demonstrator would show the concept."""
    return concept.bring(rng, start[:, None], refs)[:, 0]


def _scenes(
    rng: np.random.Generator,
    concepts: Sequence[Place],
    start: np.ndarray,
    where: Sequence[np.ndarray],
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return states (B, N, F), and the attention (N,) and roles (N,) of each concept."""
    count, n = len(start), 1 + sum(each.shape[1] for each in where) + DISTRACTORS
    others = rng.uniform(-1, 1, (count, DISTRACTORS, 2))
    positions = np.concatenate((start[:, None], *where, others), 1)
    gates, roles, begin = [], [], 1
    for concept in concepts:
        gate, role = np.zeros(n, np.float32), np.zeros(n, np.int8)
        gate[0] = gate[begin : begin + concept.references] = 1.0
        role[begin : begin + concept.references] = concept.roles
        gates.append(gate)
        roles.append(role)
        begin += concept.references
    colours, shapes = dressed(rng, (0,), Telling.by('colour', count), 1, n)
    movable = np.broadcast_to(np.arange(n) == 0, (count, n))
    present = np.ones((count, n), bool)
    state = features(rng, positions, colours[:, 0], shapes[:, 0], movable, present)
    return state, gates, roles
