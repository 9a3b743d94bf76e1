# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bare arm that plans are made on: the same dynamics as the full one, and true derivatives."""

import mujoco
import numpy as np
import pytest
from reaching import shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.cost import CostWeights, ReachCost
from ebm_concept_ros.planning.plan_model import PlanModel

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
STEPS = 8


@pytest.fixture(scope='module')
def model():
    return PlanModel(ARM, 0.02)


def some_rollout(model, seed=0):
    rng = np.random.default_rng(seed)
    start = np.concatenate([ARM.home_rad + rng.normal(0, 0.1, 6), rng.normal(0, 0.7, 6)])
    efforts = rng.normal(0, 2.0, (STEPS, 6))
    return model.rollout(start, efforts, ARM.effort_limits_nm, excess=True)


def test_the_bare_arm_weighs_and_reaches_what_the_full_one_does(model):
    scene = random_table_scene(1, 2, 'blue', WORKSPACE)
    full = ArmSimulation(ARM, WORKSPACE, scene)
    rng = np.random.default_rng(0)
    for _ in range(5):
        q, v = ARM.home_rad + rng.normal(0, 0.5, 6), rng.normal(0, 0.5, 6)
        full.data.qpos[:], full.data.qvel[:] = q, v
        mujoco.mj_forward(full.model, full.data)
        np.testing.assert_allclose(model.bias_nm(q, v), full.data.qfrc_bias, atol=1e-9)
        np.testing.assert_allclose(model.effector_in_base_m(q), full.effector_in_base_m, atol=1e-9)
    np.testing.assert_array_equal(model.friction_nm, [2, 2, 2, 1, 1, 1])


def test_an_arm_that_is_carried_rests(model):
    start = np.concatenate([ARM.home_rad, np.zeros(6)])
    rollout = model.rollout(start, np.zeros((STEPS, 6)), ARM.effort_limits_nm, excess=True)
    np.testing.assert_allclose(rollout.states[-1], start, atol=1e-9)


def test_torques_in_a_rollout_keep_the_limits(model):
    start = np.concatenate([ARM.home_rad, np.zeros(6)])
    rollout = model.rollout(start, np.full((STEPS, 6), 1e6), ARM.effort_limits_nm)
    np.testing.assert_array_equal(rollout.efforts, np.tile(ARM.effort_limits_nm, (STEPS, 1)))


def test_linearisation_predicts_the_next_state(model):
    rollout = some_rollout(model)
    f = model.linearise(rollout).dynamics[0]
    rng = np.random.default_rng(1)
    for _ in range(5):
        dx, du = 1e-4 * rng.normal(size=12), 1e-2 * rng.normal(size=6)
        moved = model.rollout(
            rollout.states[0] + dx, rollout.efforts[:1] + du, ARM.effort_limits_nm
        )
        change = moved.states[1] - rollout.states[1]
        np.testing.assert_allclose(f @ np.concatenate([dx, du]), change, atol=2e-6)


def test_the_cost_gradient_is_that_of_the_value(model):
    """Moves each knot's state alone; the torque term's own reference is left out of that."""
    field = EnergyField.tabulate(lambda p: ((p - [0.4, 0.3]) ** 2).sum(-1))
    weights = CostWeights(effort=0.0)
    cost = ReachCost(ARM, WORKSPACE, model, weights)
    rollout = some_rollout(model, seed=2)
    quadratic = cost.quadratic(rollout, model.linearise(rollout), field)
    knot, h = 3, 1e-6
    for i in range(12):
        values = []
        for sign in (1.0, -1.0):
            state = rollout.states[knot].copy()
            state[i] += sign * h
            one = model.rollout(state, rollout.efforts[:1], ARM.effort_limits_nm)
            values.append(sum(term[0] for term in cost.terms(one, field).values()))
        slope = (values[0] - values[1]) / (2 * h)
        assert quadratic.state[knot, i] == pytest.approx(slope, rel=1e-3, abs=1e-6)
    assert (np.linalg.eigvalsh(quadratic.state_hessian) >= -1e-9).all()


def test_every_weight_is_a_term_and_every_term_has_a_weight(model):
    field = EnergyField.tabulate(lambda p: (p**2).sum(-1))
    terms = ReachCost(ARM, WORKSPACE, model, CostWeights()).terms(some_rollout(model), field)
    assert set(terms) == set(CostWeights.model_fields) - {'terminal'}
    assert all((values >= 0.0).all() for values in terms.values())
