# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The momentum observer sees what MuJoCo exerts on the arm, and nothing where it exerts nothing."""

import math
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from reaching import SHIPPED_ARMS, shipped_arm

from ebm_concept_ros.control.compiled_momentum import CompiledMomentum
from ebm_concept_ros.control.momentum import Bounds
from ebm_concept_ros.control.momentum_observer import MomentumObserver, impulse_at
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import JointSample

STEP_S, BANDWIDTH_HZ, LONGEST_STEP_S = 0.002, 5.0, 0.05
TICKS, SUBSTEPS = 400, 10
SWING_RAD_S2 = 9.0


def inertia_of(arm):
    """Return what each joint turns at home, (n,) kg·m²."""
    plant = PlanModel(arm, STEP_S)
    plant.data.qpos[:] = arm.home_rad
    mujoco.mj_forward(plant.model, plant.data)
    inertia = np.zeros((len(arm.joints),) * 2)
    mujoco.mj_fullM(plant.model, plant.data, inertia)
    return np.diag(inertia)


def swinging(name, external=lambda model, data, time_s: None):
    """Return the arm's samples and the torques before each, as its joints swing by torque.

    It moves by much finer steps than it is looked at.
    """
    arm = shipped_arm(name)
    plant = PlanModel(arm, STEP_S / SUBSTEPS)
    model, data = plant.model, plant.data
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    samples, efforts = [], [None]
    swing_nm, phases = SWING_RAD_S2 * inertia_of(arm), np.arange(len(arm.joints))
    for tick in range(TICKS):
        time_s = tick * STEP_S
        samples.append(JointSample(round(1e9 * time_s), data.qpos.copy(), data.qvel.copy()))
        drive_nm = swing_nm * np.sin(9.0 * time_s + phases)
        effort_nm = plant.bias_nm(data.qpos.copy(), data.qvel.copy()) + drive_nm
        data.ctrl[:] = effort_nm
        external(model, data, time_s)
        mujoco.mj_step(model, data, SUBSTEPS)
        efforts.append(effort_nm)
    return arm, samples, efforts


def observer_of(arm):
    bandwidth_rad_s = 2.0 * math.pi * BANDWIDTH_HZ
    bounds = Bounds(arm.effort_limits_nm, bandwidth_rad_s, 2.0 * bandwidth_rad_s, 0.02)
    return MomentumObserver(CompiledMomentum(PlanModel(arm, STEP_S), bounds), LONGEST_STEP_S)


def residual_nm(observer, *update):
    """Return the residual (n,) N·m with one state more."""
    observer.update(*update)
    return observer.momentum.residual_nm.copy()


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_an_arm_that_nothing_touches_shows_nothing(name):
    arm, samples, efforts = swinging(name)
    observer = observer_of(arm)
    seen = [residual_nm(observer, *each) for each in zip(samples, efforts, strict=False)]
    assert np.abs([s.velocities_rad_s for s in samples]).max() > 0.3, 'it moves'
    assert (np.abs(seen).max(0) < 0.003 * SWING_RAD_S2 * inertia_of(arm)).all()


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_a_steady_torque_is_followed_as_a_low_pass_does(name):
    arm = shipped_arm(name)
    push_nm = 2.0 * inertia_of(arm) * (-1.0) ** np.arange(len(arm.joints))

    def external(model, data, time_s):
        data.qfrc_applied[:] = push_nm

    _, samples, efforts = swinging(name, external)
    observer = observer_of(arm)
    for sample, effort_nm in zip(samples, efforts, strict=False):
        seen = residual_nm(observer, sample, effort_nm)
        expected = 1.0 - math.exp(-2 * math.pi * BANDWIDTH_HZ * sample.stamp_s)
        np.testing.assert_allclose(seen / push_nm, expected, atol=0.01)
    assert expected > 0.999


def test_a_force_on_the_hand_shows_as_its_torques(arm_name='jaco'):
    """A force in space on the last body, while the arm swings."""
    force_n = np.array([3.0, -8.0, 5.0])
    jacobians = []

    def external(model, data, time_s):
        body = model.nbody - 1
        data.xfrc_applied[body, :3] = force_n
        jacobian = np.zeros((3, model.nv))
        mujoco.mj_jacBodyCom(model, data, jacobian, None, body)
        jacobians.append(jacobian)

    arm, samples, efforts = swinging(arm_name, external)
    observer = observer_of(arm)
    smooth = np.zeros(len(arm.joints))
    share = -math.expm1(-2 * math.pi * BANDWIDTH_HZ * STEP_S)
    for tick, (sample, effort_nm) in enumerate(zip(samples, efforts, strict=False)):
        seen = residual_nm(observer, sample, effort_nm)
        if tick:
            smooth += share * (jacobians[tick - 1].T @ force_n - smooth)
            np.testing.assert_allclose(seen, smooth, atol=0.05)
    assert np.abs(smooth).max() > 1.0


def test_states_that_were_left_out_change_little():
    """A control loop that is late sees every fifth state, and has sent a torque for each."""
    push_nm = 0.1 * shipped_arm().effort_limits_nm

    def external(model, data, time_s):
        data.qfrc_applied[:] = push_nm

    arm, samples, efforts = swinging('jaco', external)
    whole, late = observer_of(arm), observer_of(arm)
    newest = samples[0]
    for tick, (sample, effort_nm) in enumerate(zip(samples, efforts, strict=False)):
        whole.update(sample, effort_nm)
        newest = sample if tick % 5 == 0 else newest
        late.update(newest, effort_nm)
    late.update(samples[-1], efforts[-2])
    np.testing.assert_allclose(
        late.momentum.residual_nm, whole.momentum.residual_nm, atol=0.02 * push_nm.max()
    )


