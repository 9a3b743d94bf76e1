# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a model that says what few demonstrations may mean says it rightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ...relational.model import ConceptModel
from ...world.scene import POSITION
from ..sharing import ALONE, Sharers, random_numbers, shared_out
from .concept import OpenConcept
from .measure import holds_after
from .scenes import Conditions, generation

SURE = 0.9  # how likely the likeliest reading is, if the model is sure
MOST_SETS = 20  # of demonstrations, per concept


def left_open_of(concepts: Sequence[OpenConcept]) -> list[OpenConcept]:
    """Return those with one mover that goes somewhere: others have one reading."""
    return [c for c in concepts if c.movers == 1 and c.changes == POSITION]


def left_open(
    model: ConceptModel,
    conditions: Conditions,
    numbers: Sequence[int],
    concepts: Sequence[OpenConcept],
    sets: int,
    *,
    seed: int = 1,
    processes: Sharers = ALONE,
) -> dict[int, dict[str, float | None]]:
    """Return of so many demonstrations each how many readings are left, and whether they are right.

    sets: of demonstrations, of each concept. readings: their mean number. first: the share in which
    the likeliest one holds in another scene; any: in which one of them does. sure: the share in
    which the likeliest is SURE; right_if_sure: of these, in which it holds.
    """

    def work(job: tuple[int, OpenConcept]) -> np.ndarray:
        number, concept = job
        with random_numbers(f'left open/{concept.name}', number, seed) as rng:
            few = replace(conditions, demonstrations=number)
            return _of_concept(model, concept, few, sets, rng)

    jobs = [(number, concept) for number in numbers for concept in concepts]
    done = np.array(shared_out(jobs, work, processes)).reshape(len(numbers), -1, 4)
    result = {}
    for number, (count, likeliest, first, any_of) in zip(numbers, done.swapaxes(1, 2), strict=True):
        sure = likeliest >= SURE
        result[number] = {
            'readings': float(count.mean()),
            'first': float(first.mean()),
            'any': float(any_of.mean()),
            'sure': float(sure.mean()),
            'right_if_sure': float(first[sure].mean()) if sure.any() else None,
        }
    return result


def _of_concept(
    model: ConceptModel,
    concept: OpenConcept,
    conditions: Conditions,
    sets: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return (sets, 4): how many readings, how likely the first is, whether it or any holds."""
    m = conditions.demonstrations
    events = generation(rng, concept, sets, m + 1, conditions)
    rows = np.zeros((sets, 4))
    for i in range(sets):
        found = model.readings([events.demonstration((i, j)) for j in range(m)])
        codes = torch.from_numpy(np.stack([r.action_code for r in found])).float()
        asked = events[np.full(len(found), i), np.full(len(found), m)]
        holds = holds_after(concept, model, asked, codes)
        rows[i] = len(found), found[0].probability, holds[0], holds.any()
    return rows
