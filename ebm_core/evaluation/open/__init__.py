# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Teach it anything: concepts written by hand that no model was trained on by name.

    python -m ebm_core evaluate --open --model DIR

They are predicates, independent of the grammar that training draws from; nothing here uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ...errors import InvalidInput
from ...relational.explanations import FEW
from ...relational.model import ConceptModel
from ..composition import has_one
from ..sharing import ALONE, Sharers
from .concepts import CONCEPTS
from .left_open import MOST_SETS, left_open, left_open_of
from .measure import GENERATION, GENERATION_HELD_OUT, measures, shares
from .scenes import Conditions
from .table import open_table, summary
from .timing import times_ms
from .understood import foretold
from .unforeseen import CONCEPTS as UNFORESEEN

__all__ = ['Conditions', 'evaluate_open', 'open_table']


def evaluate_open(
    model: ConceptModel,
    conditions: Conditions,
    *,
    scenes: int = 500,
    seed: int = 1,
    curve: Sequence[int] = (),
    only: Sequence[str] = (),
    sets: int = 0,
    processes: Sharers = ALONE,
) -> dict:
    """Return the shares of scenes that succeed, each scene with demonstrations of its own.

    only: words, of which a concept's name has one; none: all are measured.
    curve: numbers of demonstrations for which generation is measured as well. sets: how many sets
    of demonstrations, of each concept, tell whether understanding foretells success; 0: none. The
    processes share the work; the numbers are the same.
    """
    how = {'scenes': scenes, 'seed': seed, 'processes': processes}
    some = [m for m in measures() if has_one(m.name, only)]
    concepts = [c for c in CONCEPTS if has_one(c.name, only)]
    if not some or (sets and not concepts):
        raise InvalidInput(f'only: no concept has {" or ".join(only)} in its name')
    rows = shares(model, some, conditions, **how)
    result = {
        'scenes': scenes,
        'seed': seed,
        **asdict(conditions),
        'summary': summary(rows),
        'shares': rows,
    }
    generated = [m for m in some if m.group in (GENERATION, GENERATION_HELD_OUT)]
    if curve:
        result['curve'] = {
            number: summary(
                shares(model, generated, replace(conditions, demonstrations=number), **how)
            )
            for number in curve
        }
        numbers = [number for number in curve if number <= FEW]
        asked = left_open_of(concepts)
        if numbers and asked:
            result['left_open'] = left_open(
                *(model, conditions, numbers, asked, min(scenes, MOST_SETS)),
                seed=seed,
                processes=processes,
            )
    if sets:
        result['understanding'] = foretold(
            model, conditions, sets=sets, seed=seed, concepts=concepts, processes=processes
        )
        if unforeseen := [c for c in UNFORESEEN if has_one(c.name, only)]:
            result['understanding_unforeseen'] = foretold(
                model, conditions, sets=sets, seed=seed, concepts=unforeseen, processes=processes
            )
    if processes.leads:  # when the others are done: a time is of a core that nobody shares
        result['times_ms'] = times_ms(model)
    return result
