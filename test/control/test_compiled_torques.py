# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The compiled torques are those of the readable version."""

from dataclasses import replace

import numpy as np
import pytest
from reaching import SHIPPED_ARMS, shipped_arm

from ebm_concept_ros.control.compiled_momentum import CompiledMomentum, momentum_of
from ebm_concept_ros.control.compiled_torques import CompiledTorques, torques_of
from ebm_concept_ros.control.momentum import Bounds, PlainMomentum, Seen
from ebm_concept_ros.control.torques import PlainTorques
from ebm_concept_ros.planning import kernel_arm
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import InvalidState, NotFinite, Plan, PlanExpired
from ebm_concept_ros.types import JointSample

ALIKE = {'rtol': 1e-9, 'atol': 1e-9}
STEPS, STEP_S, PERIOD_S = 8, 0.02, 0.002


@pytest.fixture(scope='module', params=SHIPPED_ARMS)
def arm(request):
    return shipped_arm(request.param)


@pytest.fixture(scope='module')
def both(arm):
    """The plain and the compiled torques, each on a model of its own."""
    return tuple(
        kind(arm, PlanModel(arm, PERIOD_S), PERIOD_S) for kind in (PlainTorques, CompiledTorques)
    )


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
        plan, sample = plan_of(arm, rng), JointSample(0, positions, velocities)
        time_s = plan.start_s + rng.uniform(0.0, STEPS * STEP_S)
        former = rng.uniform(-1.0, 1.0, len(arm.joints)) * arm.effort_limits_nm
        elapsed_s = rng.uniform(0.0, 2.0 * PERIOD_S)
        for before in ((), (former, elapsed_s)):
            expected = plain.following_nm(plan, time_s, sample, *before)
            found = compiled.following_nm(plan, time_s, sample, *before)
            np.testing.assert_allclose(found, expected, **ALIKE)
            if not before:
                wanted = plan.effort(time_s, positions, velocities)
                near_limit += not np.allclose(wanted, expected)
        step = arm.effort_rate_limits_nm_s * min(elapsed_s, PERIOD_S)
        assert (np.abs(found - former) <= step + 1e-9).all()
    assert near_limit > 10, 'the speed limit had its say'
    # The same plan again, at another time.
    later = compiled.following_nm(plan, plan.expires_at_s, sample)
    np.testing.assert_allclose(later, plain.following_nm(plan, plan.expires_at_s, sample), **ALIKE)


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


def test_a_torque_that_is_not_finite_is_refused(arm, both):
    plan = plan_of(arm, np.random.default_rng(4))
    signs = (-1.0) ** np.arange(2 * len(arm.joints))
    huge = replace(plan, gains=np.broadcast_to(1e308 * signs, plan.gains.shape))
    away = arm.home_rad + 10.0
    for torques in both:
        with np.errstate(all='ignore'), pytest.raises(NotFinite):
            torques.following_nm(huge, 1.0, JointSample(0, away, away))


@pytest.mark.parametrize('time_s', [0.9, 1.0 + STEPS * STEP_S + 1e-3])
def test_an_expired_plan_is_refused(arm, both, time_s):
    plan, still = plan_of(arm, np.random.default_rng(3)), np.zeros(len(arm.joints))
    for torques in both:
        with pytest.raises(PlanExpired):
            torques.following_nm(plan, time_s, JointSample(0, arm.home_rad, still))


@pytest.mark.parametrize('value', [np.nan, np.inf, 2e4])
def test_an_implausible_state_is_refused(arm, both, value):
    plan, still = plan_of(arm, np.random.default_rng(3)), np.zeros(len(arm.joints))
    positions = arm.home_rad.copy()
    positions[-1] = value
    for torques in both:
        with pytest.raises(InvalidState, match='NaN, infinity or more'):
            torques.following_nm(plan, 1.0, JointSample(0, positions, still))


