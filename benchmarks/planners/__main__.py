# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a plan takes and what it reaches, ours beside those of others, on the same problems.

    python -m benchmarks.planners --goals 20

From rest at home the arm is to go to places drawn at random, within the same horizon, without a
plan to start from. Each planner has the same number of iterations; of the sampling ones each is as
many rollouts. Whoever plans, the torques are rolled out on our model and judged by our cost, of a
field that is a bowl around the goal: *cost* is what is left of what staying at rest costs. *Time*
is the thread's own processor time as a multiple of what our iLQG had just taken for the same
problem with as many iterations, the median, so what else runs counts little.

The package does not need the others. In an environment of their own, on top of this one:

    pip install pytorch_mppi viser crocoddyl==3.2.1 pin==4.0.0 && pip install --no-deps judo-rai

That crocoddyl was built with pin 4.0.0; what judo-rai requires would take MuJoCo back to 3.6.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np

from benchmarks.reach.outside import OUTSIDE, MissingPackage, require_outside
from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.field.energy_field import FIELD_SIZE, EnergyField, grid_points
from ebm_concept_ros.package_files import WORKSPACE, arm_file, package_path, shipped_arms
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.planners import PLANNERS
from ebm_concept_ros.workspace import Workspace, load_workspace

CROCODDYL = 'crocoddyl'
USUAL = ('mppi', *OUTSIDE, CROCODDYL)
_WITHIN_UNITS = 0.8
_SAMPLES = 32


def bowl(goal: np.ndarray, workspace: Workspace) -> EnergyField:
    """Return the field whose cost is the squared distance to a goal (2,), particle units."""
    points = grid_points(workspace.half_width_units, FIELD_SIZE)
    cost = ((points - goal) ** 2).sum(-1).reshape(FIELD_SIZE, FIELD_SIZE)
    return EnergyField(cost, workspace.half_width_units).with_cost(cost)


def require(name: str) -> None:
    """Raise MissingPackage where what a planner imports is not installed."""
    if name in OUTSIDE:
        require_outside(name)
    if name == CROCODDYL and importlib.util.find_spec(CROCODDYL) is None:
        raise MissingPackage(
            f'the planner {name} needs the packages: pip install crocoddyl==3.2.1 pin==4.0.0'
        )


def planner_of(name: str, arm: ArmConfig, workspace: Workspace, iterations: int) -> Planner:
    """Return a planner, ours or another's, that plans with so many iterations."""
    if name == CROCODDYL:
        from benchmarks.planners.crocoddyl_planner import CrocoddylPlanner

        kind = CrocoddylPlanner
    else:
        kind = OUTSIDE[name].kind if name in OUTSIDE else PLANNERS[name]
    given = {'cold_iterations': iterations}
    if 'samples' in kind.config_type.model_fields:
        given['samples'] = _SAMPLES
    return kind(arm, workspace, kind.config_type(**given))


def planned(
    planner: Planner, arm: ArmConfig, goal: np.ndarray, field: EnergyField
) -> tuple[float, float]:
    """Return the processor time of a plan from rest at home, ms, and its cost."""
    if hasattr(planner, 'aim'):
        planner.aim(goal)
    began = time.thread_time_ns()
    plan = planner.plan(0.0, arm.home_rad, np.zeros(len(arm.joints)), field)
    return (time.thread_time_ns() - began) / 1e6, plan.cost


def at_rest(planner: Planner, arm: ArmConfig, field: EnergyField) -> float:
    """Return what it costs to stay at home."""
    n = len(arm.joints)
    start = np.concatenate([arm.home_rad, np.zeros(n)])
    nothing = np.zeros((planner.config.steps, n))
    rollout = planner.model.rollout(start, nothing, arm.effort_limits_nm, excess=True)
    return float(planner.cost.value(rollout, field))


def measure(
    name: str, arm: ArmConfig, workspace: Workspace, goals: np.ndarray, iterations: int
) -> dict[str, float]:
    """Return the median of times and the mean of costs, ours and another's, over goals (G, 2)."""
    ours = IlqgPlanner(arm, workspace, IlqgPlanner.config_type(cold_iterations=iterations))
    other = planner_of(name, arm, workspace, iterations)
    rows = []
    for goal in goals:
        field = bowl(goal, workspace)
        for planner in (ours, other):  # what only the first plan on a field takes
            planned(planner, arm, goal, field)
        our_ms, our_cost = planned(ours, arm, goal, field)
        ms, cost = planned(other, arm, goal, field)
        rest = at_rest(ours, arm, field)
        rows.append((our_ms, ms, ms / our_ms, our_cost / rest, cost / rest))
    our_ms, ms, ratio, our_cost, cost = zip(*rows, strict=True)
    return {
        **{'our_ms': median(our_ms), 'ms': median(ms), 'time': median(ratio)},
        **{'our_cost': mean(our_cost), 'cost': mean(cost)},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each planner and number of iterations."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.planners',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--planners', nargs='+', choices=[*PLANNERS, *USUAL[1:]], default=USUAL)
    parser.add_argument('--iterations', type=int, nargs='+', default=[1, 2, 4, 8, 16])
    parser.add_argument('--goals', type=int, default=20)
    parser.add_argument('--arm', choices=shipped_arms(), default='jaco')
    parser.add_argument('--seed', type=int, default=0, help='of the goals')
    parser.add_argument('--json', type=Path, help='file for every number')
    options = parser.parse_args(arguments)
    if options.goals < 1 or min(options.iterations) < 1:
        parser.error('--goals, --iterations: at least 1')
    for name in options.planners:
        try:
            require(name)
        except MissingPackage as error:
            parser.error(f'--planners: {error}')
    arm, workspace = load_arm(arm_file(options.arm)), load_workspace(package_path('', WORKSPACE))
    rng = np.random.default_rng(options.seed)
    goals = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (options.goals, 2))
    rows = []
    print('| planner | iterations | ours, ms | time, multiple of ours | our cost | its cost |')
    print('|---|---|---|---|---|---|')
    for name in options.planners:
        for iterations in options.iterations:
            row = measure(name, arm, workspace, goals, iterations)
            rows.append({'planner': name, 'iterations': iterations, **row})
            print(
                '| {planner} | {iterations} | {our_ms:.2f} | {time:.1f} | {our_cost:.1%} | '
                '{cost:.1%} |'.format(**rows[-1]),
                flush=True,
            )
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
