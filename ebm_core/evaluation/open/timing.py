# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How long a model takes to infer, to identify and to bring about, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from ...relational.model import ConceptModel
from .concepts import CONCEPTS
from .scenes import Conditions, generation

ENTITIES = 8
TIMED = ('0.25 south of the middle of two', 'within 0.35 of A')
_REPEATS = 20


def times_ms(model: ConceptModel, *, seed: int = 1) -> dict[str, float]:
    """Return median milliseconds of one call each, five demonstrations and ENTITIES entities.

    Of two concepts the slower one counts: one whose place is linear in those of two others, which
    codes say exactly, and one of an area, which only the network knows.
    """
    each = [_times_ms(model, name, seed) for name in TIMED]
    return {call: max(times[call] for times in each) for call in each[0]}


def _times_ms(model: ConceptModel, name: str, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    (concept,) = (c for c in CONCEPTS if c.name == name)
    events = generation(rng, concept, 1, 6, Conditions(num_entities=(ENTITIES, ENTITIES)))
    shown = [events.demonstration((0, i)) for i in range(5)]
    asked = events.demonstration((0, 5))
    codes = model.infer(shown)
    calls: dict[str, Callable[[], object]] = {
        'infer': lambda: model.infer(shown),
        'identify': lambda: model.identify(asked.before, codes.argument_code),
        'generate': lambda: model.generate(asked.before, asked.attention, codes.action_code),
    }
    return {call: _median_ms(do) for call, do in calls.items()}


def _median_ms(call: Callable[[], object]) -> float:
    call()
    taken = []
    for _ in range(_REPEATS):
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return 1e3 * float(np.median(taken))
