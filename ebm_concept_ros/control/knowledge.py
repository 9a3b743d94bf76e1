# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of concepts by name: their codes, what they came from, and the library of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.control.collection import Shown
from ebm_concept_ros.control.composer import Composer
from ebm_concept_ros.control.satisfaction import Satisfaction, satisfaction
from ebm_concept_ros.control.target import Target, make_target
from ebm_concept_ros.types import AnyConcept, CompositionRequest, ConceptCodes, NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.library.entry import SavedCodes, SavedConcept
from ebm_core.library.library import ConceptLibrary, LibraryError
from ebm_core.world.scene import Demonstration, InvalidInput, Scene

if TYPE_CHECKING:
    from ebm_core.relational.agreement import Agreement
    from ebm_core.relational.model import ConceptModel


@dataclass(frozen=True, eq=False)
class Summary:
    """What is known of one concept. codes: None where they have not been inferred yet."""

    name: str
    demonstrations: int
    codes: ConceptCodes | None
    is_known: bool
    saved_at: datetime | None


class Knowledge:
    """Concepts with the demonstrations that they are inferred from, and a library of them.

    library: None, and what needs it raises InvalidInput. Not for two threads at once.
    """

    def __init__(
        self, model: ConceptModel, composer: Composer, library: ConceptLibrary | None, seed: int
    ) -> None:
        self._model = model
        self._composer = composer
        self._library = library
        self._seed = seed
        self._inferred_from: dict[str, Shown] = {}

    @property
    def inferred_from(self) -> dict[str, Shown]:
        """The demonstrations of each concept that is known."""
        return {name: self._inferred_from[name] for name in self._composer.known}

    def infer(self, name: str, demonstrations: Sequence[Demonstration]) -> ConceptCodes:
        """Return what demonstrations amount to; it is known once it has been `taken`."""
        # The arm brings about a single state: it is told, and told apart, by where events end.
        how = {'seed': self._seed, 'in_time': False}
        inferred = self._model.infer(list(demonstrations), **how)
        threshold = self._model.understanding_threshold
        return ConceptCodes(
            name,
            inferred.action_code,
            inferred.argument_code,
            self._model.sha256,
            len(demonstrations),
            tuple(inferred.action_energies),
            tuple(inferred.argument_energies),
            self._model.understanding(list(demonstrations), **how),
            math.nan if threshold is None else threshold,
        )

    def take(self, concept: ConceptCodes, demonstrations: Sequence[Demonstration]) -> None:
        """Remember what a concept that the composer has learned was inferred from."""
        self._inferred_from[concept.name] = tuple(demonstrations)
        self._inferred_from = self.inferred_from  # what the composer forgot is forgotten

    def codes(self, name: str) -> ConceptCodes:
        """Return a concept's codes, loaded where they are in the library alone, or InvalidInput."""
        known = self._composer.codes(name)
        if known is not None:
            return known
        if self._library is None:
            raise InvalidInput(
                f'concept: {name!r} is not known; known are '
                f'{", ".join(map(repr, self._composer.known)) or "none"}'
            )
        return self.load(name)

    def composed(self, request: CompositionRequest) -> AnyConcept:
        """Return the sum of concepts that are known or in the library; raises InvalidInput."""
        return request.of({name: self.codes(name) for name in request.concepts})

    def summaries(self) -> tuple[list[Summary], tuple[str, ...]]:
        """Return what is known and what is in the library, by name; and what of it is damaged."""
        saved, damaged = {}, ()
        if self._library is not None:
            contents = self._library.contents()
            saved = {concept.name: concept for concept in contents.concepts}
            damaged = contents.damaged
        names = sorted({*self._composer.known, *saved})
        return [self._summary(name, saved.get(name)) for name in names], damaged

    def save(self, name: str) -> str:
        """Save a known concept, with its demonstrations; return where; raises InvalidInput."""
        library, codes = self._needed_library(), self._composer.codes(name)
        if codes is None:
            known = ', '.join(map(repr, self._composer.known)) or 'none'
            raise InvalidInput(f'name: {name!r} has not been learned; known are {known}')
        concept = library.save(name, self._inferred_from[name])
        library.save_codes(concept, _to_saved(codes, concept))
        return str(library.folder)

    def load(self, name: str) -> ConceptCodes:
        """Load a concept; of other weights, its codes are inferred anew; raises InvalidInput."""
        library = self._needed_library()

        def infer(concept: SavedConcept) -> SavedCodes:
            return _to_saved(self.infer(name, concept.demonstrations), concept)

        try:
            concept, saved = library.recall(name, self._model.sha256, infer)
        except LibraryError as error:
            raise InvalidInput(f'concept: {error}') from None
        codes = _from_saved(saved, concept)
        self._composer.remember(codes)
        self.take(codes, concept.demonstrations)
        return codes

    def delete(self, name: str) -> None:
        """Delete a concept from the library and forget it; raises InvalidInput if it is nowhere."""
        was_known = self._composer.codes(name) is not None
        try:
            self._needed_library().delete(name)
        except LibraryError as error:
            if not was_known:
                raise InvalidInput(f'name: {error}') from None
        self._composer.forget(name)

    def agreement(self, demonstrations: Shown, score: float) -> Agreement:
        """Return how well demonstrations agree; score: the understanding that `infer` found."""
        # Imported here: who asks this has weights, and torch with them.
        from ebm_core.relational.agreement import agreement

        return agreement(self._model, demonstrations, self._seed, in_time=False, known=score)

    def readings(self, demonstrations: Shown) -> tuple[float, ...]:
        """Return how likely each concept is that demonstrations may mean, the likeliest first."""
        found = self._model.readings(list(demonstrations), self._seed, in_time=False)
        return tuple(reading.probability for reading in found)

    def target(self, concept: AnyConcept, scene: NamedScene, workspace: Workspace) -> Target:
        """Return what a concept asks for in a scene; raises InvalidInput and InvalidField."""
        return make_target(self._model, concept, scene, workspace, self._seed)

    def identify(self, name: str, scene: Scene) -> np.ndarray:
        """Return who takes part, (N,) of 0 and 1; raises InvalidInput."""
        return self._model.identify(scene, self.codes(name).argument_code, self._seed)

    def generate(
        self, name: str, scene: Scene, attention: np.ndarray | None
    ) -> tuple[Scene, np.ndarray]:
        """Return the scene that the concept asks for, and who takes part, (N,).

        attention: None: whom identification finds. Raises InvalidInput.
        """
        codes = self.codes(name)
        if attention is None:
            attention = self.identify(name, scene)
        roles = None
        if len(codes.argument_code) > len(codes.action_code):  # a code for each of several roles
            roles = self._model.identify_roles(scene, codes.argument_code, self._seed)
        generated = self._model.generate(
            scene, attention, codes.action_code, self._seed, roles=roles
        )
        return generated, attention

    def satisfaction(
        self,
        name: str,
        scene: NamedScene,
        workspace: Workspace,
        attention: np.ndarray | None,
    ) -> Satisfaction:
        """Return how far a concept is from being satisfied in a scene; raises InvalidInput.

        attention: None: whom identification finds.
        """
        codes = self.codes(name)
        return satisfaction(self._model, codes, scene, workspace, self._seed, attention)

    def _needed_library(self) -> ConceptLibrary:
        if self._library is None:
            raise InvalidInput('parameter library_dir: empty, so there is no library')
        return self._library

    def _summary(self, name: str, saved: SavedConcept | None) -> Summary:
        codes = self._composer.codes(name)
        is_known = codes is not None
        if codes is None:
            of_library = self._library.codes(saved, self._model.sha256)
            codes = None if of_library is None else _from_saved(of_library, saved)
        demonstrations = codes.demonstrations if is_known else len(saved.demonstrations)
        at = None if saved is None else saved.saved_at
        return Summary(name, demonstrations, codes, is_known, at)


def _to_saved(codes: ConceptCodes, concept: SavedConcept) -> SavedCodes:
    threshold = codes.understanding_threshold
    return SavedCodes(
        model_sha256=codes.model_sha256,
        demonstrations_sha256=concept.digest,
        action_code=tuple(map(float, codes.action_code)),
        argument_code=tuple(map(float, codes.argument_code)),
        action_energies=tuple(map(float, codes.action_energies)),
        argument_energies=tuple(map(float, codes.argument_energies)),
        understanding=float(codes.understanding),
        understanding_threshold=None if math.isnan(threshold) else float(threshold),
    )


def _from_saved(saved: SavedCodes, concept: SavedConcept) -> ConceptCodes:
    threshold = saved.understanding_threshold
    return ConceptCodes(
        concept.name,
        np.array(saved.action_code),
        np.array(saved.argument_code),
        saved.model_sha256,
        len(concept.demonstrations),
        saved.action_energies,
        saved.argument_energies,
        saved.understanding,
        math.nan if threshold is None else threshold,
    )
