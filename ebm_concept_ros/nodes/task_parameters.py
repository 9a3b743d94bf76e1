# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The task as several nodes are told it: a concept to enact, or the sum of two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import Field

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions import MAX_WEIGHT, composition_from_message
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters
from ebm_concept_ros.nodes.runtime.texts import Text, one_of
from ebm_concept_ros.oracle.arrangements import ARRANGEMENTS
from ebm_concept_ros.types import CompositionRequest
from ebm_core.concepts import Concept, concept_names, get_concept, spatial_concept_names
from ebm_core.concepts.arrangement import Arrangement
from ebm_core.world.scene import COLOURS, InvalidInput

# How much each of the two in a sum counts.
_TWO_WEIGHTS = Text(
    f'two numbers from 0 to {MAX_WEIGHT:.0f}, not both 0, with a comma in between',
    lambda text: _two_weights(text),
)
Colour = Annotated[str, one_of(*COLOURS)]
Weights = Annotated[tuple[float, ...], _TWO_WEIGHTS]


class TaskParameters(Parameters):
    """One concept, or two in a sum; each may refer to entities of a colour."""

    concept: Annotated[str, one_of(*spatial_concept_names())] = Field(
        'between', description='name of the concept that is to be enacted'
    )
    reference_colour: Colour = Field('blue', description='colour of what the concept refers to')
    also: Annotated[str, one_of(*spatial_concept_names(), '')] = Field(
        '', description='name of a second concept, added to it; empty: none'
    )
    also_colour: Colour = Field('red', description='colour of what the second refers to')


def requested_concepts(
    p: TaskParameters, spatial: bool = False
) -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    """Return the concepts, one or two, and the colours of what they refer to.

    spatial: whether the effector must be brought to a place; a sum always does. Raises
    InvalidParameter; two must differ, and so must their colours, by which they are told apart.
    """
    parts = [('concept', p.concept, 'reference_colour', p.reference_colour)]
    if p.also:
        parts.append(('also', p.also, 'also_colour', p.also_colour))
    for which, name, which_colour, colour in parts:
        _require(which, name, concept_names())
        if spatial or p.also:
            why = 'brings the effector to no place; those that do are'
            _require(which, name, spatial_concept_names(), why)
        _require(which_colour, colour, COLOURS)
    if p.also == p.concept:
        raise InvalidParameter(f'parameter also: {p.also!r} is the concept itself')
    if p.also and p.also_colour == p.reference_colour:
        raise InvalidParameter(
            f'parameter also_colour: {p.also_colour!r} is reference_colour too, so that nothing '
            'would tell whom which concept refers to'
        )
    return tuple(get_concept(part[1]) for part in parts), tuple(part[3] for part in parts)


def requested_arrangement(p: TaskParameters) -> Arrangement:
    """Return the concept that is brought about by moving blocks; raises InvalidParameter."""
    why = 'is none that blocks are moved for; those are'
    _require('concept', p.concept, ARRANGEMENTS, why)
    _require('reference_colour', p.reference_colour, COLOURS)
    if p.also:
        raise InvalidParameter(f'parameter also: {p.also!r} refused, blocks are moved for one')
    return ARRANGEMENTS[p.concept]


def composition_parameter(
    concepts: Sequence[str], weights: Sequence[float], name: str = 'composition_weights'
) -> CompositionRequest:
    """Return the sum that parameters ask for, or raise InvalidParameter.

    name: of the parameter that the weights come from.
    """
    try:
        return composition_from_message(
            ros.Composition(concepts=list(concepts), weights=list(weights))
        )
    except InvalidInput as error:
        raise InvalidParameter(f'parameter {name}: {error}') from None


def _two_weights(text: str) -> list[float]:
    weights = [float(part) for part in text.split(',')]
    if len(weights) != 2 or not any(weights) or not all(0.0 <= w <= MAX_WEIGHT for w in weights):
        raise ValueError(text)
    return weights


def _require(
    parameter: str, value: str, known: Collection[str], why: str = 'is unknown; known are'
) -> None:
    if value not in known:
        raise InvalidParameter(f'parameter {parameter}: {value!r} {why} {", ".join(known)}')
