# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Measuring a model: every number is a share of scenes, counted in pieces that stand alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import Tensor

from ...relational.model import IDENTIFICATION_RESTARTS, ConceptModel
from ...relational.satisfaction import TOLERANCE
from ...world.batch import EventBatch
from ...world.scene import POSITION
from ..contexts import demonstrated, demonstrated_argument, found, generate_events
from ..satisfied import AWAY, shortfall
from ..sharing import ALONE, Sharers, random_numbers, shared_out
from .concept import SUCCESS_DISTANCE, OpenConcept
from .concepts import CONCEPTS
from .holding import can_hold, holding
from .scenes import Conditions, drawn_until, generation
from .unforeseen import CONCEPTS as UNFORESEEN
from .who import CASTS, RELATIONS, Cast, Relation, argument

_PIECE = 125  # scenes at once: what fits into memory and, mostly, into caches

GENERATION, GENERATION_HELD_OUT = 'generation', 'generation, kinds held out'
GENERATION_UNFORESEEN = 'generation, kinds unforeseen'
WHO, WHO_BY_RELATION = 'who', 'who, by relation'
STILL, STILL_HELD_OUT = 'still scenes', 'still scenes, kinds held out'
SATISFIED, SATISFIED_HELD_OUT = 'satisfied', 'satisfied, kinds held out'

