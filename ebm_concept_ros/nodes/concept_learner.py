# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `concept_learner` (lifecycle): demonstrations on a topic become a concept on a topic.

Demonstrations are collected under their concept's name; each time `min_demonstrations` of one name
have come, both codes are inferred from them and published on `concept`, latched. The next as many
replace it. A demonstration that is refused changes nothing.

A `composition` asks for the sum of several by name, each with a weight, which is published as one
concept as soon as all of them are known, and again whenever one of them is learned anew. Another
concept takes its place. Published again with other weights, it changes them. Parameters may ask for
the first one.

Configure loads weights and library. While the node is not active it offers no service and listens
to nothing; what it knows stays until it is cleaned up.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module
from statistics import fmean
from threading import Thread
from typing import Annotated

from pydantic import Field

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.collection import Collection, Shown
from ebm_concept_ros.control.composer import Composer
from ebm_concept_ros.control.knowledge import Knowledge
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.learner_services import LearnerServices
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.managed import ManagedNode
from ebm_concept_ros.nodes.runtime.parameters import Parameters
from ebm_concept_ros.nodes.runtime.resources import load_weights_parameter, load_workspace_parameter
from ebm_concept_ros.nodes.runtime.running import run
from ebm_concept_ros.nodes.runtime.texts import EXISTING_FOLDER, FILE, FOLDER_OR_NONE
from ebm_concept_ros.nodes.runtime.turns import Turns
from ebm_concept_ros.nodes.task_parameters import composition_parameter
from ebm_concept_ros.types import AnyConcept, CompositionRequest
from ebm_core.library.library import ConceptLibrary
from ebm_core.world.scene import Demonstration, InvalidInput

_MODEL = 'ebm_core.relational.model'


class ConceptLearnerParameters(Parameters):
    """Parameters of the concept learner."""

    model_dir: Annotated[str, EXISTING_FOLDER] = Field(
        '', description='folder of the weights; empty: those of the package'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )
    autostart: bool = Field(True, description='configure and activate without being asked')
    min_demonstrations: int = Field(
        5, ge=1, le=50, description='how many of one name make a concept'
    )
    max_names: int = Field(
        32, ge=1, le=1000, description='concept names collected at a time; the oldest is dropped'
    )
    seed: int = Field(0, ge=0, description='of the inference noise')
    library_dir: Annotated[str, FOLDER_OR_NONE] = Field(
        '', description='folder in which concepts are saved, for the services; empty: there is none'
    )
    # An empty list has no type in ROS.
    composition_concepts: tuple[str, ...] = Field(
        ('',), description='names of what is added up until told otherwise; one empty: nothing is'
    )
    composition_weights: tuple[float, ...] = Field((1.0,), description='a weight for each of them')


