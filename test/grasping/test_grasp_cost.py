# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The cost of a hand on its way: its model against its values, the compiled one against both."""

import re
from dataclasses import replace

import numpy as np
import pytest
from grasping_setup import ARM, HAND, WORKSPACE

from ebm_concept_ros.grasping.compiled_cost import compiled_grasp_cost
from ebm_concept_ros.grasping.cost import GraspCost, GraspWeights, HandReference
from ebm_concept_ros.grasping.hand import with_grasp_site
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.planner import PlannerConfig

PLANNED = with_grasp_site(ARM, HAND)
CONFIG = PlannerConfig(horizon_s=0.2, cold_iterations=3)
KNOTS = CONFIG.steps + 1


def cost_of(model: PlanModel) -> GraspCost:
    return GraspCost(PLANNED, model, GraspWeights())


def planner(compiled: bool) -> IlqgPlanner:
    return IlqgPlanner(
        *(PLANNED, WORKSPACE, CONFIG, compiled), cost_of=cost_of, compiled_cost=compiled_grasp_cost
    )


def reference(rng: np.random.Generator) -> HandReference:
    places = np.array([0.35, 0.05, 0.1]) + np.linspace(0, 0.1, KNOTS)[:, None] * rng.normal(size=3)
    yaws = rng.uniform(-3, 3) + np.linspace(0, 0.3, KNOTS)
    return HandReference(places, np.stack([np.cos(yaws), np.sin(yaws), 0 * yaws], axis=1))


def test_its_slope_is_that_of_its_value():
    rng = np.random.default_rng(0)
    model, goal = PlanModel(PLANNED, CONFIG.step_s), reference(rng)
    cost, n = cost_of(model), model.num_joints

    def moved(states: np.ndarray) -> tuple:
        # The same torques everywhere: what the state alone costs.
        rollouts = [
            model.rollout(state, np.zeros((1, n)), PLANNED.effort_limits_nm) for state in states
        ]
        stacked = [
            np.concatenate([getattr(each, key)[:1] for each in rollouts])
            for key in ('states', 'efforts', 'bias_nm', 'site_m', 'approach', 'side')
        ]
        stacked[1] = stacked[2] = np.zeros((len(states) - 1, n))
        return type(rollouts[0])(*stacked)

    states = np.concatenate(
        [PLANNED.home_rad + rng.normal(0, 0.2, (KNOTS, n)), rng.normal(0, 0.7, (KNOTS, n))], axis=1
    )
    rollout = moved(states)
    quadratic = cost.quadratic(rollout, model.linearise(rollout), goal)
    step = 1e-6
    for index in rng.choice(2 * n, 5, replace=False):
        away = step * (np.arange(2 * n) == index)
        up, down = (
            sum(cost.terms(moved(states + sign * away), goal).values()) for sign in (1.0, -1.0)
        )
        expected = (up - down) / (2 * step)
        expected[-1] *= cost.weights.terminal
        np.testing.assert_allclose(quadratic.state[:, index], expected, rtol=1e-4, atol=1e-4)
    eigenvalues = np.linalg.eigvalsh(quadratic.state_hessian)
    assert (eigenvalues > -1e-9 * eigenvalues.max()).all()


def test_compiled_plans_are_the_readable_ones():
    compiled, readable = planner(True), planner(False)
    assert compiled.why_not_compiled == ''
    rng = np.random.default_rng(1)
    for _ in range(3):
        goal, former, time_s = reference(rng), None, 0.0
        position = PLANNED.home_rad + rng.normal(0, 0.2, 6)
        speed = rng.normal(0, 0.4, 6)
        for _ in range(3):
            one, other = (
                each.plan(time_s, position, speed, goal, former) for each in (compiled, readable)
            )
            assert one.cost == pytest.approx(other.cost, rel=1e-9)
            np.testing.assert_allclose(one.efforts, other.efforts, atol=1e-8)
            np.testing.assert_allclose(
                one.gains, other.gains, atol=1e-8 * np.abs(other.gains).max()
            )
            former, time_s = one, time_s + 0.0137
            position = one.states[1, :6] + rng.normal(0, 0.03, 6)
            speed = one.states[1, 6:] + rng.normal(0, 0.2, 6)


@pytest.mark.parametrize('name', ['places_m', 'sides'])
def test_a_reference_of_other_knots_is_refused_by_the_compiled_planner(name):
    goal = reference(np.random.default_rng(3))
    short = replace(goal, **{name: getattr(goal, name)[:-1]})
    with pytest.raises(ValueError, match=re.escape(f'{name}: shape (10, 3), the plan takes (11,')):
        planner(True).plan(0.0, PLANNED.home_rad, np.zeros(6), short)


def test_the_hand_goes_to_its_reference():
    rng = np.random.default_rng(2)
    goal = reference(rng)
    still = HandReference(
        np.repeat(goal.places_m[:1], KNOTS, 0), np.repeat(goal.sides[:1], KNOTS, 0)
    )
    plan, model = None, PlanModel(PLANNED, CONFIG.step_s)
    position, speed = PLANNED.home_rad, np.zeros(6)
    along = planner(True)
    for tick in range(250):
        plan = along.plan(CONFIG.step_s * tick, position, speed, still, plan)
        position, speed = plan.states[1, :6], plan.states[1, 6:]
    end = model.rollout(plan.states[1], plan.efforts[1:2], PLANNED.effort_limits_nm)
    np.testing.assert_allclose(end.site_m[0], still.places_m[0], atol=2e-4)
    np.testing.assert_allclose(end.side[0], still.sides[0], atol=5e-3)
    np.testing.assert_allclose(end.approach[0], [0, 0, -1], atol=5e-3)
