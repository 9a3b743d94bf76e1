# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts: codes, the weights in a sum of them, and the model that they belong to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions.stamps import ns_to_stamp
from ebm_concept_ros.types import AnyConcept, ComposedConcept, CompositionRequest, ConceptCodes
from ebm_core.world.scene import (
    MAX_ROLES,
    InvalidInput,
)

MAX_TERMS = 8
MAX_WEIGHT = 1e6


def composition_from_message(message: ros.Composition) -> CompositionRequest:
    """Return what is asked for, or raise InvalidInput naming field and reason."""
    return _composition('composition.', message.concepts, message.weights)


def composition_of(concepts: Sequence[str], weights: Sequence[float]) -> CompositionRequest:
    """Return what a request asks for, no weights being all 1, or raise InvalidInput."""
    return _composition('', concepts, weights if len(weights) else [1.0] * len(concepts))


def _composition(
    prefix: str, concepts: Sequence[str], weights: Sequence[float]
) -> CompositionRequest:
    names = tuple(concepts)
    _check_number(f'{prefix}concepts', len(names))
    for index, name in enumerate(names):
        if not name:
            raise InvalidInput(f'{prefix}concepts[{index}]: empty')
        if name in names[:index]:
            raise InvalidInput(f'{prefix}concepts[{index}]: {name!r} is there already')
    if len(weights) != len(names):
        raise InvalidInput(f'{prefix}weights: {len(weights)} values for {len(names)} concepts')
    return CompositionRequest(names, _checked_weights(f'{prefix}weights', weights))


def concept_from_message(message: ros.Concept, model_sha256: str, code_size: int) -> AnyConcept:
    """Return what is to be enacted, or raise InvalidInput naming field and reason.

    A concept belongs to the weights that it was inferred with: another hash is refused.
    """
    if not message.name:
        raise InvalidInput('concept.name: empty')
    if message.model_sha256 != model_sha256:
        raise InvalidInput(
            f'concept.model_sha256: {message.model_sha256[:12] or "empty"} is not that of the '
            f'weights loaded here, {model_sha256[:12]}'
        )
    _check_number('concept.terms', len(message.terms))
    weights = _checked_weights('concept.terms[].weight', [t.weight for t in message.terms])
    terms = tuple(
        _term(term, f'concept.terms[{index}]', model_sha256, code_size)
        for index, term in enumerate(message.terms)
    )
    return terms[0] if len(terms) == 1 else ComposedConcept(message.name, terms, weights)


def concept_to_message(concept: AnyConcept, stamp_ns: int = 0) -> ros.Concept:
    """Return the message of what is to be enacted."""
    return ros.Concept(
        header=Header(stamp=ns_to_stamp(stamp_ns)),
        name=concept.name,
        model_sha256=concept.model_sha256,
        terms=[
            ros.ConceptTerm(
                name=term.name,
                weight=float(weight),
                action_code=_doubles(term.action_code),
                argument_code=_doubles(term.argument_code),
                demonstrations=term.demonstrations,
                action_energies=_doubles(term.action_energies),
                argument_energies=_doubles(term.argument_energies),
                understanding=term.understanding,
                understanding_threshold=term.understanding_threshold,
            )
            for term, weight in zip(concept.terms, concept.weights, strict=True)
        ],
    )


def summary_to_message(
    name: str,
    demonstrations: int,
    codes: ConceptCodes | None,
    is_known: bool,
    saved_at: datetime | None,
) -> ros.ConceptSummary:
    """Return what is known of a concept; codes: None where they have not been inferred yet."""
    saved_ns = 0 if saved_at is None else round(saved_at.timestamp() * 1e9)
    return ros.ConceptSummary(
        name=name,
        demonstrations=demonstrations,
        is_known=is_known,
        is_saved=saved_at is not None,
        saved_at=ns_to_stamp(saved_ns),
        understanding=math.nan if codes is None else codes.understanding,
        understanding_threshold=math.nan if codes is None else codes.understanding_threshold,
    )


def _term(term: ros.ConceptTerm, field: str, model_sha256: str, code_size: int) -> ConceptCodes:
    if not term.name:
        raise InvalidInput(f'{field}.name: empty')
    codes = {}
    for part, most in (('action_code', 1), ('argument_code', MAX_ROLES)):
        code = np.array(getattr(term, part), float)
        if len(code) not in [roles * code_size for roles in range(1, most + 1)]:
            several = f', one for each of up to {most} roles' if most > 1 else ''
            raise InvalidInput(
                f'{field}.{part}: {len(code)} values, the model has codes of {code_size}{several}'
            )
        if not np.isfinite(code).all():
            raise InvalidInput(f'{field}.{part}: contains NaN or infinity')
        code.setflags(write=False)
        codes[part] = code
    return ConceptCodes(
        term.name,
        codes['action_code'],
        codes['argument_code'],
        model_sha256,
        term.demonstrations,
        tuple(term.action_energies),
        tuple(term.argument_energies),
        term.understanding,
        term.understanding_threshold,
    )


def _check_number(field: str, number: int) -> None:
    if not 1 <= number <= MAX_TERMS:
        raise InvalidInput(f'{field}: {number} given, allowed are 1 to {MAX_TERMS}')


def _checked_weights(field: str, weights: Sequence[float]) -> tuple[float, ...]:
    for index, weight in enumerate(weights):
        if not (math.isfinite(weight) and 0.0 <= weight <= MAX_WEIGHT):
            where = field.replace('[]', f'[{index}]') if '[]' in field else f'{field}[{index}]'
            raise InvalidInput(f'{where}: {weight} is not within [0, {MAX_WEIGHT:g}]')
    if not any(weights):
        raise InvalidInput(f'{field}: all are 0, so nothing is asked for')
    return tuple(float(weight) for weight in weights)


def _doubles(values: Iterable[float]) -> array:
    return array('d', (float(v) for v in values))
