"""Concept families of the particle world, one file each, and the registry of named concepts."""

from __future__ import annotations

from ..scene import InvalidInput
from .batch import EventBatch
from .placement import PlacementConcept, named_placements, sample_placements

__all__ = ['EventBatch', 'PlacementConcept', 'concept_names', 'get_concept', 'sample_placements']

_REGISTRY: dict[str, PlacementConcept] = {c.name: c for c in named_placements()}


def concept_names() -> tuple[str, ...]:
    """Return the names that `get_concept` knows."""
    return tuple(_REGISTRY)


def get_concept(name: str) -> PlacementConcept:
    """Return a named concept; an unknown name raises InvalidInput that lists the known ones."""
    try:
        return _REGISTRY[name]
    except KeyError:
        raise InvalidInput(
            f'concept: {name!r} is unknown; known are {", ".join(_REGISTRY)}'
        ) from None
