# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept asks of the effector by its own definition: what a learned energy is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts import Concept
from ebm_core.concepts.arrangement import Arrangement
from ebm_core.concepts.proximity import Proximity
from ebm_core.world.scene import COLOURS, InvalidInput, Scene

# Particle units. A violation is a distance: one step down its slope arrives, but for rounding.
_PROJECTIONS = 2
_DIFFERENCE = 1e-6
_ASIDE = np.array([1e-5, 0.7e-5])
# A paraboloid needs no finer grid than this many places a side.
ORACLE_SIZE = 33
# Where a predicate leaves an area to choose from, it is looked through at this many places a side.
_PLACES = 41


@dataclass(frozen=True, eq=False)
class TrueGoal:
    """A spatial concept in a scene.

    attention: (N,) 1 for who takes part by the definition, in the order of named.ids.
    """

    concept: Concept
    named: NamedScene
    attention: np.ndarray
    workspace: Workspace

    @classmethod
    def of(
        cls, concept: Concept, named: NamedScene, reference_colour: str, workspace: Workspace
    ) -> TrueGoal:
        """Take the entities of the reference colour for what the concept refers to.

        Raises InvalidInput where their number is not the concept's.
        """
        scene = named.scene
        needed = concept.num_references
        references = np.zeros(len(scene), bool)
        if needed:
            references = (nearest_colours(scene) == reference_colour) & ~scene.movable
        if references.sum() != needed:
            raise InvalidInput(
                f'scene.entities: {concept.name} needs {needed} reference entities, '
                f'{references.sum()} are {reference_colour}'
            )
        return cls(concept, named, (references | scene.movable).astype(float), workspace)

    @property
    def has_distance(self) -> bool:
        """Tell whether one can say how far a place is from satisfying it, and not only if it is."""
        return isinstance(self.concept, Arrangement)

    @property
    def effector_m(self) -> np.ndarray:
        """Return where the scene has the effector, (2,) m in the base frame."""
        scene = self.named.scene
        return self.workspace.to_base(scene.positions[scene.movable][0])

    def distance_m(self, effector_m: np.ndarray) -> float:
        """Return how far the effector (2,) m is from the nearest place that satisfies the concept.

        Where the concept knows no distance, 0 where it holds and infinity where it does not.
        """
        place = self.workspace.to_plane(effector_m)
        if self.has_distance:
            return float(self._violation(place)) * self.workspace.metres_per_unit
        positions = self.named.scene.positions.copy()
        positions[self.named.scene.movable] = place
        holds = self.concept.holds(self.named.scene.with_positions(positions), self.attention)
        return 0.0 if holds else np.inf

    def place_m(self, from_m: np.ndarray) -> np.ndarray:
        """Return the satisfied place nearest to (2,) m; of an area, where it holds most clearly."""
        if isinstance(self.concept, Proximity):
            axis = np.linspace(-1.0, 1.0, _PLACES)
            places = np.stack(np.meshgrid(axis, axis, indexing='ij'), -1).reshape(-1, 2)
            scene = self.named.scene
            references = scene.positions[scene.references(self.attention)]
            places = np.concatenate((places, references))
            lead = self.concept.lead(scene, self.attention, places)
            return self.workspace.to_base(places[lead.argmax()])
        place = self.workspace.to_plane(from_m)
        slope = self._slope(place)
        if np.linalg.norm(slope) < 0.99 and self._violation(place) > _DIFFERENCE:
            place = place + _ASIDE  # off the middle between two that are as near
            slope = self._slope(place)
        for _ in range(_PROJECTIONS):
            place = place - self._violation(place) * slope
            slope = self._slope(place)
        return self.workspace.to_base(place)

    def oracle(self) -> EnergyField:
        """Return the squared distance to the satisfied place nearest to the scene's effector."""
        place = self.workspace.to_plane(self.place_m(self.effector_m))
        return EnergyField.tabulate(
            lambda points: ((points - place) ** 2).sum(1),
            self.workspace.half_width_units,
            ORACLE_SIZE,
        )

    def _slope(self, place: np.ndarray) -> np.ndarray:
        """Return the violation's gradient at (2,): a distance's, of length 1 but at its ridges."""
        step = _DIFFERENCE * np.eye(2)
        return (self._violation(place + step) - self._violation(place - step)) / (2 * _DIFFERENCE)

    @cached_property
    def _references(self) -> np.ndarray:
        scene = self.named.scene
        return scene.positions[scene.references(self.attention)]

    def _violation(self, places: np.ndarray) -> np.ndarray:
        """Return (...) particle units, with the actor at (..., 2)."""
        shape = *places.shape[:-1], *self._references.shape
        references = np.broadcast_to(self._references, shape)
        return self.concept.violation(np.concatenate((places[..., None, :], references), -2))


def nearest_colours(scene: Scene) -> np.ndarray:
    """Return the (N,) names of the colours nearest to the entities' own."""
    names, palette = np.array(list(COLOURS)), np.array(list(COLOURS.values()))
    return names[np.linalg.norm(scene.colours[:, None] - palette, axis=-1).argmin(1)]
