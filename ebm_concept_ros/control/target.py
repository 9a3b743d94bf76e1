# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept asks for in a scene: who takes part, and the energy field to descend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.field.circles import NO_CIRCLES
from ebm_concept_ros.field.energy_field import FIELD_SIZE, EnergyField, grid_points
from ebm_concept_ros.field.making import FieldMaker, make_field
from ebm_concept_ros.field.obstacles import circles_to_avoid
from ebm_concept_ros.types import AnyConcept, ConceptCodes, NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

# Entities that moved less than this are where they were, particle units.
_SAME_PLACE = 1e-4

# A minimum whose energy is higher than the lowest by this is e³ times less likely, and no goal.
GOAL_MARGIN = 3.0


@dataclass(frozen=True, eq=False)
class Part:
    """One concept identified in a scene.

    attention: (N,) in [0, 1], in the order of scene.ids. energies: (FIELD_SIZE, FIELD_SIZE), as
    EnergyField takes them, for one concept by itself or in_sum with others.
    """

    concept: ConceptCodes
    attention: np.ndarray
    energies: np.ndarray
    in_sum: bool


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be enacted, identified in a scene.

    attention: (N,) in [0, 1], in the order of scene.ids; of several concepts the highest.
    field: the weighted sum of their energies over the effector's plane position, the rest of the
    scene fixed. parts: one for each concept.
    """

    concept: AnyConcept
    scene: NamedScene
    attention: np.ndarray
    field: EnergyField
    parts: tuple[Part, ...] = ()


def make_target(
    model: ConceptModel,
    concept: AnyConcept,
    scene: NamedScene,
    workspace: Workspace,
    seed: int = 0,
    hand_radius_m: float | None = None,
    former: Target | None = None,
    attention: np.ndarray | None = None,
    goal_margin: float = GOAL_MARGIN,
    make_field: FieldMaker = make_field,
) -> Target:
    """Identify who takes part in the scene and tabulate the energy over the effector's plane.

    hand_radius_m: the field leads so far around what the arm would strike; None: it does not.
    former: what it knows of the same concepts in the same scene is not found out again, so that
    other weights cost next to nothing. attention: (N,), who takes part; None: identification tells.
    goal_margin: see EnergyField. make_field: what makes the field, in another process maybe. Raises
    InvalidInput where the scene has not just one movable entity, and what the model and the field
    raise (InvalidField for energies that are not finite).
    """
    require_one_actor(scene)
    known = former.parts if former is not None and former.scene is scene else ()
    in_sum = len(concept.terms) > 1
    parts = tuple(
        next((p for p in known if same_codes(p.concept, term) and p.in_sum == in_sum), None)
        or _part(model, term, scene, workspace, seed, attention, in_sum)
        for term in concept.terms
    )
    weighted = list(zip(concept.weights, parts, strict=True))
    attention = np.max([part.attention for weight, part in weighted if weight > 0], axis=0)
    energies = sum(weight * part.energies for weight, part in weighted)
    circles = NO_CIRCLES
    if hand_radius_m is not None:
        circles = circles_to_avoid(scene, workspace, hand_radius_m)
    field = make_field(energies, workspace.half_width_units, goal_margin, circles)
    return Target(concept, scene, attention, field, parts)


def _part(
    model: ConceptModel,
    concept: ConceptCodes,
    scene: NamedScene,
    workspace: Workspace,
    seed: int,
    attention: np.ndarray | None,
    in_sum: bool,
) -> Part:
    if attention is None:
        attention = model.identify(scene.scene, concept.argument_code, seed=seed)
    attention = np.asarray(attention, float)
    if not np.isfinite(attention).all():
        raise InvalidInput('attention: identification gave NaN or infinity')
    # The arm is the actor whether or not identification found it so; attention says what it found.
    taking_part = np.where(scene.scene.movable, 1.0, attention)
    points = grid_points(workspace.half_width_units, FIELD_SIZE)
    roles = None
    if len(concept.argument_code) > len(concept.action_code):  # a code for each of several roles
        roles = model.identify_roles(scene.scene, concept.argument_code, seed=seed)
    energies = model.actor_energy(
        *(scene.scene, taking_part, concept.action_code, points), roles=roles, in_sum=in_sum
    )
    return Part(concept, attention, energies.reshape(FIELD_SIZE, FIELD_SIZE), in_sum)


def same_codes(one: ConceptCodes, other: ConceptCodes) -> bool:
    """Tell whether two concepts are the same, whatever their names."""
    return np.array_equal(one.action_code, other.action_code) and np.array_equal(
        one.argument_code, other.argument_code
    )


def require_one_actor(scene: NamedScene) -> None:
    """Raise InvalidInput unless just one entity is movable: the end effector."""
    movable = [name for name, can in zip(scene.ids, scene.scene.movable, strict=True) if can]
    if len(movable) != 1:
        raise InvalidInput(
            f'scene.entities: {len(movable)} are movable ({", ".join(movable) or "none"}), '
            'expected just one, the end effector'
        )


def same_surroundings(one: NamedScene | None, other: NamedScene | None) -> bool:
    """Tell whether two scenes differ at most in where the movable entities are."""
    if one is None or other is None or one.ids != other.ids:
        return one is other
    a, b = one.scene, other.scene
    still = ~a.movable
    if not _same_sizes(one, other):
        return False
    return (
        np.array_equal(a.movable, b.movable)
        and np.array_equal(a.shapes, b.shapes)
        and np.array_equal(a.colours, b.colours)
        and bool(np.abs(a.positions - b.positions)[still].max(initial=0.0) < _SAME_PLACE)
    )


def _same_sizes(one: NamedScene, other: NamedScene) -> bool:
    if one.sizes_m is None or other.sizes_m is None:
        return one.sizes_m is other.sizes_m
    return np.array_equal(one.sizes_m, other.sizes_m)
