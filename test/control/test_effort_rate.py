# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torques keep their rates whatever happens from one to the next."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reaching import shipped_arm, shipped_workspace

from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs, Mode
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.types import JointSample

ARM = shipped_arm()
N = len(ARM.joints)
PERIOD_S, MAX_AGE_S = 0.002, 0.05
LAW = ControlLaw(ARM, MAX_AGE_S, PERIOD_S)
ROUNDING_NM = 1e-9


def any_plan(effort_nm, is_wild=False):
    """Return a plan of the same torque whatever the state, or one that has expired.

    is_wild: the torque of a state is not a number.
    """
    is_over = effort_nm is None
    gains = np.zeros((10, N, 2 * N))
    if is_wild:
        gains[:, 0, 1:3] = 1e308, -1e308
    return Plan(
        start_s=0.0,
        expires_at_s=0.5 if is_over else 10.0,
        step_s=1.0,
        states=np.zeros((11, 2 * N)),
        efforts=np.zeros((10, N)) if is_over else np.tile(effort_nm, (10, 1)),
        gains=gains,
        friction_nm=np.zeros(N),
        limits_nm=np.full(N, 1e3),
        cost=0.0,
        iterations=1,
        plan_time_s=0.0,
    )


vectors = st.lists(st.floats(-1.0, 1.0), min_size=N, max_size=N).map(np.array)
torques = st.lists(st.floats(-100.0, 100.0), min_size=N, max_size=N)
situations = st.fixed_dictionaries(
    {
        'sample': st.builds(
            lambda off, velocity: JointSample(10**9, ARM.home_rad + off, velocity),
            vectors,
            vectors.map(lambda v: 5.0 * v),
        ),
        'age_s': st.sampled_from([0.0, 0.01, 0.049, 0.06, 3.0]),
        'concept': st.sampled_from(['this', 'that', None]),
        'plan': st.one_of(
            st.none(), st.builds(any_plan, st.one_of(st.none(), torques), st.booleans())
        ),
        'fault': st.sampled_from(['', '', '', 'not understood']),
        'absent': st.sampled_from(['', '', 'waits for blue_0 to return']),
        'plan_failure': st.sampled_from(['', 'diverged']),
    }
)
# As a loop on time has it, late, stalled, and after a deactivation.
gaps_s = st.sampled_from([PERIOD_S, PERIOD_S, PERIOD_S, 0.0, 0.0003, 0.01, 0.049, 0.051, 0.4])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(situations, gaps_s), min_size=2, max_size=12))
def test_no_torque_is_further_from_the_one_before_than_its_rate_allows(run):
    former_nm, elapsed_s = None, np.inf
    for situation, gap_s in run:
        inputs = ControllerInputs(**situation, former_nm=former_nm, elapsed_s=elapsed_s + gap_s)
        decision = LAW.decide(inputs)
        effort_nm = decision.effort_nm
        if effort_nm is None:
            assert decision.mode is Mode.WAITING
            elapsed_s += gap_s
            continue
        assert np.isfinite(effort_nm).all()
        assert (np.abs(effort_nm) <= ARM.effort_limits_nm).all()
        if former_nm is not None:
            passed_s = inputs.elapsed_s
            if passed_s <= MAX_AGE_S:  # late is no reason to jump
                passed_s = min(passed_s, PERIOD_S)
            step_nm = np.abs(effort_nm - former_nm)
            assert (step_nm <= ARM.effort_rate_limits_nm_s * passed_s + ROUNDING_NM).all()
        former_nm, elapsed_s = effort_nm, 0.0


def situation(**changes):
    sample = JointSample(10**9, ARM.home_rad, np.zeros(N))
    far = any_plan(-ARM.effort_limits_nm)
    return replace(ControllerInputs(sample, 0.0, 'this', far), **changes)


def test_a_torque_that_is_not_a_number_is_not_sent():
    inputs = situation(plan=any_plan(np.zeros(N), is_wild=True))
    with np.errstate(over='ignore', invalid='ignore'):
        decision = LAW.decide(inputs)
    assert decision.mode is Mode.FAULT and 'not finite' in decision.reason
    assert np.isfinite(decision.effort_nm).all()


def test_the_first_torque_and_the_first_after_a_stall_are_those_the_arm_holds_itself_with():
    hold_nm = LAW.hold_effort(ARM.home_rad, np.zeros(N))
    assert LAW.decide(situation()).effort_nm == pytest.approx(hold_nm)
    stalled = situation(former_nm=ARM.effort_limits_nm, elapsed_s=0.08)
    assert LAW.decide(stalled).effort_nm == pytest.approx(hold_nm)


def test_every_joint_has_its_rate():
    limit = EffortRateLimit(np.array([1000.0, 10.0]), PERIOD_S)
    step_nm = limit.limited(np.array([50.0, -50.0]), np.zeros(2), PERIOD_S)
    np.testing.assert_allclose(step_nm, [2.0, -0.02])
    assert limit.limited(np.array([1.5, 0.0]), np.zeros(2), PERIOD_S)[0] == 1.5
    # Left to itself for so short a time, the arm need not have come to where it holds itself.
    assert limit.resumed(np.zeros(2), np.array([87.0, 0.1]), 0.051) == pytest.approx([36.0, 0.0])


def test_the_simulated_arm_comes_to_its_hold_within_the_rates():
    workspace = shipped_workspace()
    sim = ArmSimulation(ARM, workspace, random_table_scene(1, 2, 'blue', workspace), PERIOD_S)
    sim.apply(-ARM.effort_limits_nm)
    before_nm, ticks = sim.applied_effort_nm, 0
    while not np.allclose(sim.applied_effort_nm, sim.hold_effort()):
        sim.hold()
        step_nm = np.abs(sim.applied_effort_nm - before_nm)
        assert (step_nm <= ARM.effort_rate_limits_nm_s * PERIOD_S + ROUNDING_NM).all()
        before_nm, ticks = sim.applied_effort_nm, ticks + 1
    assert 5 < ticks < 100
