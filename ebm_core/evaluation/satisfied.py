# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From which energy on a concept counts as satisfied, and how often that is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..concepts import Concept
from ..relational.model import ConceptModel
from ..relational.satisfaction import TOLERANCE, excess
from ..relational.task import Events
from ..world.batch import EventBatch
from ..world.scene import COLOUR, COLOURS, POSITION
from .contexts import DEMONSTRATIONS, demonstrated
from .sharing import random_numbers

AWAY = (0.2, 0.3)  # how far from satisfied what is not satisfied is, particle units or RGB
_TRIES = 200
_LITTLE = 1e-6

Holds = Callable[[EventBatch, np.ndarray], np.ndarray]


def evaluate_satisfied(
    model: ConceptModel, concepts: Sequence[Concept], *, sets: int = 20, seed: int = 1
) -> dict[str, dict[str, float]]:
    """Return thresholds of energy above the least, and the share that is right, by what changes.

    Of each concept that can be brought about, `sets` scenes, each with demonstrations of its own,
    are judged as they end and with one mover put beside where it ended.
    """
    found: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = defaultdict(list)
    for concept in concepts:
        if concept.generates:
            with random_numbers(f'satisfied/{concept.name}', 0, seed) as rng:
                variable, *judged = _at_ends_and_beside(model, concept, rng, sets)
            found[variable].append(tuple(judged))
    thresholds, right = {}, {}
    for variable, each in found.items():
        good, bad, exact = (np.concatenate(part) for part in zip(*each, strict=True))
        thresholds[variable] = least_errors(good[~exact], bad[~exact])
        limit = np.where(exact, TOLERANCE, thresholds[variable])
        right[variable] = float(((good <= limit).mean() + (bad > limit).mean()) / 2)
    return {'thresholds': thresholds, 'right': right}


def _at_ends_and_beside(
    model: ConceptModel, concept: Concept, rng: np.random.Generator, sets: int
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Return what changes, the `shortfall` of ends and beside them, and where it is exact.

    Ends beside which no place was found are left out: whoever is closest, may be so further off.
    """
    variants = [concept.variant(rng) for _ in range(sets)]
    shown = [
        c.generation(rng, DEMONSTRATIONS + 1, reference_colour=int(rng.integers(len(COLOURS))))
        for c in variants
    ]
    events = EventBatch.stack(shown)
    code = _inferred(model, events[:, :DEMONSTRATIONS])
    asked = events[:, DEMONSTRATIONS]
    variable, short, exact = shortfall(model, asked, code)
    beside, is_found = put_beside(rng, asked, _judge(variants))
    _, short_beside, _ = shortfall(model, beside, code)
    return variable, short[is_found], short_beside[is_found], exact[is_found]


def _inferred(model: ConceptModel, shown: EventBatch) -> Tensor:
    """Return action codes (B, D) of demonstrations (B, M), of ways through time by keyframes."""
    if shown.states.shape[2] == 2:
        return demonstrated(model, shown)
    each = [
        model.infer([shown.demonstration((i, j)) for j in range(shown.states.shape[1])])
        for i in range(len(shown.states))
    ]
    return torch.from_numpy(np.stack([one.action_code for one in each])).float()


def shortfall(
    model: ConceptModel, events: EventBatch, code: Tensor
) -> tuple[str, np.ndarray, np.ndarray]:
    """Return what events (B,) change, and what `satisfaction.excess` says of their ends."""
    e = Events.of(events, keep=events.participants)
    given = (e.states[:, 0], e.states[:, 1:], e.attention, code, e.mutable, e.movers, e.roles)
    short, exact = excess(model.energy, model.sampler, *given)
    return e.variable, short.numpy(), exact.numpy()


def put_beside(
    rng: np.random.Generator, events: EventBatch, holds: Holds
) -> tuple[EventBatch, np.ndarray]:
    """Return events (B,) with a mover moved AWAY from its end so that it does not hold there.

    holds: tells of some events, and which of (B,) they are, whether the concept holds. And (B,)
    bool, for which of them such a place was found.
    """
    feature = COLOUR if events.mutable[..., COLOUR].any() else POSITION
    movers = events.mutable.any(-1).sum(-1)
    states, left = events.states.copy(), np.arange(len(events.states))
    for _ in range(_TRIES):
        if not len(left):
            break
        moved = events[left]
        ends = moved.states.copy()
        way = rng.normal(size=(len(left), feature.stop - feature.start))
        way *= rng.uniform(*AWAY, (len(left), 1)) / np.linalg.norm(way, axis=-1, keepdims=True)
        rows, who = np.arange(len(left)), rng.integers(movers[left])
        off = ~holds(_moved(moved, ends, rows, who, feature, way / 2), left)
        further = _moved(moved, ends, rows, who, feature, way)
        low = 0.0 if feature == COLOUR else -1.0
        end = further.states[rows, -1, who, feature]
        off &= ~holds(further, left) & ((end >= low) & (end <= 1)).all(-1)
        states[left[off]] = further.states[off]
        left = left[~off]
    return replace(events, states=states), ~np.isin(np.arange(len(states)), left)


def _moved(
    events: EventBatch,
    ends: np.ndarray,
    rows: np.ndarray,
    who: np.ndarray,
    feature: slice,
    way: np.ndarray,
) -> EventBatch:
    states = ends.copy()
    states[rows, 1:, who, feature] += way[:, None]
    return replace(events, states=states)


def _judge(variants: Sequence[Concept]) -> Holds:
    def holds(events: EventBatch, which: np.ndarray) -> np.ndarray:
        some = (variants[i].satisfied(events[j : j + 1]) for j, i in enumerate(which))
        return np.array([bool(one[0]) for one in some])

    return holds


def least_errors(good: np.ndarray, bad: np.ndarray) -> float:
    """Return the threshold with the fewest errors: `good` is to be below it, `bad` above.

    Where there is room between them, it is their geometric mean. Of nothing it is one nat.
    """
    if not good.size:
        return 1.0
    tried = np.sort(np.concatenate((good, bad))).clip(_LITTLE)
    between = np.sqrt(tried[1:] * tried[:-1])
    right = [(good <= t).mean() + (bad > t).mean() for t in between]
    return float(between[int(np.argmax(right))])
