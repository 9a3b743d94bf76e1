# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A kind of concept that a model is taught afterwards: its events, and what is kept of the rest."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from ..errors import InvalidInput
from ..relational.model import ConceptModel
from ..world.batch import EventBatch
from .contexts import evaluate
from .open.concept import OpenConcept
from .open.concepts import CONCEPTS
from .open.measure import (
    GENERATION,
    GENERATION_HELD_OUT,
    GENERATION_UNFORESEEN,
    measures,
    shares,
)
from .open.scenes import Conditions, generation
from .open.unforeseen import CONCEPTS as UNFORESEEN
from .sharing import random_numbers


class Kept(NamedTuple):
    """Shares in [0, 1] of novel scenes that succeed, each with demonstrations of its own.

    kind: of the kind that was taught. known, lowest: mean and lowest over the named concepts, in
    generation and identification. open, held_out: mean over concepts without a name and over kinds
    held out, both without the kind that was taught; None where no scenes were asked for.
    """

    kind: float
    known: float
    lowest: float
    open: float | None
    held_out: float | None


def concept_named(name: str) -> OpenConcept:
    """Return a concept of the open evaluation; an unknown name raises InvalidInput."""
    every = [*CONCEPTS, *UNFORESEEN]
    found = [concept for concept in every if concept.name == name]
    if not found:
        names = ', '.join(repr(c.name) for c in every if c.held_out)
        raise InvalidInput(f'kind: {name!r} is unknown; kinds held out of all training are {names}')
    return found[0]


def events_of(concept: OpenConcept, number: int, seed: int) -> EventBatch:
    """Return events (number,) in which a concept is brought about; those of evaluations differ."""
    with random_numbers(f'taught/{concept.name}', 0, seed) as rng:
        drawn = generation(rng, concept, number, 1, Conditions())
    return EventBatch(*(getattr(drawn, field.name)[:, 0] for field in fields(EventBatch)))


def kept(
    model: ConceptModel,
    concept: OpenConcept,
    names: tuple[str, ...],
    *,
    scenes: int,
    known_scenes: int,
    open_scenes: int,
    seed: int = 1,
) -> Kept:
    """Measure a model on the kind, on the named concepts, and on all others without a name.

    The same seed draws the same scenes, so that two models are compared in the same ones.
    """
    every = measures(casts=(), relations=())
    generations = (*_GROUPS, GENERATION_UNFORESEEN)
    taught = [m for m in every if m.name == concept.name and m.group in generations]
    others = [m for m in every if m.name != concept.name and m.group in _GROUPS]
    kind = shares(model, taught, Conditions(), scenes=scenes, seed=seed)
    known = evaluate(model, names, scenes=known_scenes, seed=seed)
    rest = shares(model, others, Conditions(), scenes=open_scenes, seed=seed) if open_scenes else {}
    return Kept(
        next(iter(kind[taught[0].group].values())),
        known['mean'],
        known['lowest'],
        *(float(np.mean(list(rest[group].values()))) if rest else None for group in _GROUPS),
    )


_GROUPS = (GENERATION, GENERATION_HELD_OUT)
