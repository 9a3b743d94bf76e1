"""One row of the table: the same scenes for every planner, field and perturbation."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.reach.lockstep import TIMESTEP_S, enact
from benchmarks.reach.measures import measure, summarise
from benchmarks.reach.obstacles import with_obstacles
from benchmarks.reach.outside import planner_of
from benchmarks.reach.perturbations import PERTURBATIONS
from benchmarks.reach.surroundings import MovingReference, Surroundings
from benchmarks.reach.tasks import REFERENCE_COLOUR, Task, arrangement, make_task
from ebm_concept_ros.arm.config import load_arm
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.obstacles import circles_to_avoid, hand_radius_m
from ebm_concept_ros.control.target import Target, make_target
from ebm_concept_ros.conversions import ConceptCodes
from ebm_concept_ros.mpc.detour import led_around
from ebm_concept_ros.mpc.energy_field import EnergyField
from ebm_concept_ros.nodes.judge import ReachJudge
from ebm_concept_ros.workspace import load_workspace
from ebm_core.events import get_concept
from ebm_core.model import load_model

DEMONSTRATIONS = 5

# With obstacles: arrangements tried until they find room.
_MAX_ATTEMPTS, _ATTEMPT_STRIDE = 100, 100_000

# As the referee judges; a moving goal is to be followed at the distance that a lag may be.
TOLERANCE_M, HOLD_S = 0.02, 0.5
FOLLOWED_WITHIN_M, FOLLOWED_S = 0.03, 3.0


@dataclass(frozen=True)
class Conditions:
    """What all scenes of a row have in common.

    field: 'learned', or 'oracle', the squared distance to the goal. entities: None for the
    simulator's 3 to 6. moving_m_s: speed of one of the references. obstacles: poles on the straight
    way; avoid: whether the controller is told what it would strike.
    """

    concept: str = 'between'
    entities: int | None = None
    moving_m_s: float = 0.0
    perturbation: str = 'none'
    planner: str = 'ilqg'
    field: str = 'learned'
    obstacles: int = 0
    avoid: bool = True


class Bench:
    """The shipped model, arm and workspace, and the codes inferred so far."""

    def __init__(self, model: Path, arm: Path, workspace: Path = Path('config/workspace.yaml')):
        self.model, self.arm = load_model(model), load_arm(arm)
        self.workspace = load_workspace(workspace)
        self.hand_radius_m = hand_radius_m(self.arm)

    def series(self, conditions: Conditions, seeds: range) -> dict:
        """Run every scene; return the summary, with `runs`, one dict per scene."""
        runs = []
        for seed in seeds:
            run = self.reach(conditions, seed)
            runs.append(run)
            if not run['success']:
                print(f'failed: {conditions} {run_line(run)}', flush=True)
        return {**dataclasses.asdict(conditions), **summarise(runs), 'runs': runs}

    def reach(self, conditions: Conditions, seed: int) -> dict:
        """Return the numbers of one scene; demonstrations are as new as the arrangement."""
        c = conditions
        simulation, task = self.scene(c, seed)
        codes = self.codes(c.concept, seed)
        target_times_s, attentions = [], []

        def make(task: Task) -> Target:
            began = time.perf_counter()
            radius_m = self.hand_radius_m if c.avoid else None
            target = make_target(self.model, codes, task.named, self.workspace, 0, radius_m)
            target_times_s.append(time.perf_counter() - began)
            attentions.append(target.attention)
            return self.oracle(task, target, c.avoid) if c.field == 'oracle' else target

        if c.moving_m_s:
            surroundings = MovingReference(task, make, c.moving_m_s, TIMESTEP_S)
            judge = ReachJudge(FOLLOWED_WITHIN_M, FOLLOWED_S)
        else:
            surroundings = Surroundings(task, make)
            judge = ReachJudge(TOLERANCE_M, HOLD_S)
        planner = planner_of(c.planner, self.arm, self.workspace)
        run = enact(simulation, surroundings, planner, PERTURBATIONS[c.perturbation], judge, seed)
        # The arm takes part by definition, so only who else does is found out.
        still = ~task.named.scene.movable
        who = (task.attention > 0.5)[still]
        return {
            'seed': seed,
            **measure(run, self.arm, planner.model.joint_ranges_rad, TIMESTEP_S),
            'identified': float(np.mean([((a > 0.5)[still] == who).all() for a in attentions])),
            'target_time_s': float(np.median(target_times_s)),
        }

    def scene(self, conditions: Conditions, seed: int) -> tuple[ArmSimulation, Task]:
        """Return the scene of a seed and the task it poses.

        With obstacles, the first arrangement in which they find room, of as many as it takes.
        Raises ValueError where there is none.
        """
        c = conditions
        for attempt in range(_MAX_ATTEMPTS if c.obstacles else 1):
            number = seed + _ATTEMPT_STRIDE * attempt
            table = arrangement(c.concept, number, self.workspace, c.entities)
            simulation = ArmSimulation(self.arm, self.workspace, table, TIMESTEP_S)
            task = make_task(c.concept, number, simulation)
            if not c.obstacles:
                return simulation, task
            if task.goal_m is None:
                break
            start_m = simulation.effector_in_base_m[:2]
            table = with_obstacles(table, c.obstacles, start_m, task.goal_m, self.workspace)
            if table is not None:
                simulation = ArmSimulation(self.arm, self.workspace, table, TIMESTEP_S)
                return simulation, make_task(c.concept, number, simulation)
        raise ValueError(f'obstacles: {c.obstacles} find no room on the way of {c.concept}')

    def codes(self, concept: str, seed: int) -> ConceptCodes:
        """Return the concept as inferred from five demonstrations of that seed."""
        demonstrations = get_concept(concept).demonstrations(
            np.random.default_rng(seed), DEMONSTRATIONS, reference_colour=REFERENCE_COLOUR
        )
        inferred = self.model.infer(demonstrations)
        return ConceptCodes(
            concept, inferred.action_code, inferred.argument_code, self.model.sha256
        )

    def oracle(self, task: Task, target: Target, avoid: bool = True) -> Target:
        """Return the target with the field of the true goal; the rest of the controller stays."""
        if task.goal_m is None:
            raise ValueError(f'oracle: {task.concept} has no single goal')
        goal = self.workspace.to_plane(task.goal_m)
        field = EnergyField.tabulate(
            lambda points: ((points - goal) ** 2).sum(1), self.workspace.half_width_units
        )
        if avoid:
            circles = circles_to_avoid(target.scene, self.workspace, self.hand_radius_m)
            field = led_around(field, circles)
        return dataclasses.replace(target, field=field)


def run_line(run: dict) -> str:
    """Return a run in one line."""
    numbers = {key: value for key, value in run.items() if key != 'plan_times_s'}
    return ' '.join(
        f'{key}={value:.4g}' if isinstance(value, float) else f'{key}={value}'
        for key, value in numbers.items()
    )
