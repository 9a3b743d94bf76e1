# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether the model knows what it does not know: whether *understood* foretells success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...relational.model import ConceptModel, ModelError
from ...world.batch import EventBatch
from ...world.scene import Demonstration
from ..contexts import demonstrated
from ..sharing import ALONE, Sharers, random_numbers, shared_out
from .concept import OpenConcept
from .concepts import CONCEPTS
from .measure import holds_after
from .scenes import Conditions, drawn_until, generation

FURTHER = 8  # scenes in which a code is tried
MOST_OF_THEM = 0.8  # share of them in which it succeeds, if it was understood
WRONG_BY = 0.3  # how far from satisfied a wrong demonstration ends, particle units


def foretold(
    model: ConceptModel,
    conditions: Conditions,
    *,
    sets: int,
    seed: int = 1,
    concepts: Sequence[OpenConcept] = CONCEPTS,
    processes: Sharers = ALONE,
) -> dict:
    """Return how well the gate foretells success, and how often a wrong demonstration is named.

    sets: of demonstrations, of each concept; all are in one table. understood: their share.
    of_understood: of these, the share that succeed in most of FURTHER scenes; of_others: of the
    others, the share that do not. wrong_named: share of sets with one wrong demonstration in which
    it is named; wrong_refused: in which they are not understood. Raises ModelError where the model
    has no threshold.
    """
    threshold = model.understanding_threshold
    if threshold is None:
        raise ModelError('the model has no threshold of understanding; see ebm_core understand')

    def work(concept: OpenConcept) -> tuple[np.ndarray, ...]:
        with random_numbers(f'understood/{concept.name}', 0, seed) as rng:
            scores, succeeds = _scores_and_success(model, concept, rng, sets, conditions)
            named, of_wrong = _one_wrong(model, concept, rng, sets, conditions)
            return scores >= threshold, succeeds, named, of_wrong < threshold

    done = shared_out(concepts, work, processes)
    understood, succeeds, named, refused = (np.array(part) for part in zip(*done, strict=True))
    return {
        'sets': sets,
        'threshold': threshold,
        'understood': float(understood.mean()),
        'of_understood': _share(succeeds[understood]),
        'of_others': _share(~succeeds[~understood]),
        'wrong_named': float(named.mean()),
        'wrong_refused': float(refused.mean()),
        'concepts': {
            concept.name: {
                'understood': float(u.mean()),
                'succeeds': float(s.mean()),
                'wrong_named': float(n.mean()),
            }
            for concept, u, s, n in zip(concepts, understood, succeeds, named, strict=True)
        },
    }


def odd_one_out(model: ConceptModel, demonstrations: Sequence[Demonstration]) -> int:
    """Return which demonstration, left out, leaves the others with the least energy."""
    left = [
        model.infer([d for j, d in enumerate(demonstrations) if j != i]).action_energies.mean()
        for i in range(len(demonstrations))
    ]
    return int(np.argmin(left))


def _scores_and_success(
    model: ConceptModel,
    concept: OpenConcept,
    rng: np.random.Generator,
    sets: int,
    conditions: Conditions,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of understanding (sets,), and whether most further scenes succeed."""
    m = conditions.demonstrations
    events = generation(rng, concept, sets, m + FURTHER, conditions)
    scores = [model.understanding(_demonstrations(events, i, m)) for i in range(sets)]
    code = demonstrated(model, events[:, :m]).repeat_interleave(FURTHER, 0)
    further = events[np.repeat(np.arange(sets), FURTHER), m + np.tile(np.arange(FURTHER), sets)]
    holds = holds_after(concept, model, further, code).reshape(sets, FURTHER)
    return np.array(scores), holds.mean(1) >= MOST_OF_THEM


def _one_wrong(
    model: ConceptModel,
    concept: OpenConcept,
    rng: np.random.Generator,
    sets: int,
    conditions: Conditions,
) -> tuple[np.ndarray, np.ndarray]:
    """Tell of sets (sets,) with one wrong demonstration whether it is odd, and return scores."""
    m = conditions.demonstrations
    events = generation(rng, concept, sets, m, conditions)
    which = rng.integers(m, size=sets)
    spoilt = spoil(rng, concept, events[np.arange(sets), which])
    states = events.states.copy()
    states[np.arange(sets), which] = spoilt.states
    events = replace(events, states=states)
    each = [_demonstrations(events, i, m) for i in range(sets)]
    named = [odd_one_out(model, shown) == i for shown, i in zip(each, which, strict=True)]
    return np.array(named), np.array([model.understanding(shown) for shown in each])


def spoil(rng: np.random.Generator, concept: OpenConcept, events: EventBatch) -> EventBatch:
    """Return events (B,) that end anywhere but where the concept holds."""
    movers, part = concept.movers, concept.movers + concept.references
    states = events.states.copy()
    start, where = events.before[:, :movers, concept.changes], events.before[:, movers:part, :2]

    def good(rows: np.ndarray) -> np.ndarray:
        end = rng.uniform(*concept.bounds, start[rows].shape)
        states[rows, -1, :movers, concept.changes] = end
        return concept.violation(end, start[rows], where[rows]) >= WRONG_BY

    drawn_until(good, len(states), f'{concept.name}, wrong')
    return replace(events, states=states)


def _demonstrations(events: EventBatch, one: int, number: int) -> list[Demonstration]:
    return [events.demonstration((one, j)) for j in range(number)]


def _share(which: np.ndarray) -> float | None:
    return float(which.mean()) if which.size else None