class ConceptLearner(ManagedNode):
    """Collects demonstrations and publishes what is inferred from them."""

    def __init__(self) -> None:
        super().__init__('concept_learner', ConceptLearnerParameters)
        self._turns: Turns | None = None

    def configure(self, undo: ExitStack) -> str:
        """Load weights and library."""
        p = self.parameters
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._first: CompositionRequest | None = None
        if any(p.composition_concepts):
            self._first = composition_parameter(p.composition_concepts, p.composition_weights)
        self._model = load_weights_parameter(p.model_dir)
        # Of the inference thread alone, as all that is asked of the learner is done in its turn.
        self._collection = Collection(p.min_demonstrations, p.max_names)
        self._composer = Composer(p.max_names)
        library = ConceptLibrary(p.library_dir) if p.library_dir else None
        self._knowledge = Knowledge(self._model, self._composer, library, p.seed)
        self._publisher = self.create_publisher(
            ros.Concept, 'concept', **qos.overridable(qos.LATCHED)
        )
        undo.callback(self.destroy_publisher, self._publisher)
        return f'weights {self._model.sha256[:12]}'

    def activate(self, undo: ExitStack) -> None:
        """Start the inference thread, and listen."""
        turns = self._turns = Turns('inference', self._failed)
        if self._first is not None:
            turns.later(partial(self._compose, self._first))
            self._first = None
        turns.start()
        services = LearnerServices(
            *(self, self._workspace, self._knowledge, self._collection, self._diagnostics),
            *(turns.now, self._infer),
        )
        undo.callback(services.destroy)
        self._diagnostics.set('inference', Level.OK, f'ready, weights {self._model.sha256[:12]}')
        # Last: whoever matches this subscription may send at once.
        for kind, topic, take, profile in (
            (ros.Composition, 'composition', self._on_composition, qos.LATCHED),
            (ros.Demonstration, 'demonstrations', self._on_demonstration, qos.DEMONSTRATIONS),
        ):
            subscription = self.create_subscription(kind, topic, take, **qos.overridable(profile))
            undo.callback(self.destroy_subscription, subscription)

    def halt(self) -> None:
        """End the inference thread after the inference it is at."""
        if self._turns is not None:
            self._turns.end()

    def _on_demonstration(self, message: ros.Demonstration) -> None:
        try:
            named = conversions.demonstration_from_message(message, self._workspace)
        except InvalidInput as error:
            self._diagnostics.refuse('demonstrations', error)
            return
        self._diagnostics.accept('demonstrations')
        self._turns.later(partial(self._collect, named.concept, named.demonstration))

    def _on_composition(self, message: ros.Composition) -> None:
        try:
            composition = conversions.composition_from_message(message)
        except InvalidInput as error:
            self._diagnostics.refuse('composition', error)
            return
        self._diagnostics.accept('composition')
        self._turns.later(partial(self._compose, composition))

    # Inference thread ------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        # The last good concept stays, and so does the node.
        self._diagnostics.set('inference', Level.ERROR, name_and_reason(error))

    def _collect(self, name: str, demonstration: Demonstration) -> None:
        shown = self._collection.add(name, demonstration)
        needed = self._collection.needed
        number = needed if shown else self._collection.numbers[name]
        self._diagnostics.set('demonstrations', Level.OK, f'{name}: {number} of {needed}')
        if shown is not None:
            self._infer(name, shown)
        elif (oldest := self._collection.drop_too_many()) is not None:
            self._diagnostics.refuse(
                'demonstrations', f'demonstration.concept: too many names, dropped {oldest!r}'
            )

    def _infer(self, name: str, demonstrations: Shown) -> None:
        concept = self._knowledge.infer(name, demonstrations)
        # What would be refused at the other end is neither published nor composed.
        self._check(conversions.concept_to_message(concept))
        enacted = self._composer.learned(concept)
        self._knowledge.take(concept, demonstrations)
        self._publish(enacted)
        reason = why_not_understood(concept)
        self._diagnostics.set(
            'inference',
            Level.WARN if reason else Level.OK,
            reason or f'{name}: inferred from {len(demonstrations)} demonstrations',
            understanding=concept.understanding,
            mean_action_energy=fmean(concept.action_energies),
            mean_argument_energy=fmean(concept.argument_energies),
        )

    def _compose(self, composition: CompositionRequest) -> None:
        for name in composition.concepts:
            with suppress(InvalidInput):  # it may still be demonstrated
                self._knowledge.codes(name)
        self._publish(self._composer.request(composition))

    def _publish(self, concept: AnyConcept | None) -> None:
        missing = ', '.join(self._composer.missing)
        if concept is None:
            known = ', '.join(self._composer.known) or 'none'
            self._diagnostics.set(
                'composition', Level.WARN, f'waits for {missing}; demonstrated so far: {known}'
            )
            return
        stamp_ns = self.get_clock().now().nanoseconds
        message = conversions.concept_to_message(concept, stamp_ns)
        self._check(message)
        self._publisher.publish(message)
        if len(concept.terms) > 1:
            self._diagnostics.set('composition', Level.OK, concept.name)

    def _check(self, message: ros.Concept) -> None:
        conversions.concept_from_message(message, self._model.sha256, self._model.code_size)


def main() -> int:
    """Run the node, which will be asked for its weights: torch comes while it waits for that."""
    Thread(target=import_module, args=(_MODEL,), name='torch', daemon=True).start()
    return run(ConceptLearner)


if __name__ == '__main__':
    sys.exit(main())
