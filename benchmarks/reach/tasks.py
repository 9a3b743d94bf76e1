# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked of the arm: a concept, an arrangement from a seed, and when it counts as done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros import conversions
from ebm_concept_ros.arm.composed_table import SUM, composed_table
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene, random_table_scene
from ebm_concept_ros.oracle.joint_goal import JointGoal, goal_of
from ebm_concept_ros.oracle.true_goal import TrueGoal
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts import Concept, get_concept
from ebm_core.world.scene import COLOURS, SHAPES

# What the first and the second concept refer to.
COLOURS_REFERRED_TO = ('blue', 'red')
REFERENCE_COLOUR = COLOURS_REFERRED_TO[0]

# Crowded tables: small objects, so that a hundred of them find room.
_CROWD_RADIUS_M = 0.008
_CROWD_SPACING_UNITS = 0.1
_CROWD_REFERENCE_SPACING_UNITS = 0.6
_CROWD_WITHIN_UNITS = 0.95
_MAX_ATTEMPTS = 5000


@dataclass(frozen=True, eq=False)
class Task:
    """One concept, or a sum of two, in one arrangement, seen as the controller sees the table.

    weights: of the concepts in the sum that the controller is given.
    """

    concepts: tuple[Concept, ...]
    weights: tuple[float, ...]
    goal: TrueGoal | JointGoal

    @property
    def named(self) -> NamedScene:
        """The scene."""
        return self.goal.named

    def now(self, simulation: ArmSimulation) -> Task:
        """Return the same task on the table as it is now."""
        return make_task(self.concepts, simulation, self.weights)


def pose(
    name: str, seed: int, workspace: Workspace, entities: int | None, together: bool = True
) -> tuple[tuple[Concept, ...], TableScene]:
    """Return the concepts of a name, 'north' or 'between + north', and the table of a seed.

    Concepts are as the seed has them: a line elsewhere, a circle of another size. The table is the
    simulator's, or one of `entities` with the effector, or where concepts are added up one on which
    both can hold, at one place or apart.
    """
    names = name.split(SUM)
    if len(names) > 1:
        if entities is not None:
            raise ValueError(f'entities: {entities} refused, {name} has tables of its own')
        return composed_table(
            [get_concept(name) for name in names],
            COLOURS_REFERRED_TO,
            seed,
            workspace,
            together=together,
            vary=True,
        )
    concept = get_concept(name).variant(np.random.default_rng(seed))
    if entities is None:
        table = random_table_scene(seed, concept.num_references, REFERENCE_COLOUR, workspace)
    else:
        table = crowded_table(seed, concept.num_references, entities - 1, workspace)
    return (concept,), table


def crowded_table(seed: int, references: int, count: int, workspace: Workspace) -> TableScene:
    """Return `count` small objects spread at random, `references` of them of the reference colour.

    Raises ValueError where they find no room.
    """
    rng = np.random.default_rng(seed)
    places = np.empty((0, 2))
    for _ in range(_MAX_ATTEMPTS):
        if len(places) == count:
            break
        place = rng.uniform(-_CROWD_WITHIN_UNITS, _CROWD_WITHIN_UNITS, 2)
        spacing = (
            _CROWD_REFERENCE_SPACING_UNITS if len(places) < references else _CROWD_SPACING_UNITS
        )
        if np.linalg.norm(places - place, axis=1).min(initial=np.inf) >= spacing:
            places = np.vstack([places, place])
    if len(places) < count:
        raise ValueError(f'entities: {count + 1} find no room on the table')
    others = [colour for colour in COLOURS if colour != REFERENCE_COLOUR]
    shapes = [shape for shape in SHAPES if shape != 'cross']
    entities = []
    for index, place in enumerate(places):
        colour = REFERENCE_COLOUR if index < references else str(rng.choice(others))
        x, y = workspace.to_base(place).round(4).tolist()
        entities.append(
            TableEntity(
                id=f'{colour}_{index}',
                position_in_base_m=(x, y),
                colour=colour,
                shape=str(rng.choice(shapes)),
                radius_m=_CROWD_RADIUS_M,
            )
        )
    return TableScene(entities=tuple(entities))


def make_task(
    concepts: Sequence[Concept], simulation: ArmSimulation, weights: Sequence[float] | None = None
) -> Task:
    """Return the task that a simulation poses.

    weights: by default the same; a concept without weight is not judged.
    """
    named = seen(simulation)
    weights = tuple(weights or [1.0] * len(concepts))
    colours = COLOURS_REFERRED_TO[: len(concepts)]
    goal = goal_of(concepts, colours, weights, named, simulation.workspace)
    return Task(tuple(concepts), weights, goal)


def seen(simulation: ArmSimulation) -> NamedScene:
    """Return what stands on the table now as it comes through the messages."""
    workspace = simulation.workspace
    stands = simulation.data.mocap_pos[:, 2] > workspace.table_height_in_base_m
    entities = simulation.table_scene.entities
    message = conversions.table_scene_to_message(
        TableScene(entities=tuple(entities[i] for i in np.flatnonzero(stands))),
        simulation.entity_positions_in_base_m()[stands],
        simulation.effector_in_base_m,
        workspace,
    )
    return conversions.scene_from_message(message, workspace)
