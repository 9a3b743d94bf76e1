# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller's promises without ROS: whatever fails, the torque is a finite hold or none."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.speed_limit import SpeedLimit
from ebm_concept_ros.control.target import Target, require_one_actor, same_surroundings
from ebm_concept_ros.control.tracking_controller import Assignment, TrackingController
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.ilqg import IlqgPlanner, PlanningFailed
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import ConceptCodes, JointSample, NamedScene
from ebm_concept_ros.workspace import load_workspace
from ebm_core.world.scene import InvalidInput, Scene

CONFIG = Path(__file__).parents[2] / 'config'
ARM = load_arm(CONFIG / 'arms' / 'jaco.yaml')
WORKSPACE = load_workspace(CONFIG / 'workspace.yaml')
N = len(ARM.joint_names)
PERIOD_S = 0.002


def named_scene(positions, movable, ids=None):
    n = len(positions)
    scene = Scene(positions, np.full((n, 3), 0.5), np.zeros(n, int), movable)
    return NamedScene(tuple(ids or (f'entity_{i}' for i in range(n))), scene)


SCENE = named_scene([[0.5, 0.5], [0.0, 0.0]], [False, True])
TARGET = Target(
    ConceptCodes('there', np.zeros(8), np.zeros(8), 'hash'),
    SCENE,
    np.ones(2),
    EnergyField.tabulate(
        lambda points: ((points - (0.3, -0.2)) ** 2).sum(-1), WORKSPACE.half_width_units
    ),
)


class Faulty(IlqgPlanner):
    """The planner, but it fails when it is told to."""

    error: Exception | None = None

    def plan(self, *args, **kwargs):
        if self.error is not None:
            raise self.error
        return super().plan(*args, **kwargs)


@pytest.fixture
def planner():
    return Faulty(ARM, WORKSPACE)


@pytest.fixture
def controller(planner):
    return TrackingController(ARM, planner, 0.05, predict=True, period_s=PERIOD_S)


def sample(time_s, velocity=0.0):
    return JointSample(round(time_s * 1e9), ARM.home_rad, np.full(N, velocity))


def settled(controller, since_s, ticks=15):
    """Return the last of some decisions, once the torque has come to where it is to be."""
    return [controller.decide(since_s + tick * PERIOD_S) for tick in range(ticks)][-1]


def assert_holds(decision, velocity=0.0):
    bias = PlanModel(ARM, 0.002).bias_nm(ARM.home_rad, np.full(N, velocity))
    limits = ARM.effort_limits_nm
    if velocity == 0.0:
        np.testing.assert_allclose(decision.effort_nm, np.clip(bias, -limits, limits))
    assert np.isfinite(decision.effort_nm).all()
    assert (np.abs(decision.effort_nm) <= limits).all()


def test_waits_without_torque_until_everything_is_there(controller):
    assert controller.decide(time.monotonic()).mode is Mode.WAITING
    controller.on_state(sample(1.0))
    decision = controller.decide(time.monotonic())
    assert decision.mode is Mode.WAITING and decision.effort_nm is None
    assert not controller.replan()
    # Nor does it hold an arm that nobody has asked it to move, however old the state.
    decision = controller.decide(controller.state.arrived_s + 1.0)
    assert decision.mode is Mode.WAITING and decision.effort_nm is None


def test_tracks_a_plan(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.decide(controller.state.arrived_s).reason == 'no plan yet'
    assert controller.replan()
    decision = settled(controller, controller.state.arrived_s + 0.01)
    assert decision.mode is Mode.TRACKING
    assert decision.stamp_ns == 1_000_000_000
    planned = controller.plan.effort(1.01 + 14 * PERIOD_S, ARM.home_rad, np.zeros(N))
    limit = SpeedLimit(PlanModel(ARM, 0.002), ARM)  # it may be near for a torque of this size
    expected = limit.limited(planned, ARM.home_rad, np.zeros(N))
    np.testing.assert_allclose(decision.effort_nm, expected)


def test_an_old_state_means_hold_without_the_old_velocity(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0, velocity=0.5))
    assert controller.replan()
    decision = controller.decide(controller.state.arrived_s + 0.051)
    assert decision.mode is Mode.HOLDING and '50 ms' in decision.reason
    assert_holds(decision)


