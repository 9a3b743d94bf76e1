"""What is asked of the arm: a concept, an arrangement from a seed, and when it counts as done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros import conversions
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene, random_table_scene
from ebm_concept_ros.nodes.judge import nearest_colours
from ebm_concept_ros.workspace import Workspace
from ebm_core.events import get_concept
from ebm_core.scene import COLOURS, SHAPES, Scene

REFERENCE_COLOUR = 'blue'

# Crowded tables: small objects, so that a hundred of them find room.
_CROWD_RADIUS_M = 0.008
_CROWD_SPACING_UNITS = 0.1
_CROWD_REFERENCE_SPACING_UNITS = 0.6
_CROWD_WITHIN_UNITS = 0.95
_MAX_ATTEMPTS = 5000


@dataclass(frozen=True, eq=False)
class Task:
    """One concept in one arrangement.

    attention: (N,) 1 for who takes part by the concept's definition, in the order of named.ids.
    goal_m: (2,) m in the base frame, or None for a concept that has no single goal.
    """

    concept: str
    seed: int
    named: conversions.NamedScene
    attention: np.ndarray
    goal_m: np.ndarray | None
    workspace: Workspace

    def distance_m(self, effector_m: np.ndarray) -> float:
        """Return how far the effector (2,) m is from the goal; without one, 0 where it holds."""
        if self.goal_m is not None:
            return float(np.linalg.norm(effector_m - self.goal_m))
        scene = self.named.scene
        positions = scene.positions.copy()
        positions[scene.movable] = self.workspace.to_plane(effector_m)
        concept = get_concept(self.concept)
        return 0.0 if concept.holds(scene.with_positions(positions), self.attention) else np.inf


def goal_in_plane(name: str, scene: Scene, attention: np.ndarray) -> np.ndarray | None:
    """Return where the concept wants the actor, (2,) particle units; None without a single goal."""
    goal = getattr(get_concept(name), 'goal', None)
    place = None if goal is None else goal(scene, attention)
    return None if place is None else np.asarray(place, float)


def num_references(name: str) -> int:
    """Return how many entities of the reference colour the concept speaks of."""
    return int(get_concept(name).num_references)


def arrangement(concept: str, seed: int, workspace: Workspace, entities: int | None) -> TableScene:
    """Return the table of a seed: the simulator's, or one of `entities` with the effector."""
    references = num_references(concept)
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


def make_task(concept: str, seed: int, simulation: ArmSimulation) -> Task:
    """Return the task that a simulation poses, seen as the controller sees it."""
    workspace = simulation.workspace
    named = conversions.scene_from_message(
        conversions.table_scene_to_message(
            simulation.table_scene,
            simulation.entity_positions_in_base_m(),
            simulation.effector_in_base_m,
            workspace,
        ),
        workspace,
    )
    scene = named.scene
    references = (nearest_colours(scene) == REFERENCE_COLOUR) & ~scene.movable
    attention = (references | scene.movable).astype(float)
    goal = goal_in_plane(concept, scene, attention)
    goal_m = None if goal is None else workspace.to_base(goal)
    return Task(concept, seed, named, attention, goal_m, workspace)
