# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One row of the table: the same scenes for every planner, field and perturbation."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from benchmarks.reach.lockstep import TIMESTEP_S, enact
from benchmarks.reach.measures import measure, summarise
from benchmarks.reach.obstacles import with_obstacles
from benchmarks.reach.outside import planner_of
from benchmarks.reach.perturbations import PERTURBATIONS
from benchmarks.reach.surroundings import (
    AppearingDistractors,
    ChangingWeights,
    MovingReference,
    Surroundings,
)
from benchmarks.reach.tasks import COLOURS_REFERRED_TO, Task, make_task, pose
from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.contact_reflex import HOLD
from ebm_concept_ros.control.target import Target, make_target
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.field.cost_to_go import with_cost_to_go_around
from ebm_concept_ros.field.obstacles import circles_to_avoid, hand_radius_m
from ebm_concept_ros.oracle.judge import ReachJudge
from ebm_concept_ros.types import AnyConcept, ComposedConcept, ConceptCodes
from ebm_concept_ros.workspace import load_workspace
from ebm_core.concepts import Concept
from ebm_core.evaluation.sharing import ALONE, Sharers, shared_out
from ebm_core.relational.model import load_model
from ebm_core.world.scene import Demonstration

DEMONSTRATIONS = 5
FIRST_ALONE, SECOND_ALONE = (1.0, 0.0), (0.0, 1.0)

# With obstacles: arrangements tried until they find room.
_MAX_ATTEMPTS, _ATTEMPT_STRIDE = 100, 100_000

# As the referee judges; a moving goal is to be followed at the distance that a lag may be.
TOLERANCE_M, HOLD_S = 0.02, 0.5
FOLLOWED_WITHIN_M, FOLLOWED_S = 0.03, 3.0


@dataclass(frozen=True)
class Conditions:
    """What all scenes of a row have in common.

    field: 'learned', or 'oracle', the squared distance to the nearest place that is right.
    concept: a name, or two with SUM in between. entities: None for the simulator's 3 to 6.
    moving_m_s: speed of one of the references. appearing: others come and go. reweighed: of two
    concepts the first alone counts, and when the arm is on its way the second alone.
    obstacles: poles on the straight way; avoid: whether the controller is told of them. on_contact:
    what it does where something strikes the arm.
    """

    concept: str = 'between'
    entities: int | None = None
    moving_m_s: float = 0.0
    perturbation: str = 'none'
    planner: str = 'ilqg'
    field: str = 'learned'
    appearing: bool = False
    reweighed: bool = False
    obstacles: int = 0
    avoid: bool = True
    on_contact: str = HOLD


