# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is to be enacted, as concepts are learned and compositions of them are asked for."""

from __future__ import annotations

from ebm_concept_ros.types import AnyConcept, CompositionRequest, ConceptCodes


class Composer:
    """Remembers concepts by name, the last `max_names` of them, and the composition in force.

    A concept that the composition names becomes a part of it; any other takes its place.
    """

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names
        self._known: dict[str, ConceptCodes] = {}
        self._composition: CompositionRequest | None = None

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the concepts that may be composed."""
        return tuple(self._known)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the composition names and nobody has demonstrated yet."""
        composition = self._composition
        names = () if composition is None else composition.concepts
        return tuple(name for name in names if name not in self._known)

    def learned(self, concept: ConceptCodes) -> AnyConcept | None:
        """Take a concept; return what is to be enacted from now on, None: nothing new yet."""
        self._known.pop(concept.name, None)
        self._known[concept.name] = concept
        composition = self._composition
        if composition is None or concept.name not in composition.concepts:
            self._composition = None
            self._forget()
            return concept
        self._forget()
        return self._composed()

    def codes(self, name: str) -> ConceptCodes | None:
        """Return a concept that may be composed, None where it is not known."""
        return self._known.get(name)

    def remember(self, concept: ConceptCodes) -> None:
        """Take a concept that nothing is to be enacted of yet."""
        self._known.pop(concept.name, None)
        self._known[concept.name] = concept
        self._forget()

    def forget(self, name: str) -> None:
        """Drop a concept; what is enacted of it stays as it is."""
        self._known.pop(name, None)

    def request(self, composition: CompositionRequest) -> AnyConcept | None:
        """Take a composition; return what is to be enacted from now on, None: nothing new yet."""
        self._composition = composition
        return self._composed()

    def _composed(self) -> AnyConcept | None:
        if self._composition is None or self.missing:
            return None
        return self._composition.of(self._known)

    def _forget(self) -> None:
        """Drop the oldest concepts that are too many and have no part in the composition."""
        kept = () if self._composition is None else self._composition.concepts
        for name in [name for name in self._known if name not in kept]:
            if len(self._known) <= self._max_names:
                return
            del self._known[name]
