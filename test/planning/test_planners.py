# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All planners alike: they reach, keep limits, repeat themselves, and are found by name."""

import numpy as np
import pytest
from closed_loop import reach
from reaching import field_around, midpoint_m, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.planning.cem import CemConfig
from ebm_concept_ros.planning.mppi import MppiConfig
from ebm_concept_ros.planning.planner import PlannerConfig, PlanningFailed
from ebm_concept_ros.planning.planners import PLANNERS, UnknownPlanner, make_planner
from ebm_concept_ros.planning.rollouts import DampedRollouts
from ebm_concept_ros.planning.sampling import SamplingPlanner

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
REST = np.zeros(6)
FAR = field_around(np.array([0.8, 0.7]))
ALL = pytest.mark.parametrize('name', PLANNERS)
SAMPLING = pytest.mark.parametrize(
    'name', [name for name, kind in PLANNERS.items() if issubclass(kind, SamplingPlanner)]
)


def some_plans(planner, count=3):
    """Return plans 10 ms apart, each from where the one before expected to be."""
    plans, state = [], np.concatenate([ARM.home_rad, REST])
    for i in range(count):
        plans.append(
            planner.plan(1.0 + 0.01 * i, state[:6], state[6:], FAR, plans[-1] if plans else None)
        )
        state = plans[-1].states[:2].mean(0)
    return plans


@ALL
def test_it_reaches_and_keeps_every_limit_on_the_way(name):
    scene = random_table_scene(2, 2, 'blue', WORKSPACE)
    simulation, goal = ArmSimulation(ARM, WORKSPACE, scene), midpoint_m(scene)
    field = field_around(WORKSPACE.to_plane(goal))
    trace = reach(simulation, make_planner(name, ARM, WORKSPACE), field, 1.8)
    assert trace.distances_m(goal)[0] > 0.2, 'it did not start there'
    assert trace.reach_time_s(goal) is not None
    assert trace.distances_m(goal)[-50:].mean() < 0.012
    assert (np.abs(trace.velocities_rad_s) <= ARM.velocity_limits_rad_s).all()
    assert (np.abs(trace.efforts_nm) <= ARM.effort_limits_nm).all()
    height_m = trace.effector_in_base_m[:, 2]
    np.testing.assert_allclose(height_m, WORKSPACE.hover_height_in_base_m, atol=0.03)


@ALL
def test_a_plan_keeps_torque_limits_that_bind(name):
    # Little more than what carries the arm: 6.1 N·m at the second joint.
    weak = ARM.model_copy(
        update={
            'joints': tuple(
                j.model_copy(update={'effort_limit_nm': limit})
                for j, limit in zip(ARM.joints, (2.0, 8.0, 3.0, 1.0, 1.0, 1.0), strict=True)
            )
        }
    )
    strong_plan = some_plans(make_planner(name, ARM, WORKSPACE))[-1]
    assert (np.abs(strong_plan.efforts) > weak.effort_limits_nm).any()
    plan = some_plans(make_planner(name, weak, WORKSPACE))[-1]
    assert (np.abs(plan.efforts) <= weak.effort_limits_nm).all()


