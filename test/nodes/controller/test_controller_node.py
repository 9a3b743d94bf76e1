# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller over DDS: lifecycle, tracking, holding, refusing, and what its death leaves."""

import math
import signal
import time

import numpy as np
import pytest
from harness import (
    ARM,
    JOINTS,
    WORKSPACE,
    Probe,
    RestingArm,
    claim_domain,
    keeping,
    running,
    untrained_weights,
    wait_until,
)
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import ConceptCodes
from ebm_core.relational.model import load_model

N = len(JOINTS)
Status = ros.ControllerStatus
GRAVITY_NM = np.clip(
    PlanModel(ARM, 0.002).bias_nm(ARM.home_rad, np.zeros(N)),
    -ARM.effort_limits_nm,
    ARM.effort_limits_nm,
)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return untrained_weights(tmp_path_factory.mktemp('weights'))


@pytest.fixture(scope='module')
def model(weights):
    return load_model(weights)


@pytest.fixture(scope='module')
def probe():
    probe = Probe()
    yield probe
    probe.close()


@pytest.fixture(scope='module')
def controller(weights, tmp_path_factory):
    """One controller for most tests: it must come through all of them."""
    given = {'model_dir': weights} | keeping('controller/status', 'diagnostics')
    with running('controller', tmp_path_factory.mktemp('log'), **given) as node:
        node.wait_for_log('inactive, weights')
        yield node
        assert node.is_running()


@pytest.fixture(scope='module')
def efforts(probe, controller):
    return probe.listen(JointState, 'joint_effort_commands', qos.COMMANDS)


@pytest.fixture(scope='module')
def statuses(probe, controller):
    return probe.listen(Status, 'controller/status', qos.STATUS)


@pytest.fixture(scope='module')
def scenes(probe, controller):
    return probe.publisher(ros.Scene, 'scene', qos.LATCHED)


@pytest.fixture(scope='module')
def concepts(probe, controller):
    return probe.publisher(ros.Concept, 'concept', qos.LATCHED)


@pytest.fixture
def arm(probe, controller):
    arm = RestingArm(probe)
    yield arm
    arm.stop()


def scene_message(seed=1):
    table = random_table_scene(seed, 2, 'blue', WORKSPACE)
    return cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.4, 0.0, 0.12), WORKSPACE
    )


def concept_message(model, name='any', seed=0, sha256=None):
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(2, model.code_size))
    return cv.concept_to_message(ConceptCodes(name, codes[0], codes[1], sha256 or model.sha256, 5))