def test_what_the_driver_reports_goes_before_what_was_commanded():
    arm, samples, efforts = swinging('jaco')
    told, observer = observer_of(arm), observer_of(arm)
    before = impulse = None
    for tick, (sample, effort_nm) in enumerate(zip(samples, efforts, strict=False)):
        told.update(sample, effort_nm)
        reported_nm = np.zeros(len(arm.joints)) if effort_nm is None else effort_nm
        sample = replace(sample, efforts_nm=reported_nm)
        impulse = impulse_at(sample, before, impulse)
        before = sample
        if tick % 5 == 0:  # the loop is late, and what it commanded never came to act
            observer.update(sample, np.full_like(reported_nm, 3.0), impulse)
    assert np.abs(told.momentum.residual_nm - observer.momentum.residual_nm).max() < 0.01


@pytest.mark.parametrize('jump_ns', [60_000_000_000, -30_000_000])
def test_a_clock_that_jumps_and_jumps_back_unseen_is_no_impulse(jump_ns):
    """A state of another time comes between two that the loop looks at."""
    arm, samples, efforts = swinging('jaco')
    observer = observer_of(arm)
    states = [
        replace(sample, efforts_nm=effort)
        for sample, effort in zip(samples[1:30], efforts[1:], strict=False)
    ]
    other = replace(states[20], stamp_ns=states[20].stamp_ns + jump_ns)
    before = impulse = None
    for sample in [*states[:21], other, *states[21:]]:
        impulse = impulse_at(sample, before, impulse)
        before = sample
        if sample is not other:
            observer.update(sample, None, impulse)
            assert np.abs(observer.momentum.residual_nm).max() < 0.1


def test_where_states_were_lost_nothing_is_taken_for_a_blow():
    """The torque of the last state is not what acted during those that never came."""
    arm, samples, efforts = swinging('jaco')
    observer = observer_of(arm)
    states = [
        replace(sample, efforts_nm=effort)
        for sample, effort in zip(samples[1:], efforts[1:], strict=False)
    ]
    lost = range(20, 30)
    after = replace(states[30], efforts_nm=states[30].efforts_nm + 40.0)
    before = impulse = None
    for tick, sample in enumerate([*states[:30], after, *states[31:]]):
        if tick in lost:
            continue
        impulse = impulse_at(sample, before, impulse)
        before = sample
        observer.update(sample, None, impulse)
        assert np.abs(observer.momentum.residual_nm).max() < 0.1
        assert (impulse.since_ns == states[30].stamp_ns) == (tick >= 30)


def test_after_a_gap_a_jump_back_or_an_unknown_torque_it_begins_anew():
    arm, samples, efforts = swinging('jaco')
    for stamp_ns, effort_nm in ((200_000_000, efforts[1]), (0, efforts[1]), (22_000_000, None)):
        observer = observer_of(arm)
        for sample, effort in zip(samples[:11], efforts, strict=False):
            observer.update(sample, None if effort is None else effort + 1.0)
        assert np.abs(observer.momentum.residual_nm).min() > 0.1
        moved = JointSample(stamp_ns, samples[11].positions_rad + 0.5, samples[11].velocities_rad_s)
        assert not residual_nm(observer, moved, effort_nm).any()


def test_the_same_again_is_the_same_bit_for_bit():
    arm, samples, efforts = swinging('jaco')
    one, other = observer_of(arm), observer_of(arm)
    for sample, effort in zip(samples[:50], efforts, strict=False):
        assert (
            residual_nm(one, sample, effort).tobytes()
            == residual_nm(other, sample, effort).tobytes()
        )


def test_an_impulse_is_the_sum_of_all_that_acted_whoever_goes_on_from_it():
    rng = np.random.default_rng(0)
    impulse = before = None
    expected_nms = np.zeros(2)
    for tick in range(100):
        efforts_nm = rng.normal(0.0, 1.0, 2)
        sample = JointSample(2_000_000 * tick, np.zeros(2), np.zeros(2), efforts_nm)
        former, impulse = impulse, impulse_at(sample, before, impulse)
        if tick:
            other = impulse_at(replace(sample, efforts_nm=np.ones(2)), before, former)
            np.testing.assert_array_equal(other.exerted_nms, expected_nms + STEP_S * np.ones(2))
            expected_nms = expected_nms + STEP_S * efforts_nm
        np.testing.assert_array_equal(impulse.exerted_nms, expected_nms)
        before = sample


def test_of_an_arm_with_fingers_the_arms_own_impulse_is_enough():
    """The driver says what all of them exert, and the observer knows the arm alone."""
    arm, samples, efforts = swinging('jaco')
    told, observer = observer_of(arm), observer_of(arm)
    n = len(arm.joints)
    before = impulse = None
    for sample, effort_nm in zip(samples, efforts, strict=False):
        told.update(sample, effort_nm)
        reported_nm = np.append(np.zeros(n) if effort_nm is None else effort_nm, [7.0, 8.0])
        whole = replace(sample, efforts_nm=reported_nm)
        impulse = impulse_at(whole, before, impulse)
        before = whole
        observer.update(sample, None, impulse.of_first(n))
    assert np.abs(told.momentum.residual_nm - observer.momentum.residual_nm).max() < 1e-6