@ALL
def test_the_same_states_give_the_same_torques_to_the_last_bit(name):
    one, other = (some_plans(make_planner(name, ARM, WORKSPACE)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.efforts, b.efforts)
        np.testing.assert_array_equal(a.states, b.states)
        np.testing.assert_array_equal(a.gains, b.gains)


@SAMPLING
def test_another_seed_gives_other_torques(name):
    config = PLANNERS[name].config_type
    one, other = (
        some_plans(make_planner(name, ARM, WORKSPACE, config(seed=seed)), 1)[0] for seed in (0, 1)
    )
    assert np.abs(one.efforts - other.efforts).max() > 1e-3


@SAMPLING
def test_samples_make_a_plan_better_than_staying(name):
    plan = some_plans(make_planner(name, ARM, WORKSPACE), 1)[0]
    staying = make_planner(name, ARM, WORKSPACE).model.rollout(
        np.concatenate([ARM.home_rad, REST]), np.zeros((25, 6)), ARM.effort_limits_nm, excess=True
    )
    cost = make_planner('ilqg', ARM, WORKSPACE).cost.value(staying, FAR)
    assert plan.cost < 0.9 * cost


@ALL
def test_it_goes_on_from_the_plan_of_any_other(name):
    """A controller may change planners while the arm moves."""
    planner = make_planner(name, ARM, WORKSPACE)
    for other in PLANNERS:
        before = some_plans(make_planner(other, ARM, WORKSPACE))[-1]
        plan = planner.plan(1.04, before.states[1, :6], before.states[1, 6:], FAR, before)
        assert plan.cost < 1.2 * before.cost


@ALL
def test_an_arm_that_flies_apart_gives_no_plan(name):
    planner = make_planner(name, ARM, WORKSPACE)
    with pytest.raises(PlanningFailed):
        planner.plan(1.0, ARM.home_rad, np.full(6, 9e3), FAR)
    assert np.isfinite(some_plans(planner, 1)[0].efforts).all()


@ALL
@pytest.mark.parametrize('time_s', [np.nan, np.inf, -np.inf])
def test_no_plan_for_a_time_that_is_none(name, time_s):
    with pytest.raises(PlanningFailed, match='time_s'):
        make_planner(name, ARM, WORKSPACE).plan(time_s, ARM.home_rad, REST, FAR)


@ALL
def test_a_clock_that_starts_below_zero_is_planned_on(name):
    plan = make_planner(name, ARM, WORKSPACE).plan(-5.0, ARM.home_rad, REST, FAR)
    assert np.isfinite(plan.efforts).all()


def test_more_elites_than_samples_are_refused_with_both_values():
    with pytest.raises(ValueError, match='elites 9 are more than samples 8'):
        CemConfig(elites=9, samples=8)


def test_an_unknown_planner_is_refused_with_the_known_ones():
    with pytest.raises(UnknownPlanner) as refusal:
        make_planner('ilqr', ARM, WORKSPACE)
    for name in ('ilqr', *PLANNERS):
        assert name in str(refusal.value)


def test_the_config_of_another_planner_is_refused():
    with pytest.raises(TypeError, match=r'MppiConfig.*CemPlanner takes CemConfig'):
        make_planner('cem', ARM, WORKSPACE, MppiConfig())
    with pytest.raises(TypeError, match='PlannerConfig'):
        make_planner('mppi', ARM, WORKSPACE, PlannerConfig())
    assert make_planner('cem', ARM, WORKSPACE, CemConfig(samples=8)).config.samples == 8


def test_many_rollouts_are_what_single_ones_are():
    """At a small step, where damping before and after the step are the same."""
    damping, step_s, steps = np.full(6, 2.0), 0.002, 40
    setpoints = np.random.default_rng(0).uniform(-0.4, 0.4, (3, 1, 6)) * np.ones((1, steps, 1))
    start = np.concatenate([ARM.home_rad, np.full(6, 0.1)])
    many = DampedRollouts(ARM, step_s, damping)(start, setpoints, ARM.effort_limits_nm)
    planner = make_planner('ilqg', ARM, WORKSPACE, PlannerConfig(step_s=step_s))
    gains = np.zeros((steps, 6, 12))
    gains[:, :, 6:] = -np.diag(damping)
    values = planner.cost.value(many, FAR)
    for i in range(3):
        single = planner.model.rollout(
            *(start, setpoints[i] * damping, ARM.effort_limits_nm, gains),
            *(np.zeros((steps, 12)), True),
        )
        np.testing.assert_allclose(many.states[i], single.states, atol=3e-4)
        np.testing.assert_allclose(many.site_m[i], single.site_m, atol=1e-5)
        np.testing.assert_allclose(many.approach[i], single.approach, atol=1e-4)
        np.testing.assert_allclose(many.efforts[i], single.efforts - single.bias_nm, atol=0.05)
        assert values[i] == pytest.approx(float(planner.cost.value(single, FAR)), rel=1e-3)
        # Each place belongs to its own knot, the last one too.
        for k in (0, 1, steps):
            np.testing.assert_allclose(
                many.site_m[i, k],
                planner.model.effector_in_base_m(many.states[i, k, :6]),
                atol=1e-9,
            )
