# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A blow that nobody expected is noticed in time and held for; nothing else is taken for one."""

from dataclasses import dataclass

import mujoco
import numpy as np
import pytest
from pydantic import ValidationError
from reaching import SHIPPED_ARMS, field_around, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.config import ContactConfig
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE, RETREAT, ContactReflex
from ebm_concept_ros.control.control_law import ControllerInputs, Mode
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.control.tracking_controller import Assignment, TrackingController
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.types import ConceptCodes, JointSample, NamedScene
from ebm_core.world.scene import Scene

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
GOAL_UNITS = np.array([0.8, 0.0])  # straight on from home, past the pole
POLE = TableEntity(
    id='pole', position_in_base_m=(0.43, 0.0), colour='orange', radius_m=0.012, height_m=0.2
)
ELSEWHERE = POLE.model_copy(update={'position_in_base_m': (0.43, 0.3)})
NOTICED_WITHIN_S = 0.05
TARGET = Target(
    ConceptCodes('there', np.zeros(8), np.zeros(8), 'hash'),
    NamedScene(
        ('a', 'b'), Scene([[0.5, 0.5], [0.0, 0.0]], np.full((2, 3), 0.5), [0, 0], [False, True])
    ),
    np.ones(2),
    field_around(GOAL_UNITS),
)


@dataclass
class Blow:
    """What happened. touched_at_s, noticed_at_s: None where it never did."""

    simulation: ArmSimulation
    controller: TrackingController
    decisions: list
    speed_shares: list
    touched_at_s: float | None = None
    noticed_at_s: float | None = None


def reach(pole, on_contact, seconds=1.4, mass_factor=1.0, arm=ARM):
    simulation = ArmSimulation(arm, WORKSPACE, TableScene(entities=(pole,)))
    simulation.model.body_mass *= mass_factor
    simulation.model.body_inertia *= mass_factor
    mujoco.mj_setConst(simulation.model, simulation.data)
    simulation.reset()
    controller = TrackingController(
        arm, IlqgPlanner(arm, WORKSPACE), 0.05, False, simulation.timestep_s, on_contact
    )
    controller.assign(Assignment(TARGET))
    blow = Blow(simulation, controller, [], [])
    for tick in range(round(seconds / simulation.timestep_s)):
        go(blow, tick)
    return blow


def go(blow, tick):
    """One step of lockstep."""
    simulation, controller = blow.simulation, blow.controller
    velocities = simulation.joint_velocities_rad_s
    controller.on_state(
        JointSample(round(1e9 * simulation.time_s), simulation.joint_positions_rad, velocities)
    )
    if tick % 5 == 0:
        controller.replan()
    blow.decisions.append(controller.decide(0.0))
    if blow.touched_at_s is None and simulation.link_touched_by('pole'):
        blow.touched_at_s = simulation.time_s
    if blow.noticed_at_s is None and controller.contact is not None:
        blow.noticed_at_s = simulation.time_s
    if blow.touched_at_s is not None:
        blow.speed_shares.append((np.abs(velocities) / simulation.arm.velocity_limits_rad_s).max())
    simulation.apply(blow.decisions[-1].effort_nm)
    simulation.step()


@pytest.fixture(scope='module')
def held():
    return reach(POLE, HOLD)


def test_a_pole_is_noticed_in_time_and_the_arm_holds_with_the_reason(held):
    assert 0.0 < held.noticed_at_s - held.touched_at_s <= NOTICED_WITHIN_S
    decision = held.decisions[-1]
    assert decision.mode is Mode.HOLDING
    assert decision.reason == held.controller.contact.reason == held.controller.held
    assert 'struck something: joint_' in decision.reason and 'N·m from outside' in decision.reason
    assert np.abs(held.simulation.joint_velocities_rad_s).max() < 0.02, 'it comes to rest'


def test_after_the_blow_no_joint_is_faster_than_it_may(held):
    assert max(held.speed_shares) <= 1.0


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_every_shipped_arm_notices_a_pole_in_time_and_stays_within_its_speed(name):
    arm = shipped_arm(name)
    start_m = ArmSimulation(arm, WORKSPACE, TableScene(entities=(ELSEWHERE,))).effector_in_base_m
    # So thick that no hand slips past it.
    ahead = POLE.model_copy(
        update={'position_in_base_m': (float(start_m[0]) + 0.15, 0.0), 'radius_m': 0.04}
    )
    blow = reach(ahead, HOLD, seconds=0.8, arm=arm)
    assert 0.0 < blow.noticed_at_s - blow.touched_at_s <= NOTICED_WITHIN_S
    assert max(blow.speed_shares) <= 1.0
    assert blow.decisions[-1].mode is Mode.HOLDING


def test_who_retreats_ends_further_away_and_at_rest(held):
    retreated = reach(POLE, RETREAT)
    assert retreated.noticed_at_s == held.noticed_at_s
    ahead_m = [blow.simulation.effector_in_base_m[0] for blow in (retreated, held)]
    assert ahead_m[0] < ahead_m[1] - 0.005
    assert max(retreated.speed_shares) <= 1.0
    assert np.abs(retreated.simulation.joint_velocities_rad_s).max() < 0.02


