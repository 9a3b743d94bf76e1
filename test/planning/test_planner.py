# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Plans: what they refuse, what they promise, and that an arm following them arrives."""

import dataclasses

import numpy as np
import pytest
from closed_loop import reach
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from reaching import field_around, midpoint_m, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.planning.ilqg import IlqgPlanner, PlannerConfig, PlanningFailed
from ebm_concept_ros.planning.policy import InvalidState, PlanExpired

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
REST = np.zeros(6)
FIELD = field_around(np.array([0.3, 0.4]))
PLANNER = IlqgPlanner(ARM, WORKSPACE)
PLAN = PLANNER.plan(1.0, ARM.home_rad, REST, FIELD)


def simulation_of(seed):
    scene = random_table_scene(seed, 2, 'blue', WORKSPACE)
    return ArmSimulation(ARM, WORKSPACE, scene), midpoint_m(scene)


@pytest.mark.parametrize(
    'shape', [np.square, lambda r: r**2 / (0.05 + r**2)], ids=['quadratic', 'saturating']
)
@pytest.mark.parametrize('seed', [2, 15, 17, 25])
def test_the_arm_reaches_between_two_blue_entities(seed, shape):
    simulation, goal = simulation_of(seed)
    trace = reach(simulation, PLANNER, field_around(WORKSPACE.to_plane(goal), shape), 2.0)
    assert trace.distances_m(goal)[0] > 0.03, 'it did not start there'
    assert trace.reach_time_s(goal) is not None
    assert (np.abs(trace.velocities_rad_s) <= ARM.velocity_limits_rad_s).all()
    assert (np.abs(trace.efforts_nm) <= ARM.effort_limits_nm).all()
    height_m = trace.effector_in_base_m[:, 2]
    np.testing.assert_allclose(height_m, WORKSPACE.hover_height_in_base_m, atol=0.03)


def test_the_arm_reaches_with_plans_that_come_50_ms_late_at_20_hz():
    simulation, goal = simulation_of(2)
    field = field_around(WORKSPACE.to_plane(goal))
    trace = reach(simulation, PLANNER, field, 2.5, replan_s=0.05, latency_s=0.05)
    assert trace.reach_time_s(goal) is not None


def test_the_arm_holds_when_plans_come_after_they_expired():
    simulation, _ = simulation_of(2)
    before = simulation.effector_in_base_m
    reach(simulation, PLANNER, FIELD, 0.6, latency_s=PLANNER.config.validity_s + 0.1)
    assert np.linalg.norm(simulation.effector_in_base_m - before) < 1e-3


def test_the_same_state_gives_the_same_plan():
    again = IlqgPlanner(ARM, WORKSPACE).plan(1.0, ARM.home_rad, REST, FIELD)
    np.testing.assert_array_equal(again.efforts, PLAN.efforts)
    np.testing.assert_array_equal(again.gains, PLAN.gains)


def test_a_warm_start_costs_no_more_than_it_inherits():
    later = PLANNER.plan(1.01, PLAN.states[0, :6], PLAN.states[0, 6:], FIELD, PLAN)
    cold = PLANNER.plan(1.01, PLAN.states[0, :6], PLAN.states[0, 6:], FIELD)
    assert later.iterations == 1 < cold.iterations
    assert later.cost < 1.2 * cold.cost


def test_a_warm_start_from_the_future_is_not_used():
    """As after a clock that jumped back."""
    plan = PLANNER.plan(0.5, ARM.home_rad, REST, FIELD, PLAN)
    np.testing.assert_array_equal(
        plan.efforts, PLANNER.plan(0.5, ARM.home_rad, REST, FIELD).efforts
    )


@given(
    time=st.floats(0.0, 0.2),
    state=arrays(float, 12, elements=st.floats(-1e3, 1e3)),
)
@settings(max_examples=200)
def test_torque_is_finite_and_within_limits_at_any_state(time, state):
    effort = PLAN.effort(1.0 + time, state[:6], state[6:])
    assert np.isfinite(effort).all()
    assert (np.abs(effort) <= ARM.effort_limits_nm).all()


@pytest.mark.parametrize('time_s', [0.9, 1.21, 1e9, -1e9, np.nan])
def test_no_torque_at_a_time_the_plan_is_not_valid_for(time_s):
    with pytest.raises(PlanExpired):
        PLAN.effort(time_s, ARM.home_rad, REST)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, 1e308])
def test_no_torque_and_no_plan_for_a_state_that_cannot_be(bad):
    positions = ARM.home_rad.copy()
    positions[2] = bad
    with pytest.raises(InvalidState):
        PLAN.effort(1.0, positions, REST)
    with pytest.raises(InvalidState):
        PLANNER.plan(1.0, positions, REST, FIELD)
    with pytest.raises(InvalidState):
        PLANNER.plan(1.0, ARM.home_rad[:5], REST, FIELD)


def test_a_plan_cannot_be_changed():
    with pytest.raises(ValueError, match='read-only'):
        PLAN.efforts[0] = 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAN.start_s = 0.0


def test_a_plan_with_nan_cannot_be_made():
    with pytest.raises(ValueError, match='gains'):
        dataclasses.replace(PLAN, gains=np.full_like(PLAN.gains, np.nan))


def test_an_arm_that_flies_apart_gives_no_plan():
    """No torque within the limits makes sense of this state, and the rollout diverges."""
    with pytest.raises(PlanningFailed, match='rollout diverged'):
        PLANNER.plan(1.0, ARM.home_rad, np.full(6, 9e3), FIELD)
    again = PLANNER.plan(1.0, ARM.home_rad, REST, FIELD)
    np.testing.assert_array_equal(again.efforts, PLAN.efforts)


@pytest.mark.parametrize(
    ('values', 'names'),
    [
        ({'horizon_s': 0.51}, ('horizon_s 0.51', 'step_s 0.02')),
        ({'validity_s': 0.6}, ('validity_s 0.6', 'horizon_s 0.5')),
        ({'iterations': 0}, ('iterations',)),
        ({'weights': {'energy': -1.0}}, ('weights.energy',)),
    ],
)
def test_a_planner_that_cannot_work_is_refused_with_both_values(values, names):
    with pytest.raises(ValidationError) as refusal:
        PlannerConfig(**values)
    for name in names:
        assert name in str(refusal.value)