Count = Callable[[ConceptModel, np.random.Generator, int, Conditions], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """One number. count: tells (scenes,) bool of so many new scenes whether the model succeeds."""

    group: str
    name: str
    count: Count


def measures(
    concepts: Sequence[OpenConcept] = CONCEPTS,
    casts: Sequence[Cast] = CASTS,
    relations: Sequence[Relation] = RELATIONS,
    unforeseen: Sequence[OpenConcept] = UNFORESEEN,
) -> list[Measure]:
    """Return all that there is to measure."""

    def each(group: str, count: Callable, subjects: Sequence) -> Iterator[Measure]:
        for subject in subjects:
            yield Measure(group, subject.name, partial(count, subject))

    trained = [c for c in concepts if not c.held_out]
    held_out = [c for c in concepts if c.held_out]
    return [
        *each(GENERATION, brought_about, trained),
        *each(GENERATION_HELD_OUT, brought_about, held_out),
        *each(GENERATION_UNFORESEEN, brought_about, unforeseen),
        *each(WHO, taking_part, casts),
        *each(WHO_BY_RELATION, taking_part, relations),
        *each(STILL, satisfying, [c for c in trained if can_hold(c)]),
        *each(STILL_HELD_OUT, satisfying, [c for c in held_out if can_hold(c)]),
        *each(SATISFIED, judged, trained),
        *each(SATISFIED_HELD_OUT, judged, held_out),
    ]


def brought_about(
    concept: OpenConcept,
    model: ConceptModel,
    rng: np.random.Generator,
    scenes: int,
    conditions: Conditions,
) -> np.ndarray:
    """Tell of scenes whether the concept holds after generation, shown in others."""
    m = conditions.demonstrations
    events = generation(rng, concept, scenes, m + 1, conditions)
    return holds_after(concept, model, events[:, m], demonstrated(model, events[:, :m]))


def holds_after(
    concept: OpenConcept, model: ConceptModel, asked: EventBatch, code: Tensor
) -> np.ndarray:
    """Tell of events (B,) whether the concept holds of what the model makes of x⁰; code: (B, D).

    It is judged by what is seen: noise in a scene moves what is asked for with the references.
    """
    asked = asked.at_start()
    done = generate_events(model, asked, code)
    end = done.after[:, : concept.movers, concept.changes].astype(float)
    return concept.violation(end, *_given(concept, asked)) <= SUCCESS_DISTANCE


def _given(concept: OpenConcept, asked: EventBatch) -> tuple[np.ndarray, np.ndarray]:
    """Return where movers begin (B, movers, V), and references (B, R, 2), of events (B,)."""
    movers, part = concept.movers, concept.movers + concept.references
    start, where = asked.before[:, :movers, concept.changes], asked.before[:, movers:part, POSITION]
    return start.astype(float), where.astype(float)


def taking_part(
    cast: Cast | Relation,
    model: ConceptModel,
    rng: np.random.Generator,
    scenes: int,
    conditions: Conditions,
) -> np.ndarray:
    """Tell of scenes whether the entities of every role are found, exactly."""
    m = conditions.demonstrations
    events = cast.draw(rng, scenes, m + 1, conditions)
    right = np.ones(scenes, bool)
    for role in cast.asked:
        shown = argument(events, role)
        code = demonstrated_argument(model, shown[:, :m])
        right &= found(model, shown[:, m], code, IDENTIFICATION_RESTARTS)
    return right


def satisfying(
    concept: OpenConcept,
    model: ConceptModel,
    rng: np.random.Generator,
    scenes: int,
    conditions: Conditions,
) -> np.ndarray:
    """Tell of still scenes whether those of whom the concept holds are found.

    It is shown by acting: the code is the one that would bring it about.
    """
    shown = generation(rng, concept, scenes, conditions.demonstrations, conditions)
    code = demonstrated(model, shown)
    asked = holding(rng, concept, scenes, conditions)[:, 0]
    return found(model, asked, code, IDENTIFICATION_RESTARTS)


def judged(
    concept: OpenConcept,
    model: ConceptModel,
    rng: np.random.Generator,
    scenes: int,
    conditions: Conditions,
) -> np.ndarray:
    """Tell of scenes whether the model knows if the concept holds: in half of them it does.

    In the others a mover was put 0.2 to 0.3 away from where it holds.
    """
    m = conditions.demonstrations
    events = generation(rng, concept, scenes, m + 1, conditions)
    code = demonstrated(model, events[:, :m])
    asked = events[:, m]
    movers, (start, where) = concept.movers, _given(concept, asked)
    spoilt = asked.after[:, :movers, concept.changes].astype(float)
    mover = rng.integers(movers, size=scenes)

    def good(rows: np.ndarray) -> np.ndarray:
        end = asked.after[rows, :movers, concept.changes].astype(float)
        each = np.arange(len(rows)), mover[rows]
        end[each] = rng.uniform(*concept.bounds, end[each].shape)
        spoilt[rows] = end
        off = concept.violation(end, start[rows], where[rows])
        return (off >= AWAY[0]) & (off <= AWAY[1])

    drawn_until(good, scenes, f'{concept.name}, beside')
    holds = np.arange(scenes) % 2 == 0
    states = asked.states.copy()
    states[~holds, -1, :movers, concept.changes] = spoilt[~holds]
    variable, short, exact = shortfall(model, replace(asked, states=states), code)
    limit = np.where(exact, TOLERANCE, (model.satisfied_thresholds or {}).get(variable, 0.0))
    return (short <= limit) == holds


@dataclass(frozen=True)
class Piece:
    """Some scenes of one measure."""

    measure: Measure
    number: int
    scenes: int

    def successes(self, model: ConceptModel, conditions: Conditions, seed: int) -> int:
        """Return in how many scenes the model succeeds."""
        with random_numbers(f'{self.measure.group}/{self.measure.name}', self.number, seed) as rng:
            return int(self.measure.count(model, rng, self.scenes, conditions).sum())


def shares(
    model: ConceptModel,
    some: Sequence[Measure],
    conditions: Conditions,
    *,
    scenes: int = 500,
    seed: int = 1,
    processes: Sharers = ALONE,
) -> dict[str, dict[str, float]]:
    """Return the share of scenes that succeed, by group and name."""
    pieces = [
        Piece(measure, number, min(_PIECE, scenes - at))
        for measure in some
        for number, at in enumerate(range(0, scenes, _PIECE))
    ]
    counts = shared_out(pieces, lambda p: p.successes(model, conditions, seed), processes)
    out: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for piece, count in zip(pieces, counts, strict=True):
        out[piece.measure.group][piece.measure.name] += count / scenes
    return {group: dict(names) for group, names in out.items()}
