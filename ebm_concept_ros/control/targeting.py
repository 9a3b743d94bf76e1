# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Keeps the controller's target in step with the newest scene and concept."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ebm_concept_ros.control.presence import vanished
from ebm_concept_ros.control.reporting import Level, Reporter
from ebm_concept_ros.control.target import GOAL_MARGIN, Target, make_target, same_surroundings
from ebm_concept_ros.control.tracking_controller import Assignment, TrackingController
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.field.making import FieldMaker, make_field
from ebm_concept_ros.types import AnyConcept, NamedScene
from ebm_concept_ros.workspace import Workspace

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel


class Targeting:
    """Makes a target for the controller whenever scene or concept have changed, and only then.

    The executor sets scene and concept; one other thread waits and updates.
    """

    def __init__(
        self,
        model: ConceptModel,
        workspace: Workspace,
        controller: TrackingController,
        reporter: Reporter,
        seed: int,
        hand_radius_m: float,
        goal_margin: float = GOAL_MARGIN,
        make_field: FieldMaker = make_field,
    ) -> None:
        self._model = model
        self._workspace = workspace
        self._controller = controller
        self._reporter = reporter
        self._seed = seed
        self._hand_radius_m = hand_radius_m
        self._goal_margin = goal_margin
        self._make_field = make_field
        self._changed = threading.Condition()  # guards the three below
        self._scene: NamedScene | None = None
        self._concept: AnyConcept | None = None
        # What no target is to be made of.
        self._set_aside: tuple[AnyConcept, NamedScene | None] | None = None
        self._rejected: tuple[AnyConcept | None, str] = (None, '')

    def why_rejected(self, concept: AnyConcept) -> str:
        """Return why no target could be made of a concept when it was last tried, or nothing."""
        rejected, reason = self._rejected
        return reason if rejected is concept else ''

    def set_scene(self, scene: NamedScene) -> None:
        """Take a scene; one that differs only in where the effector is changes nothing."""
        with self._changed:
            if not same_surroundings(self._scene, scene):
                self._scene = scene
                self._changed.notify_all()

    def set_workspace(self, workspace: Workspace) -> None:
        """Take another hover height; the target is made anew, as other things stand in the way."""
        with self._changed:
            if workspace != self._workspace:
                self._workspace = workspace
                self._scene = None if self._scene is None else replace(self._scene)
                self._changed.notify_all()

    def set_concept(self, concept: AnyConcept) -> None:
        """Take a concept."""
        with self._changed:
            self._concept = concept
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Return when there is something to update, or after timeout_s."""
        with self._changed:
            self._changed.wait_for(self._is_outdated, timeout=timeout_s)

    def update(self) -> None:
        """Identify and tabulate anew where scene or concept are not those of the target."""
        with self._changed:
            concept, scene, outdated = self._concept, self._scene, self._is_outdated()
        if concept is not None and (reason := why_not_understood(concept)):
            self._withhold(concept, scene, reason)
            return
        if concept is None or scene is None:
            absent = [n for n, v in (('concept', concept), ('scene', scene)) if v is None]
            self._amend(missing=f'no {" and no ".join(absent)} yet', fault='')
            return
        if not outdated:
            return
        gone = vanished(self._controller.assignment.target, concept, scene)
        if gone:
            self._wait_for(gone, concept, scene)
            return
        began = time.perf_counter()
        try:
            target = make_target(
                self._model,
                concept,
                scene,
                self._workspace,
                self._seed,
                self._hand_radius_m,
                former=self._controller.assignment.target,
                goal_margin=self._goal_margin,
                make_field=self._make_field,
            )
        except Exception as error:  # from weights and codes that anybody may send
            self._reporter.refuse('target', f'{concept.name}: {error}')
            self._reject(concept, scene, error)
            return
        self._controller.assign(Assignment(target))
        self._rejected = (None, '')
        self._reporter.accept('target')
        self._reporter.set(
            'target',
            Level.OK,
            _who_takes_part(target),
            identified_and_tabulated_in_s=round(time.perf_counter() - began, 4),
        )

    def _is_outdated(self) -> bool:
        if self._scene is None or self._concept is None:
            return False
        if self._set_aside == (self._concept, self._scene):
            return False
        target = self._controller.assignment.target
        return (
            target is None or target.concept is not self._concept or target.scene is not self._scene
        )

    def _wait_for(self, gone: tuple[str, ...], concept: AnyConcept, scene: NamedScene) -> None:
        """Hold until those who took part are there again; the former target says who they are."""
        with self._changed:
            self._set_aside = (concept, scene)
        absent = f'{concept.name}: waits for {", ".join(gone)} to return'
        self._amend(absent=absent)
        self._reporter.set('target', Level.WARN, absent)

    def _withhold(self, concept: AnyConcept, scene: NamedScene | None, reason: str) -> None:
        """Hold until another concept comes; the one before is not what is wanted any more."""
        with self._changed:
            if self._set_aside == (concept, scene):
                return
            self._set_aside = (concept, scene)
        self._amend(target=None, fault=reason)
        self._reporter.refuse('concept', reason)

    def _reject(self, concept: AnyConcept, scene: NamedScene, error: Exception) -> None:
        """Go back to the last good concept; where that one is at fault, hold."""
        target = self._controller.assignment.target
        reason = f'{concept.name} in this scene: {error}'
        self._rejected = (concept, reason)
        with self._changed:
            self._set_aside = (concept, scene)
            if target is not None and target.concept is not concept:
                if self._concept is concept:
                    self._concept = target.concept
                return
        self._amend(fault=reason)

    def _amend(self, **changes: object) -> None:
        """Hand over what is assigned now with some of it changed."""
        self._controller.assign(replace(self._controller.assignment, **changes))


def _who_takes_part(target: Target) -> str:
    attention = ', '.join(
        f'{name} {value:.2f}'
        for name, value in zip(target.scene.ids, target.attention, strict=True)
    )
    return f'{target.concept.name}: {attention}'