def test_an_expired_plan_means_hold(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    controller.on_state(sample(1.0 + controller.plan.expires_at_s - controller.plan.start_s + 0.01))
    decision = controller.decide(controller.state.arrived_s)
    assert decision.mode is Mode.HOLDING and decision.reason == 'plan expired'
    assert_holds(decision)


def test_a_failing_planner_leaves_the_last_plan_until_it_expires_then_hold(controller, planner):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    good = controller.plan
    planner.error = ZeroDivisionError('boom')
    controller.on_state(sample(1.1))
    assert not controller.replan()
    assert controller.plan is good and controller.plan_failures == 1
    assert controller.decide(controller.state.arrived_s).mode is Mode.TRACKING
    controller.on_state(sample(1.4))
    decision = settled(controller, controller.state.arrived_s)
    assert decision.mode is Mode.FAULT and 'boom' in decision.reason
    assert_holds(decision)
    planner.error = None
    assert controller.replan()
    assert controller.decide(controller.state.arrived_s).mode is Mode.TRACKING


def test_no_plan_ever_means_hold_and_says_why(controller, planner):
    planner.error = PlanningFailed('diverged')
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert not controller.replan()
    decision = controller.decide(controller.state.arrived_s)
    assert decision.mode is Mode.FAULT and 'diverged' in decision.reason
    assert_holds(decision)


@pytest.mark.parametrize('velocity', [1e6, -1e6])
def test_absurd_velocities_give_finite_torques_within_the_limits(controller, velocity):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    controller.on_state(sample(1.002, velocity))
    controller.replan()
    assert_holds(settled(controller, controller.state.arrived_s), velocity)


@pytest.mark.parametrize('jump_s', [-0.9, 5.0])
def test_a_clock_jump_clears_the_plan(controller, jump_s):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    controller.on_state(sample(1.0 + jump_s))
    assert controller.plan is None and controller.clock_jumps == 1
    assert_holds(settled(controller, controller.state.arrived_s))
    assert controller.replan()
    assert controller.plan.start_s == pytest.approx(1.0 + jump_s)


@pytest.mark.parametrize('time_s', [0.0, 1.0])
def test_a_stamp_that_stands_still_ages_and_ends_in_a_hold(controller, time_s):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(time_s))
    assert controller.replan()
    first_s = controller.state.arrived_s
    assert controller.decide(first_s + 0.04).mode is Mode.TRACKING
    for _ in range(3):
        controller.on_state(sample(time_s))
        controller.replan()
    decision = settled(controller, first_s + 0.051)
    assert decision.mode is Mode.HOLDING and '50 ms' in decision.reason
    assert_holds(decision)
    controller.on_state(sample(time_s + 0.002))
    assert controller.decide(controller.state.arrived_s).mode is Mode.TRACKING


