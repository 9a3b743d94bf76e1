# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concept families of the particle world, one file each, and the registry of named concepts.

A family is added by a file with a subclass of `Concept` (or `Arrangement`) and a tuple CONCEPTS,
and its name below.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..world.batch import EventBatch
from ..world.scene import InvalidInput
from . import (
    any_colour,
    colour,
    formation,
    placement,
    proximity,
    quantity,
    region,
    shape,
    temporal,
)
from .concept import SUCCESS_DISTANCE, Concept
from .particles import NUM_ENTITIES

__all__ = [
    'FAMILIES',
    'NUM_ENTITIES',
    'OPEN_FAMILIES',
    'SUCCESS_DISTANCE',
    'Concept',
    'EventBatch',
    'concept_names',
    'concepts_of',
    'get_concept',
    'goal_concept_names',
    'named_concepts',
    'spatial_concept_names',
]

_MODULES = (colour, region, placement, shape, proximity, quantity, temporal)
FAMILIES: dict[str, tuple[Concept, ...]] = {m.CONCEPTS[0].family: m.CONCEPTS for m in _MODULES}
# Families without names of their own: they add to what the grammar draws.
OPEN_FAMILIES: dict[str, tuple[Concept, ...]] = {
    m.CONCEPTS[0].family: m.CONCEPTS for m in (any_colour, formation)
}
_REGISTRY: dict[str, Concept] = {c.name: c for family in FAMILIES.values() for c in family}


def concept_names() -> tuple[str, ...]:
    """Return the names that `get_concept` knows."""
    return tuple(_REGISTRY)


def goal_concept_names() -> tuple[str, ...]:
    """Return the names of those that bring one actor to one goal, which `goal` tells."""
    return ('point', *(c.name for c in FAMILIES['placement']))


def spatial_concept_names() -> tuple[str, ...]:
    """Return the names of those that bring one actor somewhere: to a place, a line, an area."""
    return tuple(
        c.name
        for c in _REGISTRY.values()
        if c.generates and c.changes == 'position' and c.steps == 1
    )


def concepts_of(key: str) -> tuple[Concept, ...]:
    """Return the concepts of a family, or the one of a name."""
    return {**FAMILIES, **OPEN_FAMILIES}.get(key) or (get_concept(key),)


def named_concepts(shares: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names of the concepts among shares of families or names, those that have one."""
    names = [c.name for key, number in shares.items() if number for c in concepts_of(key)]
    return tuple(name for name in names if name in _REGISTRY)


def get_concept(name: str) -> Concept:
    """Return a named concept; an unknown name raises InvalidInput that lists the known ones."""
    try:
        return _REGISTRY[name]
    except KeyError:
        raise InvalidInput(
            f'concept: {name!r} is unknown; known are {", ".join(_REGISTRY)}'
        ) from None