def change(probe, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return probe.call(ChangeState, 'controller/change_state', request).success


def state_of(probe):
    return probe.call(GetState, 'controller/get_state', GetState.Request()).current_state.id


def wait_for_status(statuses, state, text='', concept=None):
    """Wait for a status that comes from now on."""
    statuses.clear()

    def found():
        return [
            s
            for s in list(statuses)
            if s.state == state and text in s.reason and concept in (None, s.concept)
        ]

    wait_until(lambda: bool(found()), f'status {state} {text!r}')
    return found()[0]


def wait_for_effort(efforts):
    """Wait for a command that comes from now on."""
    efforts.clear()
    wait_until(lambda: bool(efforts), 'a torque')
    return efforts[-1]


@pytest.fixture
def tracking(arm, scenes, concepts, model, statuses):
    """The controller, following a plan."""
    message = scene_message()
    scenes.publish(message)
    concepts.publish(concept_message(model))
    ids = [entity.id for entity in message.entities]
    wait_until(lambda: statuses and list(statuses[-1].entity_ids) == ids, 'the scene')
    return wait_for_status(statuses, Status.TRACKING, concept='any')


def test_it_waits_without_torque_for_state_scene_and_concept(probe, arm, scenes, statuses, efforts):
    wait_until(lambda: state_of(probe) == State.PRIMARY_STATE_ACTIVE, 'it to be active')
    wait_for_status(statuses, Status.WAITING, 'no concept and no scene yet')
    scenes.publish(scene_message())
    status = wait_for_status(statuses, Status.WAITING, 'no concept yet')
    assert math.isnan(status.energy) and not efforts


def test_it_publishes_finite_torques_within_the_limits(tracking, arm, efforts, statuses):
    seen = []
    while len(seen) < 50:
        seen.append(wait_for_effort(efforts))
    for message in seen:
        command = cv.effort_from_message(message, JOINTS)
        assert (np.abs(command.efforts_nm) <= ARM.effort_limits_nm).all()
        assert command.stamp_ns > 1_000_000_000
    status = wait_for_status(statuses, Status.TRACKING)
    assert status.concept == 'any' and status.reason == 'enacting any'
    assert list(status.entity_ids) == [e.id for e in scene_message().entities]
    assert len(status.attention) == len(status.entity_ids)
    assert all(0 <= a <= 1 for a in status.attention)
    assert math.isfinite(status.energy) and status.energy >= 0
    assert status.plan_time_s > 0
    effector = PlanModel(ARM, 0.02).effector_in_base_m(ARM.home_rad)
    point = status.effector_in_base
    np.testing.assert_allclose((point.x, point.y, point.z), effector, atol=1e-6)


def test_it_tells_when_torques_and_plans_come(probe, tracking, arm, controller, statuses):
    def timing():
        reports = [s for a in list(probe.diagnostics) for s in a.status]
        reports = [s for s in reports if s.name == 'controller: timing']
        values = {v.key: v.value for v in reports[-1].values} if reports else {}
        return values if 'replan_rate_hz' in values else None

    rates = ControllerParameters()

    def settled():
        """Where few were due, one that came late makes the rate of the others high."""
        return (
            timing() is not None
            and 0 < float(timing()['torque_rate_hz']) <= 1.05 * rates.control_rate
            and 0 < float(timing()['replan_rate_hz']) <= 1.05 * rates.plan_rate
        )

    wait_until(settled, 'rates of torques and plans')
    values = {name: float(value) for name, value in timing().items()}
    assert 0 < values['lateness_s_p50'] <= values['lateness_s_p99'] <= values['lateness_s_max']
    assert 0 < values['plan_time_s_median'] <= values['plan_time_s_p99']
    # Stopped for 100 periods, it tells that they are missing.
    before = statuses[-1].missed_deadlines
    controller.send(signal.SIGSTOP)
    time.sleep(0.2)
    controller.send(signal.SIGCONT)
    wait_until(lambda: int((timing() or {}).get('missed_deadlines', 0)) >= 50, 'missed deadlines')
    wait_until(lambda: statuses[-1].missed_deadlines >= before + 50, 'missed deadlines in status')
    wait_for_status(statuses, Status.TRACKING)


def test_joint_states_are_matched_by_name(tracking, arm, statuses, efforts):
    arm.order = [4, 2, 0, 5, 1, 3]
    wait_for_effort(efforts)
    status = wait_for_status(statuses, Status.TRACKING)
    effector = PlanModel(ARM, 0.02).effector_in_base_m(ARM.home_rad)
    assert status.effector_in_base.x == pytest.approx(effector[0], abs=1e-6)


def test_an_arm_that_something_keeps_from_moving_is_held_until_it_is_told_to_go_on(
    probe, tracking, arm, statuses, concepts, model
):
    def set_on_contact(value):
        request = SetParameters.Request(
            parameters=[Parameter('on_contact', value=value).to_parameter_msg()]
        )
        return probe.call(SetParameters, 'controller/set_parameters', request).results[0]

    blow = 'struck something: joint_'
    arm.efforts_nm = 0.9 * ARM.effort_limits_nm  # all of which something withstands
    status = wait_for_status(statuses, Status.HOLDING, blow)
    assert 'N·m from outside' in status.reason
    probe.wait_for_report('controller: state', blow)
    # Another concept is followed, until that shows to be in vain too.
    seen = len(statuses)
    concepts.publish(concept_message(model, 'another', seed=7))

    def states_since():
        return [s.state for s in statuses[seen:] if s.concept == 'another']

    wait_until(lambda: Status.TRACKING in states_since(), 'another concept that is followed')
    seen += [s.state for s in statuses[seen:]].index(Status.TRACKING)
    wait_until(lambda: Status.HOLDING in states_since(), 'another blow')
    assert not set_on_contact('fight').successful
    assert set_on_contact(IGNORE).successful
    assert probe.call(Trigger, 'controller/resume', Trigger.Request()).success
    wait_for_status(statuses, Status.TRACKING)
    arm.efforts_nm = np.zeros(N)
    assert set_on_contact(HOLD).successful
    wait_for_status(statuses, Status.TRACKING)


def test_when_joint_states_cease_it_holds_against_gravity(tracking, arm, statuses, efforts):
    arm.stop()
    wait_for_status(statuses, Status.HOLDING, 'joint state is older than 50 ms')

    def held():
        # A torque of the plan may still have been under way.
        command = cv.effort_from_message(wait_for_effort(efforts), JOINTS)
        return np.allclose(command.efforts_nm, GRAVITY_NM, rtol=0, atol=1e-6)

    wait_until(held, 'the torque against gravity')


NAN = math.nan
BAD_STATES = [
    (JointState(name=list(JOINTS), position=[NAN] * N, velocity=[0.0] * N), 'position', 'nan'),
    (JointState(name=list(JOINTS), position=[0.0] * N, velocity=[1e308] * N), 'velocity', '1e+308'),
    (JointState(name=list(JOINTS), position=[0.0] * 2, velocity=[0.0] * N), 'position', '2 values'),
    (JointState(name=['a'], position=[0.0], velocity=[0.0]), 'name', 'missing'),
    (JointState(), 'name', 'missing'),
]


@pytest.mark.parametrize(('message', 'field', 'reason'), BAD_STATES)
def test_bad_joint_states_are_refused_and_change_nothing(
    probe, tracking, arm, statuses, message, field, reason
):
    before = tracking.refused_inputs
    # Best effort: one may be lost, so it is sent until it is heard.
    wait_until(
        lambda: arm.publish_message(message) or statuses[-1].refused_inputs > before,
        'the refusal',
    )
    probe.wait_for_report('controller: joint_states: refused', f'joint_states.{field}', reason)
    wait_for_status(statuses, Status.TRACKING)


def two_movable(scene):
    scene.entities[0].movable = True


def none_movable(scene):
    scene.entities[-1].movable = False


def nan_position(scene):
    scene.entities[0].pose.position.x = NAN


def unknown_frame(scene):
    scene.header.frame_id = 'map'


def empty(scene):
    scene.entities = []


@pytest.mark.parametrize(
    ('spoil', 'texts'),
    [
        (two_movable, ('scene.entities', '2 are movable')),
        (none_movable, ('scene.entities', '0 are movable')),
        (nan_position, ('scene.entities[0].pose.position.x', 'nan')),
        (unknown_frame, ('scene.header.frame_id', "'map'")),
        (empty, ('scene.entities', 'no entities')),
    ],
)
def test_bad_scenes_are_refused_and_the_last_good_one_stays(
    probe, tracking, scenes, statuses, spoil, texts
):
    message = scene_message(seed=2)
    spoil(message)
    scenes.publish(message)
    probe.wait_for_report('controller: scene: refused', *texts)
    status = wait_for_status(statuses, Status.TRACKING)
    assert list(status.entity_ids) == [e.id for e in scene_message().entities]


def test_a_concept_of_other_weights_is_refused_and_the_last_good_one_stays(
    probe, tracking, concepts, statuses, model
):
    concepts.publish(concept_message(model, 'foreign', sha256='f' * 64))
    probe.wait_for_report('controller: concept: refused', 'concept.model_sha256', 'ffff')
    bad = concept_message(model, 'nan')
    bad.terms[0].action_code[0] = NAN
    concepts.publish(bad)
    probe.wait_for_report('controller: concept: refused', 'concept.terms[0].action_code')
    assert wait_for_status(statuses, Status.TRACKING).concept == 'any'


def test_another_concept_and_another_scene_are_taken_up(
    tracking, scenes, concepts, statuses, model
):
    concepts.publish(concept_message(model, 'second', seed=5))
    wait_for_status(statuses, Status.TRACKING, concept='second')
    scenes.publish(scene_message(seed=3))
    ids = [e.id for e in scene_message(seed=3).entities]
    wait_until(lambda: list(statuses[-1].entity_ids) == ids, 'the other scene')


def test_it_pauses_resumes_and_stops(probe, tracking, concepts, statuses, model):
    def ask(service):
        return probe.call(Trigger, f'controller/{service}', Trigger.Request())

    assert ask('pause').success
    wait_for_status(statuses, Status.HOLDING, 'paused')
    concepts.publish(concept_message(model, 'in a pause', seed=7))
    wait_for_status(statuses, Status.HOLDING, 'paused', concept='in a pause')
    assert ask('resume').success
    wait_for_status(statuses, Status.TRACKING, concept='in a pause')
    refused = ask('resume')
    assert not refused.success and refused.message == 'it is not paused'
    assert ask('stop').success
    wait_for_status(statuses, Status.HOLDING, 'stopped')
    for service, success in (('pause', True), ('resume', False)):
        answer = ask(service)
        assert answer.success is success and answer.message.startswith('stopped')
    concepts.publish(concept_message(model, 'after the stop', seed=8))
    wait_for_status(statuses, Status.TRACKING, concept='after the stop')


def test_when_the_clock_jumps_it_goes_on(tracking, arm, statuses, efforts):
    for jump_ns in (-1_500_000_000, 60_000_000_000):
        arm.time_ns += jump_ns
        wait_until(
            lambda: abs(cv.stamp_to_ns(statuses[-1].header.stamp) - arm.time_ns) < 500_000_000,
            'the new time',
        )
        wait_for_status(statuses, Status.TRACKING)


def test_deactivate_stops_the_torque_and_activate_starts_it_anew(probe, tracking, statuses):
    torques_s = probe.listen_for_times(JointState, 'joint_effort_commands', qos.COMMANDS)
    for _ in range(3):
        assert change(probe, Transition.TRANSITION_DEACTIVATE)
        inactive_s = time.time()
        assert state_of(probe) == State.PRIMARY_STATE_INACTIVE
        wait_for_status(statuses, Status.WAITING, 'not active')
        active_s = time.time()
        assert change(probe, Transition.TRANSITION_ACTIVATE)
        wait_for_status(statuses, Status.TRACKING)
        # They are heard in their order: with one of the second activation, all that came before.
        wait_until(lambda since=active_s: torques_s and torques_s[-1] > since, 'a torque anew')
        assert not [at for at in torques_s if inactive_s < at < active_s]


def test_cleanup_and_configure_go_round(probe, tracking, statuses, scenes, concepts, model):
    assert change(probe, Transition.TRANSITION_DEACTIVATE)
    assert change(probe, Transition.TRANSITION_CLEANUP)
    assert state_of(probe) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(probe, Transition.TRANSITION_CONFIGURE)
    assert change(probe, Transition.TRANSITION_ACTIVATE)
    # Scene and concept are latched: it has them again without being sent them again.
    wait_for_status(statuses, Status.TRACKING)


# Controllers of their own --------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch):
    """A domain where no other node is."""
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    yield
    lock.close()


@pytest.mark.parametrize(
    ('parameter', 'value', 'text'),
    [('model_dir', '/nowhere', '/nowhere'), ('arm', '/no.yaml', '/no.yaml')],
)
def test_what_cannot_be_configured_stays_unconfigured_and_says_why(
    tmp_path, elsewhere, parameter, value, text
):
    own = Probe()
    try:
        with running('controller', tmp_path, **{parameter: value}):
            own.wait_for_report('controller: state', 'unconfigured', text)
            assert state_of(own) == State.PRIMARY_STATE_UNCONFIGURED
    finally:
        own.close()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(weights, tmp_path, elsewhere, number):
    """Before anything moves; in motion, and started as a user does, is with the faults."""
    with running('controller', tmp_path, model_dir=weights) as node:
        node.wait_for_log('no joint state yet')
        node.send(number)
        assert node.end()[0] == 0
        assert 'Traceback' not in node.log


def test_when_the_controller_is_killed_in_motion_the_simulator_holds(run):
    controller = run.start_controller()
    run.set_in_motion()
    controller.send(signal.SIGKILL)
    controller.end()
    killed_ns = run.now_ns()
    run.simulator.wait_for_log('holding: no command for 50 ms')
    run.probe.wait_for_report('simulator: commands', 'holding: no command for 50 ms')

    def state_after(seconds):
        wanted = killed_ns + seconds * 1_000_000_000
        wait_until(lambda: run.now_ns() >= wanted, f'{seconds} s more')
        return run.states[-1]

    at_rest, later = state_after(2), state_after(3)
    assert np.abs(later.velocity).max() < 0.05
    np.testing.assert_allclose(later.position, at_rest.position, atol=0.02)