@pytest.mark.parametrize('is_restarted', [False, True])
def test_where_time_begins_anew_nobody_retreats_a_second_time(is_restarted):
    blow = reach(POLE, RETREAT, seconds=0.7)
    at_s = blow.controller.contact.at_s
    blow.simulation.reset()
    if is_restarted:
        blow.controller.restart()
    for tick in range(round((at_s + 0.2) / blow.simulation.timestep_s)):
        go(blow, tick)
    assert blow.controller.held.startswith('struck something'), 'until it is told to go on'
    assert np.abs(blow.simulation.joint_velocities_rad_s).max() < 0.01


def test_who_ignores_it_goes_on(held):
    pushing = reach(POLE, IGNORE, seconds=0.8)
    assert pushing.touched_at_s == held.touched_at_s and pushing.controller.contact is None
    assert {decision.mode for decision in pushing.decisions} == {Mode.TRACKING}


@pytest.mark.parametrize('mass_factor', [0.8, 1.2])
def test_an_arm_that_weighs_otherwise_strikes_nothing_by_that(mass_factor):
    reached = reach(ELSEWHERE, HOLD, mass_factor=mass_factor)
    assert reached.touched_at_s is None and reached.controller.contact is None
    assert {decision.mode for decision in reached.decisions} == {Mode.TRACKING}


def test_it_goes_on_when_it_is_told_to_and_the_pole_is_gone():
    blow = reach(POLE, HOLD, seconds=0.7)
    assert blow.controller.contact is not None
    blow.simulation.move('pole', ELSEWHERE.position_in_base_m)
    blow.controller.go_on()
    assert blow.controller.held == '' and blow.controller.contact is None
    for tick in range(1000):
        go(blow, tick)
    assert blow.controller.contact is None
    goal_m = WORKSPACE.to_base(GOAL_UNITS)
    assert np.linalg.norm(blow.simulation.effector_in_base_m[:2] - goal_m) < 0.02


def test_what_awaits_another_concept_is_no_contact_of_that_one(held):
    blow = reach(POLE, HOLD, seconds=0.7)
    blow.controller.await_target_of(TARGET.concept)
    assert blow.controller.contact is None and blow.controller.held
    blow.controller.assign(Assignment(TARGET))
    assert blow.controller.held == ''


def test_who_pushes_an_arm_that_holds_anyway_strikes_nothing():
    blow = reach(ELSEWHERE, HOLD, seconds=0.1)
    blow.controller.hold('paused')
    blow.simulation.data.qfrc_applied[:] = 0.6 * ARM.effort_limits_nm
    for tick in range(50):
        go(blow, tick)
    assert blow.controller.contact is None and blow.controller.held == 'paused'


def test_the_threshold_is_the_arms_share_and_its_friction():
    arm = ARM.model_copy(update={'contact': ContactConfig(effort_share=0.5)})
    threshold_nm = ContactReflex(arm, HOLD, 0.05).threshold_nm
    np.testing.assert_allclose(threshold_nm, 0.5 * ARM.effort_limits_nm + [2, 2, 2, 1, 1, 1])


def test_a_state_that_is_not_a_number_is_no_blow():
    reflex = ContactReflex(ARM, HOLD, 0.05)
    zeros = np.zeros(len(ARM.joints))
    for tick in range(3):
        sample = JointSample(2_000_000 * tick, ARM.home_rad, np.full_like(zeros, np.nan))
        inputs = ControllerInputs(sample, 0.0, 'x', None, former_nm=zeros, elapsed_s=0.002)
        assert reflex.watch(inputs) is None


@pytest.mark.parametrize(
    ('position_rad', 'velocity_rad_s'),
    [(1e3, 0.0), (0.0, 50.0), (1e308, 0.0), (0.0, 1e308), (0.05, 0.0)],
)
def test_a_state_that_the_arm_cannot_be_in_is_no_blow_and_hides_none(position_rad, velocity_rad_s):
    reflex = ContactReflex(ARM, HOLD, 0.05)
    still = np.zeros(len(ARM.joints))
    carrying_nm = ArmSimulation(ARM, WORKSPACE, TableScene(entities=(POLE,))).hold_effort()

    def watch(tick, off_rad=0.0, faster_rad_s=0.0, extra_nm=0.0):
        sample = JointSample(2_000_000 * tick, ARM.home_rad + off_rad, still + faster_rad_s)
        inputs = ControllerInputs(
            sample, 0.0, 'x', None, former_nm=carrying_nm + extra_nm, elapsed_s=0.002
        )
        return reflex.watch(inputs)

    ticks = iter(range(1000))
    assert all(watch(next(ticks)) is None for _ in range(20))
    for _ in range(3):
        assert watch(next(ticks), position_rad, velocity_rad_s) is None
        assert all(watch(next(ticks)) is None for _ in range(5))
    # It does not move although it is pushed: something is in its way.
    pushed_nm = 3.0 * reflex.threshold_nm
    assert any(watch(next(ticks), extra_nm=pushed_nm) is not None for _ in range(200))


@pytest.mark.parametrize(
    ('key', 'value'),
    [('effort_share', 0.0), ('effort_share', 11.0), ('bandwidth_hz', 0.1), ('bandwidth_hz', 'x')],
)
def test_a_key_out_of_its_range_is_refused_by_name(key, value):
    with pytest.raises(ValidationError, match=key):
        ContactConfig(**{key: value})
