# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The services of `concept_learner`: its concepts, its library, and what is being collected."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node

import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.control.collection import Collection, Shown
from ebm_concept_ros.control.knowledge import Knowledge
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.field.energy_field import InvalidField
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.workspace import Workspace
from ebm_core.errors import ModelError
from ebm_core.library.library import LibraryError
from ebm_core.world.scene import InvalidInput

Run = Callable[[Callable[[], None]], None]


class LearnerServices:
    """Answers each request with success, or with the reason why not.

    in_turn: runs a function after all that was asked of the learner before; raises what it raises.
    infer: infers a concept and publishes what is to be enacted from then on.
    """

    def __init__(
        self,
        node: Node,
        workspace: Workspace,
        knowledge: Knowledge,
        collection: Collection,
        diagnostics: Diagnostics,
        in_turn: Run,
        infer: Callable[[str, Shown], None],
    ) -> None:
        self._node = node
        self._workspace = workspace
        self._knowledge = knowledge
        self._collection = collection
        self._diagnostics = diagnostics
        self._in_turn = in_turn
        self._infer = infer
        self._services = [
            node.create_service(kind, f'~/{name}', self._answering(name, answer))
            for name, kind, answer in self._answers()
        ]

    def destroy(self) -> None:
        """Offer them no more."""
        for service in self._services:
            self._node.destroy_service(service)

    def _answers(self) -> tuple[tuple[str, type, Callable[[Any, Any], None]], ...]:
        return (
            ('list_concepts', srv.ListConcepts, self._list_concepts),
            ('get_concept', srv.GetConcept, self._get_concept),
            ('save_concept', srv.ConceptByName, self._save_concept),
            ('load_concept', srv.ConceptByName, self._load_concept),
            ('delete_concept', srv.ConceptByName, self._delete_concept),
            ('list_demonstrations', srv.ListDemonstrations, self._list_demonstrations),
            ('undo_demonstration', srv.ConceptByName, self._undo_demonstration),
            ('remove_demonstration', srv.RemoveDemonstration, self._remove_demonstration),
            ('forget_demonstrations', srv.ConceptByName, self._forget_demonstrations),
            ('replace_demonstration', srv.ReplaceDemonstration, self._replace_demonstration),
            ('identify', srv.Identify, self._identify),
            ('generate', srv.Generate, self._generate),
            ('satisfied', srv.Satisfied, self._satisfied),
            ('understood', srv.Understood, self._understood),
        )

    def _answering(
        self, name: str, answer: Callable[[Any, Any], None]
    ) -> Callable[[Any, Any], Any]:
        def callback(request: Any, response: Any) -> Any:
            try:
                self._in_turn(lambda: answer(request, response))
            except Exception as error:  # who asks is answered whatever happens
                known = isinstance(error, (InvalidInput, InvalidField, LibraryError, ModelError))
                response.success = False
                response.message = str(error) if known else name_and_reason(error)
                self._diagnostics.refuse(name, response.message)
                return response
            self._diagnostics.accept(name)
            response.success = True
            return response

        return callback

    def _list_concepts(
        self, request: srv.ListConcepts.Request, response: srv.ListConcepts.Response
    ) -> None:
        summaries, damaged = self._knowledge.summaries()
        response.concepts = [
            conversions.summary_to_message(
                s.name, s.demonstrations, s.codes, s.is_known, s.saved_at
            )
            for s in summaries
        ]
        response.damaged = list(damaged)
        response.message = f'{len(summaries)} concepts'
        for reason in damaged:
            self._diagnostics.refuse('library', reason)

    def _get_concept(
        self, request: srv.GetConcept.Request, response: srv.GetConcept.Response
    ) -> None:
        composition = conversions.composition_of(request.concepts, request.weights)
        concept = self._knowledge.composed(composition)
        response.concept = conversions.concept_to_message(concept)
        response.message = concept.name

    def _save_concept(
        self, request: srv.ConceptByName.Request, response: srv.ConceptByName.Response
    ) -> None:
        response.message = f'saved in {self._knowledge.save(request.name)}'

    def _load_concept(
        self, request: srv.ConceptByName.Request, response: srv.ConceptByName.Response
    ) -> None:
        codes = self._knowledge.load(request.name)
        response.message = f'{codes.name}: of {codes.demonstrations} demonstrations'

    def _delete_concept(
        self, request: srv.ConceptByName.Request, response: srv.ConceptByName.Response
    ) -> None:
        self._knowledge.delete(request.name)
        response.message = f'{request.name}: deleted'

    def _list_demonstrations(
        self, request: srv.ListDemonstrations.Request, response: srv.ListDemonstrations.Response
    ) -> None:
        numbers = self._collection.numbers
        response.needed = self._collection.needed
        if not request.name:
            response.names, response.collected = list(numbers), list(numbers.values())
            return
        shown = self._collection.of(request.name) or self._knowledge.inferred_from.get(
            request.name, ()
        )
        if not shown:
            raise InvalidInput(f'name: nothing was shown under {request.name!r}')
        response.names, response.collected = [request.name], [numbers.get(request.name, 0)]
        response.demonstrations = [
            conversions.demonstration_to_message(request.name, one, self._workspace)
            for one in shown
        ]

    def _undo_demonstration(
        self, request: srv.ConceptByName.Request, response: srv.ConceptByName.Response
    ) -> None:
        left = self._collection.undo(request.name, self._knowledge.inferred_from)
        response.message = f'{request.name}: {left} of {self._collection.needed}'

    def _remove_demonstration(
        self, request: srv.RemoveDemonstration.Request, response: srv.RemoveDemonstration.Response
    ) -> None:
        left = self._collection.remove(request.name, request.number, self._knowledge.inferred_from)
        response.message = f'{request.name}: {left} of {self._collection.needed}'

    def _forget_demonstrations(
        self, request: srv.ConceptByName.Request, response: srv.ConceptByName.Response
    ) -> None:
        response.message = f'{request.name}: {self._collection.forget(request.name)} forgotten'

    def _replace_demonstration(
        self, request: srv.ReplaceDemonstration.Request, response: srv.ReplaceDemonstration.Response
    ) -> None:
        named = conversions.demonstration_from_message(request.demonstration, self._workspace)
        shown = self._collection.replace(
            *(named.concept, request.number, named.demonstration, self._knowledge.inferred_from)
        )
        response.message = f'{named.concept}: number {request.number} replaced'
        if shown is not None:
            self._infer(named.concept, shown)
            response.message += ', and inferred anew'

    def _identify(self, request: srv.Identify.Request, response: srv.Identify.Response) -> None:
        scene = conversions.scene_from_message(request.scene, self._workspace)
        attention = self._knowledge.identify(request.concept, scene.scene)
        response.attention = _doubles(attention)
        response.message = _who(scene.ids, attention)

    def _generate(self, request: srv.Generate.Request, response: srv.Generate.Response) -> None:
        scene = conversions.scene_from_message(request.scene, self._workspace)
        given = conversions.attention_from_message(request.attention, scene.ids)
        generated, attention = self._knowledge.generate(request.concept, scene.scene, given)
        response.scene = conversions.moved_scene_message(request.scene, generated, self._workspace)
        response.attention = _doubles(attention)
        response.message = _who(scene.ids, attention)

    def _satisfied(self, request: srv.Satisfied.Request, response: srv.Satisfied.Response) -> None:
        tolerance_m = conversions.tolerance_from_message(request.tolerance_m)
        scene = conversions.scene_from_message(request.scene, self._workspace)
        given = conversions.attention_from_message(request.attention, scene.ids)
        found = self._knowledge.satisfaction(request.concept, scene, self._workspace, given)
        response.satisfied = found.distance_m <= tolerance_m
        response.energy, response.lowest_energy = found.energy, found.lowest_energy
        response.distance_m = found.distance_m
        response.attention = _doubles(found.attention)
        response.message = f'{found.distance_m:.3f} m from where the energy is as low as anywhere'

    def _understood(
        self, request: srv.Understood.Request, response: srv.Understood.Response
    ) -> None:
        composition = conversions.composition_of(request.concepts, request.weights)
        (name, *others) = composition.concepts
        collected = () if others else self._collection.of(name)
        if collected:
            concept = self._knowledge.infer(name, collected)
        else:
            concept = self._knowledge.composed(composition)
        worst = min(concept.terms, key=lambda term: term.understanding)
        response.understanding = worst.understanding
        response.understanding_threshold = worst.understanding_threshold
        response.message = why_not_understood(concept) or f'{concept.name} is understood'
        if not others:
            shown = collected or self._knowledge.inferred_from[name]
            found = self._knowledge.agreement(shown, worst.understanding)
            response.demonstrations = len(shown)
            response.without = _doubles(found.without)
            response.odd_one = 0 if found.odd is None else found.odd + 1
            response.readings = array('d', self._knowledge.readings(shown))
        if request.scene.entities:
            scene = conversions.scene_from_message(request.scene, self._workspace)
            target = self._knowledge.target(concept, scene, self._workspace)
            response.attention = _doubles(target.attention)
            response.half_width = target.field.half_width
            response.size = len(target.field.energies)
            response.energies = array('f', target.field.energies.ravel().tolist())
            response.lowest = conversions.point((*target.field.minimum(), 0.0))


def _doubles(values: np.ndarray) -> array:
    return array('d', np.asarray(values, float).tolist())


def _who(ids: tuple[str, ...], attention: np.ndarray) -> str:
    return ', '.join(name for name, value in zip(ids, attention, strict=True) if value > 0.5)