def test_who_is_gone_means_hold_until_it_returns(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    controller.assign(Assignment(TARGET, absent='waits for blue_0 to return'))
    decision = settled(controller, controller.state.arrived_s)
    assert decision.mode is Mode.HOLDING and decision.reason == 'waits for blue_0 to return'
    assert_holds(decision)
    controller.assign(Assignment(TARGET))
    assert controller.decide(controller.state.arrived_s).mode is Mode.TRACKING


def test_restart_forgets_state_and_plan_but_not_the_target(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    controller.restart()
    assert controller.decide(time.monotonic()).mode is Mode.WAITING
    assert controller.assignment.target is TARGET and controller.plan is None


def test_in_lockstep_a_state_does_not_age(planner):
    controller = TrackingController(ARM, planner, 0.05, predict=False, period_s=PERIOD_S)
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    assert controller.decide(controller.state.arrived_s + 100.0).mode is Mode.TRACKING


def test_only_what_stands_still_makes_surroundings():
    moved_actor = named_scene([[0.5, 0.5], [0.3, 0.3]], [False, True])
    moved_other = named_scene([[0.4, 0.5], [0.0, 0.0]], [False, True])
    renamed = named_scene([[0.5, 0.5], [0.0, 0.0]], [False, True], ('a', 'b'))
    assert same_surroundings(SCENE, moved_actor)
    assert not same_surroundings(SCENE, moved_other)
    assert not same_surroundings(SCENE, renamed)
    assert not same_surroundings(None, SCENE)
    grown, alike = (replace(SCENE, sizes_m=np.array([[0.02, 0.2], [0.0, 0.0]])) for _ in range(2))
    assert same_surroundings(grown, alike) and not same_surroundings(SCENE, grown)


@pytest.mark.parametrize('movable', [[False, False], [True, True]])
def test_a_scene_needs_just_one_actor(movable):
    with pytest.raises(InvalidInput, match=r'scene\.entities'):
        require_one_actor(named_scene([[0.5, 0.5], [0.0, 0.0]], movable))


def test_the_pacer_skips_what_it_missed_and_counts_it():
    pacer = Pacer(0.01)
    first, before = pacer.wait(), pacer.missed
    time.sleep(0.045)
    due = pacer.wait()
    assert pacer.missed - before >= 3
    # Deadlines stay on the grid, and none lies ahead when it is over.
    assert (due - first) / 0.01 == pytest.approx(pacer.missed - before + 1)
    assert due <= time.monotonic()
    missed, former = pacer.missed, due
    for _ in range(5):
        due = pacer.wait()
    # No burst: five periods take five periods.
    assert time.monotonic() - former >= 5 * 0.01 - 1e-6
    # Each deadline was waited for or counted.
    assert (due - former) / 0.01 == pytest.approx(5 + pacer.missed - missed)


def test_held_it_holds_whatever_is_assigned_and_goes_on_from_the_measured_state(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert controller.replan()
    before = settled(controller, controller.state.arrived_s)
    controller.hold('paused')
    decision = controller.decide(controller.state.arrived_s + 15 * PERIOD_S)
    assert decision.mode is Mode.HOLDING and decision.reason == 'paused'
    step_nm = np.abs(decision.effort_nm - before.effort_nm)
    assert step_nm.max() == pytest.approx(1000 * PERIOD_S), 'it does not jump'
    assert not controller.replan()
    controller.on_state(sample(1.1))
    controller.assign(Assignment(replace(TARGET)))  # a scene has changed, say
    assert_holds(settled(controller, controller.state.arrived_s))
    controller.go_on()
    assert controller.plan is None
    assert controller.decide(controller.state.arrived_s).reason == 'no plan yet'
    assert controller.replan() and controller.plan.start_s == pytest.approx(1.1)
    assert controller.decide(controller.state.arrived_s).mode is Mode.TRACKING


def test_a_plan_that_was_begun_before_a_hold_is_not_followed_after_it(controller, planner):
    class Interrupted(Faulty):
        def plan(self, *args, **kwargs):
            controller.hold('paused')
            controller.go_on()
            return super().plan(*args, **kwargs)

    planner.__class__ = Interrupted
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    assert not controller.replan() and controller.plan is None


def test_a_stop_is_ended_by_the_target_of_the_awaited_concept_alone(controller):
    controller.assign(Assignment(TARGET))
    controller.on_state(sample(1.0))
    controller.hold('stopped')
    awaited = replace(TARGET.concept, name='elsewhere')
    controller.await_target_of(awaited)
    controller.assign(
        Assignment(replace(TARGET, scene=named_scene([[0.1, 0.1]] * 2, [False, True])))
    )
    assert controller.held == 'stopped'
    controller.assign(Assignment(target=None, fault='not understood'))
    assert controller.held == 'stopped'
    controller.assign(Assignment(replace(TARGET, concept=awaited)))
    assert controller.held == '' and controller.replan()
    # Stopped anew, what was awaited before moves nothing.
    controller.await_target_of(awaited)
    controller.hold('stopped')
    controller.assign(Assignment(replace(TARGET, concept=awaited)))
    assert controller.held == 'stopped'
