"""What is asked of the arm: a concept, an arrangement from a seed, and when it counts as done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros import conversions
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene, random_table_scene
from ebm_concept_ros.control.true_goal import TrueGoal
from ebm_concept_ros.workspace import Workspace
from ebm_core.events import Concept, get_concept
from ebm_core.scene import COLOURS, SHAPES

REFERENCE_COLOUR = 'blue'

# Crowded tables: small objects, so that a hundred of them find room.
_CROWD_RADIUS_M = 0.008
_CROWD_SPACING_UNITS = 0.1
_CROWD_REFERENCE_SPACING_UNITS = 0.6
_CROWD_WITHIN_UNITS = 0.95
_MAX_ATTEMPTS = 5000


@dataclass(frozen=True, eq=False)
class Task:
    """One concept in one arrangement: what is asked, seen as the controller sees the table."""

    concept: Concept
    goal: TrueGoal

    @property
    def named(self) -> conversions.NamedScene:
        """The scene."""
        return self.goal.named


def concept_of(name: str, seed: int) -> Concept:
    """Return the concept as a seed has it: a line elsewhere, a circle of another size."""
    return get_concept(name).variant(np.random.default_rng(seed))


def arrangement(concept: str, seed: int, workspace: Workspace, entities: int | None) -> TableScene:
    """Return the table of a seed: the simulator's, or one of `entities` with the effector."""
    references = get_concept(concept).num_references
    if entities is None:
        return random_table_scene(seed, references, REFERENCE_COLOUR, workspace)
    return crowded_table(seed, references, entities - 1, workspace)


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


def make_task(concept: Concept, simulation: ArmSimulation) -> Task:
    """Return the task that a simulation poses, seen as the controller sees it."""
    named = seen(simulation)
    return Task(concept, TrueGoal.of(concept, named, REFERENCE_COLOUR, simulation.workspace))


def seen(simulation: ArmSimulation) -> conversions.NamedScene:
    """Return what is on the table now as it comes through the messages."""
    workspace = simulation.workspace
    return conversions.scene_from_message(
        conversions.table_scene_to_message(
            simulation.table_scene,
            simulation.entity_positions_in_base_m(),
            simulation.effector_in_base_m,
            workspace,
        ),
        workspace,
    )