def test_a_state_or_a_plan_of_another_arm_is_refused(arm, both):
    n = len(arm.joints)
    plan = plan_of(arm, np.random.default_rng(3))
    compiled, home = both[1], JointSample(0, arm.home_rad, np.zeros(n))
    with pytest.raises(InvalidState, match=f'{n} numbers, expected {2 * n}'):
        compiled.following_nm(plan, 1.0, JointSample(0, arm.home_rad[:1], np.zeros(n - 1)))
    fewer = replace(plan, gains=plan.gains[:, :-1, :-2])
    with pytest.raises(InvalidState, match=f'{2 * n} numbers, expected {2 * n - 2}'):
        compiled.following_nm(fewer, 1.0, home)
    for name in ('states', 'gains', 'friction_nm', 'limits_nm'):
        short = replace(plan, **{name: getattr(plan, name)[:-1]})
        with pytest.raises(InvalidState, match=f'{name}: shape'):
            compiled.following_nm(short, 1.0, home)


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_what_states_tell_is_alike(name):
    """Of states that an arm can come to, of blows, jumps, and what is none at all."""
    arm = shipped_arm(name)
    n = len(arm.joints)
    bounds = Bounds(0.2 * arm.effort_limits_nm, 30.0, 60.0, 0.02)
    plain, compiled = (
        kind(PlanModel(arm, PERIOD_S), bounds) for kind in (PlainMomentum, CompiledMomentum)
    )
    rng = np.random.default_rng(5)
    positions, velocities = arm.home_rad.copy(), np.zeros(n)
    seen = []
    for each in (plain, compiled):
        each.begin(JointSample(0, positions, velocities))
    for tick in range(200):
        step_s = rng.uniform(0.5, 2.0) * PERIOD_S
        faster = rng.normal(0.0, 0.01, n)
        positions, velocities = (
            positions + step_s * (velocities + 0.5 * faster),
            velocities + faster,
        )
        if tick % 50 == 49:
            positions = positions + 0.03  # rad
        if tick == 120:
            velocities = np.full(n, 1e160)
            positions = positions + 0.5 * step_s * velocities
        effort_nm = rng.normal(0.0, 0.4, n) * arm.effort_limits_nm
        given = (None if tick % 2 else effort_nm, step_s)  # what acts stands in the sample, too
        with np.errstate(all='ignore'):
            told, found = (
                each.observe(JointSample(0, positions, velocities, effort_nm), *given)
                for each in (plain, compiled)
            )
        assert found == told
        seen.append(told)
        np.testing.assert_allclose(compiled.residual_nm, plain.residual_nm, **ALIKE)
        np.testing.assert_allclose(compiled.external_nm, plain.external_nm, **ALIKE)
        if told != Seen.ABSURD:
            np.testing.assert_allclose(compiled.inertia, plain.inertia, **ALIKE)
        if told in (Seen.IMPOSSIBLE, Seen.ABSURD):
            positions, velocities = arm.home_rad.copy(), np.zeros(n)
            for each in (plain, compiled):
                each.begin(JointSample(0, positions, velocities))
    assert {Seen.QUIET, Seen.STRUCK, Seen.IMPOSSIBLE} <= set(seen)
    with pytest.raises(InvalidState, match=f'{n + 1} numbers, expected {2 * n}'):
        compiled.observe(JointSample(0, positions[:1], velocities), effort_nm, PERIOD_S)
    with pytest.raises(InvalidState, match=f'{2 * n} numbers, .* {3 * n} with efforts'):
        compiled.observe(JointSample(0, positions, velocities), None, PERIOD_S)


def test_what_the_kernel_does_not_know_is_computed_plainly(monkeypatch):
    arm = shipped_arm()

    def missing():
        raise kernel_arm.NoKernel('not built')

    bounds = Bounds(arm.effort_limits_nm, 30.0, 60.0, 0.02)
    assert isinstance(torques_of(arm, PlanModel(arm, 0.002), 0.002), CompiledTorques)
    assert isinstance(momentum_of(PlanModel(arm, 0.002), bounds), CompiledMomentum)
    monkeypatch.setattr(kernel_arm, 'kernel_library', missing)
    assert isinstance(torques_of(arm, PlanModel(arm, 0.002), 0.002), PlainTorques)
    assert isinstance(momentum_of(PlanModel(arm, 0.002), bounds), PlainMomentum)