class Bench:
    """The shipped model, arm and workspace, and the codes inferred so far.

    usual_entities: how many a table has where the conditions do not say, with the effector.
    """

    usual_entities: ClassVar[str] = '3-6'

    def __init__(self, model: Path, arm: Path, workspace: Path = Path('config/workspace.yaml')):
        self.model, self.arm = load_model(model), load_arm(arm)
        self.workspace = load_workspace(workspace)
        self.hand_radius_m = hand_radius_m(self.arm)

    def rows(
        self, rows: Sequence[Conditions], seeds: range, processes: Sharers = ALONE
    ) -> list[dict]:
        """Run every scene of every row; return summaries with `runs`, one dict per scene.

        The processes share the scenes; what does not depend on the clock stays the same.
        """
        jobs = [(conditions, seed) for conditions in rows for seed in seeds]
        runs = shared_out(jobs, lambda job: self._told(*job), processes)
        each = (runs[i : i + len(seeds)] for i in range(0, len(runs), len(seeds)))
        return [
            {
                **dataclasses.asdict(conditions),
                'entities': conditions.entities or self.usual_entities,
                **summarise(some),
                'runs': some,
            }
            for conditions, some in zip(rows, each, strict=True)
        ]

    def _told(self, conditions: Conditions, seed: int) -> dict:
        run = self.reach(conditions, seed)
        if not run['success']:
            print(f'failed: {conditions} {run_line(run)}', flush=True)
        return run

    def reach(self, conditions: Conditions, seed: int) -> dict:
        """Return the numbers of one scene; demonstrations are as new as the arrangement."""
        c = conditions
        simulation, task = self.scene(c, seed)
        codes = tuple(self.codes(concept, seed, i) for i, concept in enumerate(task.concepts))
        target_times_s, found = [], []
        former: Target | None = None

        def make(task: Task) -> Target:
            nonlocal former
            began = time.perf_counter()
            former = make_target(
                self.model,
                summed(codes, task.weights),
                task.named,
                self.workspace,
                hand_radius_m=self.hand_radius_m if c.avoid else None,
                former=former,
            )
            target_times_s.append(time.perf_counter() - began)
            found.append(self._identified(task, former))
            return self.oracle(task, former, c.avoid) if c.field == 'oracle' else former

        judge = ReachJudge(TOLERANCE_M, HOLD_S)
        if c.moving_m_s:
            surroundings = MovingReference(task, make, c.moving_m_s, TIMESTEP_S, seed)
            judge = ReachJudge(FOLLOWED_WITHIN_M, FOLLOWED_S)
        elif c.appearing:
            surroundings = AppearingDistractors(task, make, seed)
        elif c.reweighed:
            first = make_task(task.concepts, simulation, FIRST_ALONE)
            surroundings = ChangingWeights(first, task, make)
        else:
            surroundings = Surroundings(task, make)
        planner = planner_of(c.planner, self.arm, self.workspace)
        run = enact(
            *(simulation, surroundings, planner, PERTURBATIONS[c.perturbation], judge, seed),
            c.on_contact,
        )
        measured = measure(run, self.arm, planner.model.joint_ranges_rad, TIMESTEP_S)
        # The node would hold: what is not understood is not enacted. The oracle knows it anyway.
        understood = c.field == 'oracle' or not why_not_understood(summed(codes, task.weights))
        return {
            'seed': seed,
            **measured,
            'success': measured['success'] and understood,
            'understood': understood,
            'identified': float(np.mean(found)),
            'target_time_s': float(np.median(target_times_s)),
        }

    def scene(self, conditions: Conditions, seed: int) -> tuple[ArmSimulation, Task]:
        """Return the scene of a seed and the task it poses.

        With obstacles, the first arrangement in which they find room, of as many as it takes.
        Raises ValueError where there is none.
        """
        c = conditions
        weights = SECOND_ALONE if c.reweighed else None
        for attempt in range(_MAX_ATTEMPTS if c.obstacles else 1):
            number = seed + _ATTEMPT_STRIDE * attempt
            concepts, table = pose(c.concept, number, self.workspace, c.entities, not c.reweighed)
            simulation = ArmSimulation(self.arm, self.workspace, table, TIMESTEP_S)
            task = make_task(concepts, simulation, weights)
            if not c.obstacles:
                return simulation, task
            if not task.goal.has_distance:
                break
            start_m = simulation.effector_in_base_m[:2]
            place_m = task.goal.place_m(start_m)
            table = with_obstacles(table, c.obstacles, start_m, place_m, self.workspace)
            if table is not None:
                simulation = ArmSimulation(self.arm, self.workspace, table, TIMESTEP_S)
                return simulation, make_task(concepts, simulation, weights)
        raise ValueError(f'obstacles: {c.obstacles} find no room on the way of {c.concept}')

    def codes(self, concept: Concept, seed: int, index: int = 0) -> ConceptCodes:
        """Return the concept as inferred from five demonstrations of that seed.

        index: of the concept in a sum, which tells the colour that it refers to.
        """
        demonstrations = concept.demonstrations(
            np.random.default_rng(seed + index * 2**32),
            DEMONSTRATIONS,
            reference_colour=COLOURS_REFERRED_TO[index],
        )
        return self.learned(concept.name, demonstrations)

    def learned(self, name: str, demonstrations: list[Demonstration]) -> ConceptCodes:
        """Return what the learner would publish of the demonstrations."""
        inferred = self.model.infer(demonstrations)
        threshold = self.model.understanding_threshold
        return ConceptCodes(
            name,
            inferred.action_code,
            inferred.argument_code,
            self.model.sha256,
            understanding=self.model.understanding(demonstrations),
            understanding_threshold=math.nan if threshold is None else threshold,
        )

    def _identified(self, task: Task, target: Target) -> bool:
        """Tell whether who takes part was found; the arm does by definition."""
        still = ~task.named.scene.movable
        return bool(((target.attention > 0.5) == (task.goal.attention > 0.5))[still].all())

    def oracle(self, task: Task, target: Target, avoid: bool = True) -> Target:
        """Return the target with the oracle's field; the rest of the controller stays."""
        field = task.goal.oracle()
        if avoid:
            circles = circles_to_avoid(target.scene, self.workspace, self.hand_radius_m)
            field = with_cost_to_go_around(field, circles)
        return dataclasses.replace(target, field=field)


def summed(codes: tuple[ConceptCodes, ...], weights: tuple[float, ...]) -> AnyConcept:
    """Return one concept as it is, several as their sum."""
    if len(codes) == 1:
        return codes[0]
    return ComposedConcept(SUM.join(code.name for code in codes), codes, weights)


def run_line(run: dict) -> str:
    """Return a run in one line."""
    numbers = {key: value for key, value in run.items() if key != 'plan_times_s'}
    return ' '.join(
        f'{key}={value:.4g}' if isinstance(value, float) else f'{key}={value}'
        for key, value in numbers.items()
    )
