# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The compiled torques are those of the readable version."""

from dataclasses import replace

import numpy as np
import pytest
from reaching import SHIPPED_ARMS, shipped_arm

from ebm_concept_ros.control.compiled_torques import (
    CompiledForces,
    CompiledTorques,
    forces_of,
    torques_of,
)
from ebm_concept_ros.control.momentum_observer import PlainForces
from ebm_concept_ros.control.torques import PlainTorques
from ebm_concept_ros.planning import kernel_arm
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import InvalidState, Plan, PlanExpired

ALIKE = {'rtol': 1e-9, 'atol': 1e-9}
STEPS, STEP_S = 8, 0.02


@pytest.fixture(scope='module', params=SHIPPED_ARMS)
def arm(request):
    return shipped_arm(request.param)


@pytest.fixture(scope='module')
def both(arm):
    """The plain and the compiled torques, each on a model of its own."""
    return PlainTorques(arm, PlanModel(arm, 0.002)), CompiledTorques(arm, PlanModel(arm, 0.002))


def plan_of(arm, rng):
    """A plan that asks for torques all over, and for friction."""
    n = len(arm.joints)
    return Plan(
        start_s=1.0,
        expires_at_s=1.0 + STEPS * STEP_S,
        step_s=STEP_S,
        states=rng.normal(0.0, 0.3, (STEPS + 1, 2 * n)) + np.append(arm.home_rad, np.zeros(n)),
        efforts=rng.uniform(-1.0, 1.0, (STEPS, n)) * arm.effort_limits_nm,
        gains=rng.normal(0.0, 5.0, (STEPS, n, 2 * n)),
        friction_nm=0.05 * arm.effort_limits_nm,
        limits_nm=arm.effort_limits_nm,
        cost=0.0,
        iterations=1,
        plan_time_s=0.0,
    )


def states(arm, rng, count):
    """States all over, at speeds up to beyond the limits."""
    for _ in range(count):
        positions = arm.home_rad + rng.uniform(-1.0, 1.0, len(arm.joints))
        yield positions, rng.uniform(-1.2, 1.2, len(arm.joints)) * arm.velocity_limits_rad_s


def test_torques_that_follow_a_plan_are_alike(arm, both):
    rng = np.random.default_rng(0)
    plain, compiled = both
    near_limit = 0
    for positions, velocities in states(arm, rng, 100):
        plan = plan_of(arm, rng)
        time_s = plan.start_s + rng.uniform(0.0, STEPS * STEP_S)
        former = rng.uniform(-1.0, 1.0, len(arm.joints)) * arm.effort_limits_nm
        for reachable in (None, (former - 2.0, former + 2.0)):
            expected = plain.following_nm(plan, time_s, positions, velocities, reachable)
            found = compiled.following_nm(plan, time_s, positions, velocities, reachable)
            np.testing.assert_allclose(found, expected, **ALIKE)
        wanted = np.clip(plan.effort(time_s, positions, velocities), *reachable)
        near_limit += not np.allclose(wanted, expected)
    assert near_limit > 10, 'the speed limit had its say'
    # The same plan again, at another time.
    later = compiled.following_nm(plan, plan.expires_at_s, positions, velocities)
    np.testing.assert_allclose(
        later, plain.following_nm(plan, plan.expires_at_s, positions, velocities), **ALIKE
    )


def test_torques_that_hold_are_alike(arm, both):
    rng = np.random.default_rng(1)
    plain, compiled = both
    for positions, velocities in states(arm, rng, 50):
        for wanted in (None, rng.normal(0.0, 0.05, len(arm.joints))):
            np.testing.assert_allclose(
                compiled.holding_nm(positions, velocities, wanted),
                plain.holding_nm(positions, velocities, wanted),
                **ALIKE,
            )
    absurd = np.full(len(arm.joints), np.nan)
    assert not compiled.holding_nm(absurd, velocities).any()


def test_forces_are_alike(arm):
    rng = np.random.default_rng(2)
    plain, compiled = PlainForces(PlanModel(arm, 0.002)), CompiledForces(PlanModel(arm, 0.002))
    for positions, velocities in states(arm, rng, 50):
        for found, expected in zip(
            compiled.at(positions, velocities), plain.at(positions, velocities), strict=True
        ):
            np.testing.assert_allclose(found, expected, **ALIKE)


@pytest.mark.parametrize('time_s', [0.9, 1.0 + STEPS * STEP_S + 1e-3])
def test_an_expired_plan_is_refused(arm, both, time_s):
    plan, still = plan_of(arm, np.random.default_rng(3)), np.zeros(len(arm.joints))
    for torques in both:
        with pytest.raises(PlanExpired):
            torques.following_nm(plan, time_s, arm.home_rad, still)


@pytest.mark.parametrize('value', [np.nan, np.inf, 2e4])
def test_an_implausible_state_is_refused(arm, both, value):
    plan, still = plan_of(arm, np.random.default_rng(3)), np.zeros(len(arm.joints))
    positions = arm.home_rad.copy()
    positions[-1] = value
    for torques in both:
        with pytest.raises(InvalidState, match='NaN, infinity or more'):
            torques.following_nm(plan, 1.0, positions, still)


def test_a_state_or_a_plan_of_another_arm_is_refused(arm, both):
    n = len(arm.joints)
    plan = plan_of(arm, np.random.default_rng(3))
    compiled = both[1]
    with pytest.raises(InvalidState, match=f'{n} numbers, expected {2 * n}'):
        compiled.following_nm(plan, 1.0, arm.home_rad[:1], np.zeros(n - 1))
    fewer = replace(plan, gains=plan.gains[:, :-1, :-2])
    with pytest.raises(InvalidState, match=f'{2 * n} numbers, expected {2 * n - 2}'):
        compiled.following_nm(fewer, 1.0, arm.home_rad, np.zeros(n))
    for name in ('states', 'gains', 'friction_nm', 'limits_nm'):
        short = replace(plan, **{name: getattr(plan, name)[:-1]})
        with pytest.raises(InvalidState, match=f'{name}: shape'):
            compiled.following_nm(short, 1.0, arm.home_rad, np.zeros(n))


def test_what_the_kernel_does_not_know_is_computed_plainly(monkeypatch):
    arm = shipped_arm()

    def missing():
        raise kernel_arm.NoKernel('not built')

    assert isinstance(torques_of(arm, PlanModel(arm, 0.002)), CompiledTorques)
    monkeypatch.setattr(kernel_arm, 'kernel_library', missing)
    assert isinstance(torques_of(arm, PlanModel(arm, 0.002)), PlainTorques)
    assert isinstance(forces_of(PlanModel(arm, 0.002)), PlainForces)
