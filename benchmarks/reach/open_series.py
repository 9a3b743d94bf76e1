# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rows of the table whose concepts have no name, and whose referee is a predicate."""

from __future__ import annotations

from functools import cached_property

import mujoco
import numpy as np

from benchmarks.reach.lockstep import TIMESTEP_S
from benchmarks.reach.open_goal import OpenGoal
from benchmarks.reach.open_tasks import ENTITIES, OpenTask, open_task
from benchmarks.reach.series import Bench, Conditions
from benchmarks.reach.tasks import Task, seen
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.types import ConceptCodes
from ebm_core.evaluation.open.concept import Place

_STEPS, _DAMPING = 200, 1e-3  # of the search for joint positions
_ANY_TABLE = TableScene(entities=(TableEntity(id='any', position_in_base_m=(0, 0), colour='red'),))


class OpenBench(Bench):
    """As `Bench`, of concepts of `ebm_core.evaluation.open` with one actor."""

    usual_entities = '{}-{}'.format(*ENTITIES)

    def scene(self, conditions: Conditions, seed: int) -> tuple[ArmSimulation, Task]:
        """Return the scene of a seed and the task it poses."""
        posed = self._posed(conditions.concept, seed)
        simulation = ArmSimulation(self.arm, self.workspace, posed.table, TIMESTEP_S)
        if posed.start is not self._home:
            stand_at(simulation, posed.start)
        named = seen(simulation)
        positions, movable = named.scene.positions, named.scene.movable
        attention = movable.astype(float)
        attention[posed.references] = 1.0
        goal = OpenGoal(
            *(posed.concept, named, attention, positions[posed.references]),
            *(positions[movable][0], self.workspace),
        )
        return simulation, Task((posed.concept,), (1.0,), goal)

    def codes(self, concept: Place, seed: int, index: int = 0) -> ConceptCodes:
        """Return the concept as inferred from five demonstrations of that seed."""
        return self.learned(concept.name, self._posed(concept.name, seed).demonstrations)

    def _posed(self, name: str, seed: int) -> OpenTask:
        return open_task(name, seed, self._home, self.workspace)

    @cached_property
    def _home(self) -> np.ndarray:
        """Return where the effector begins, (2,) particle units."""
        simulation = ArmSimulation(self.arm, self.workspace, _ANY_TABLE, TIMESTEP_S)
        return self.workspace.to_plane(simulation.effector_in_base_m)


def stand_at(simulation: ArmSimulation, place: np.ndarray) -> None:
    """Have the arm stand with its effector at (2,) particle units, as high as at home."""
    model, data = simulation.model, simulation.data
    to_m = np.append(simulation.workspace.to_base(place), simulation.effector_in_base_m[2])
    jacobian = np.zeros((3, model.nv))
    site = model.site(simulation.arm.effector_site).id
    for _ in range(_STEPS):
        mujoco.mj_jacSite(model, data, jacobian, None, site)
        off_m = to_m - simulation.effector_in_base_m
        step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(3), off_m)
        data.qpos[:] += 0.5 * step
        mujoco.mj_forward(model, data)
    if np.linalg.norm(off_m) > 1e-3:
        raise ValueError(f'start: {place} is out of the reach of {simulation.arm.name}')
    simulation.apply(simulation.hold_effort())
