# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The action `enact` over DDS: simulator, controller, and a learner with a library of two."""

import math
import signal
from contextlib import ExitStack

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from harness import (
    ARM,
    JOINTS,
    LOCKSTEP,
    PATIENCE_S,
    WORKSPACE,
    Probe,
    claim_domain,
    forgetful_server,
    keeping,
    running,
    wait_until,
)
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_core import get_concept
from ebm_core.library.library import ConceptLibrary

Result, Status = EnactConcept.Result, ros.ControllerStatus
PERIOD_S = 1 / LOCKSTEP['controller']['control_rate']
TABLE = """entities:
- {id: blue_0, position_in_base_m: [0.4, 0.2], colour: blue}
- {id: blue_1, position_in_base_m: [0.5, -0.1], colour: blue}
- {id: red_0, position_in_base_m: [0.6, 0.2], colour: red}
"""
DIES = """
from ebm_concept_ros.client.concept_arm import ConceptArm
arm = ConceptArm()
arm.enact('middle')
print('enacting', flush=True)
arm.wait(1e6)
"""


class Pursued:
    """A goal that was sent, and what came of it."""

    def __init__(self, probe, client, **goal):
        self.feedback = []
        probe.meet('controller')
        self._sent = send_goal(
            probe.node,
            client,
            EnactConcept.Goal(**goal),
            lambda message: self.feedback.append(message.feedback),
        )
        wait_until(self._sent.done, 'an answer to a goal')
        self.handle = self._sent.result()
        assert self.handle.accepted
        self._result = self.handle.get_result_async()

    def end(self):
        """Wait for its end; return status and result."""
        wait_until(self._result.done, f'an end, last feedback {self.feedback[-1:]}')
        return self._result.result().status, self._result.result().result

    def wait_for_feedback(self, holds, what):
        wait_until(lambda: any(holds(f) for f in list(self.feedback)), what)


def is_moving(feedback):
    """Tell whether it follows a plan, and not any more the one of before."""
    return feedback.state == Status.TRACKING and feedback.distance_m > 0.0


class Enacting:
    """The nodes, and a client."""

    def __init__(self, nodes, folder):
        library = ConceptLibrary(folder / 'library')
        for name, kind, seed in (('middle', 'between', 0), ('above', 'north', 1)):
            rng = np.random.default_rng(seed)
            library.save(name, get_concept(kind).demonstrations(rng, 5, 'blue'))
        rng = np.random.default_rng(2)
        north, far = (get_concept(k).demonstrations(rng, 3, 'blue') for k in ('north', 'farthest'))
        library.save('confused', [*north, *far])
        (folder / 'table.yaml').write_text(TABLE)
        self.probe = Probe()
        nodes.callback(self.probe.close)
        self.efforts = self.probe.listen(JointState, 'joint_effort_commands', 5000)
        self.statuses = self.probe.listen(Status, 'controller/status', qos.STATUS)
        self.client = self.new_client()
        for name, parameters in (
            ('simulator', {'scene_file': folder / 'table.yaml', **LOCKSTEP['simulator']}),
            ('controller', LOCKSTEP['controller'] | keeping('joint_effort_commands')),
            ('concept_learner', {'library_dir': folder / 'library'}),
        ):
            nodes.enter_context(running(name, folder, **parameters))
        assert self.client.wait_for_server(PATIENCE_S)

    def new_client(self):
        return self.probe.action_client(EnactConcept, 'controller/enact')

    def pursue(self, *concepts, client=None, **goal):
        goal = {'concepts': list(concepts)} | goal
        return Pursued(self.probe, client or self.client, **goal)

    def call(self, name):
        return self.probe.call(Trigger, f'controller/{name}', Trigger.Request())

    def wait_for_status(self, state, text):
        self.statuses.clear()
        wait_until(
            lambda: any(s.state == state and text in s.reason for s in list(self.statuses)),
            f'status {state} {text!r}, last {self.statuses[-1:]}',
        )

    def assert_no_torque_jumped(self):
        """Of all since the last time."""
        wait_until(lambda: len(self.efforts) > 100, 'torques')
        commands, self.efforts[:] = list(self.efforts), []
        times_s = np.array([cv.stamp_to_ns(c.header.stamp) for c in commands]) / 1e9
        torques = np.array([cv.effort_from_message(c, JOINTS).efforts_nm for c in commands])
        steps = np.abs(np.diff(torques, axis=0))
        passed_s = np.diff(times_s)[:, None]
        assert (passed_s <= PERIOD_S + 1e-9).all(), 'some were not heard'
        assert (steps <= ARM.effort_rate_limits_nm_s * passed_s + 1e-9).all()


def test_by_parameter_the_second_is_refused(tmp_path, monkeypatch):
    """Before the nodes of the others are there: in lockstep they would race on while it waits."""
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    with ExitStack() as nodes:
        nodes.callback(lock.close)
        probe = Probe()
        nodes.callback(probe.close)
        given = {'second_goal': 'refuse', 'learner_timeout_s': 10.0, 'follow_topic': False}
        controller = nodes.enter_context(running('controller', tmp_path, **given))
        client = probe.action_client(EnactConcept, 'controller/enact')
        assert client.wait_for_server(PATIENCE_S)
        assert probe.node.count_subscribers('concept') == 0, 'by another parameter'
        first = Pursued(probe, client, concepts=['middle'])
        status, result = Pursued(probe, client, concepts=['above']).end()
        assert (status, result.code) == (GoalStatus.STATUS_ABORTED, Result.BUSY)
        assert result.message == 'another goal is active'
        result = first.end()[1]
        assert result.code == Result.NO_LEARNER and 'no answer within 10 s' in result.message
        cancelled = Pursued(probe, client, concepts=['middle'])
        wait_until(cancelled.handle.cancel_goal_async().done, 'an answer to cancel')
        assert cancelled.end()[1].code == Result.CANCELLED
        stopped = Pursued(probe, client, concepts=['middle'])
        assert probe.call(Trigger, 'controller/stop', Trigger.Request()).success
        status, result = stopped.end()
        assert (status, result.code) == (GoalStatus.STATUS_ABORTED, Result.STOPPED)
        assert result.message.startswith('stopped'), 'it does not begin once the learner answers'

        answer = srv.GetConcept.Response(message='asked again')
        with forgetful_server(srv.GetConcept, 'concept_learner/get_concept', answer):
            result = Pursued(probe, client, concepts=['middle']).end()[1]
        assert (result.code, result.message) == (Result.UNKNOWN_CONCEPT, 'asked again')

        left = Pursued(probe, client, concepts=['middle'])
        controller.send(signal.SIGINT)
        status, result = left.end()
        assert (status, result.code) == (GoalStatus.STATUS_ABORTED, Result.STOPPED)
        assert result.message == 'the controller was deactivated', 'nobody waits for ever'


@pytest.fixture(scope='module')
def enacting(tmp_path_factory):
    with ExitStack() as nodes:
        yield Enacting(nodes, tmp_path_factory.mktemp('enact'))


@pytest.mark.parametrize(
    ('goal', 'code', 'words'),
    [
        ({}, Result.INVALID_GOAL, 'concepts: 0 given, allowed are 1 to 8'),
        ({'concepts': ['']}, Result.INVALID_GOAL, 'concepts[0]: empty'),
        ({'concepts': ['middle'] * 2}, Result.INVALID_GOAL, "'middle' is there already"),
        (
            {'concepts': ['middle'], 'weights': [math.nan]},
            Result.INVALID_GOAL,
            'weights[0]: nan is not within [0, 1e+06]',
        ),
        (
            {'concepts': ['middle'], 'weights': [1.0, 2.0]},
            Result.INVALID_GOAL,
            'weights: 2 values for 1 concepts',
        ),
        ({'concepts': ['middle'], 'weights': [0.0]}, Result.INVALID_GOAL, 'all are 0'),
        (
            {'concepts': ['middle'], 'tolerance_m': -0.01},
            Result.INVALID_GOAL,
            'tolerance_m: -0.01 is not within [0, 1]',
        ),
        ({'concepts': ['middle'], 'hold_time_s': math.inf}, Result.INVALID_GOAL, 'hold_time_s'),
        ({'concepts': ['middle'], 'timeout_s': math.nan}, Result.INVALID_GOAL, 'timeout_s: nan'),
        ({'concepts': ['nobody']}, Result.UNKNOWN_CONCEPT, "'nobody' is not in"),
        ({'concepts': ['confused']}, Result.NOT_UNDERSTOOD, "'confused' is not understood"),
    ],
)
def test_what_is_refused_is_refused_with_a_reason(enacting, goal, code, words):
    status, result = enacting.pursue(**goal).end()
    assert (status, result.code) == (GoalStatus.STATUS_ABORTED, code), result.message
    assert words in result.message
    enacting.probe.wait_for_report('controller: enact: refused', words)


def test_it_is_reached_and_says_how_it_goes(enacting):
    pursued = enacting.pursue('middle', tolerance_m=0.02)
    status, result = pursued.end()
    assert (status, result.code) == (GoalStatus.STATUS_SUCCEEDED, Result.REACHED), result.message
    assert result.distance_m <= 0.02 and 0.5 < result.duration_s < 20.0
    # The end may be told before what went before it.
    pursued.wait_for_feedback(lambda f: f.satisfied, 'arrival')
    moving = [f for f in pursued.feedback if f.state == Status.TRACKING]
    assert set(moving[-1].taking_part) == {'blue_0', 'blue_1', EFFECTOR_ID}
    assert moving[-1].satisfied and not moving[0].satisfied
    assert moving[-1].distance_m <= 0.02 < moving[0].distance_m
    assert moving[-1].energy < moving[0].energy
    assert all(0.0 <= f.plan_age_s < 0.1 for f in moving[1:])
    enacting.wait_for_status(Status.TRACKING, 'enacting middle')
    enacting.assert_no_torque_jumped()


def test_cancel_holds_without_a_jump_and_the_next_goal_ends_the_hold(enacting):
    pursued = enacting.pursue('above', hold_time_s=600.0)
    pursued.wait_for_feedback(is_moving, 'motion')
    wait_until(pursued.handle.cancel_goal_async().done, 'an answer to cancel')
    status, result = pursued.end()
    assert (status, result.code) == (GoalStatus.STATUS_CANCELED, Result.CANCELLED)
    assert not math.isnan(result.distance_m)
    enacting.wait_for_status(Status.HOLDING, 'cancelled: holds until another concept comes')
    assert not enacting.call('resume').success
    assert enacting.pursue('middle').end()[1].code == Result.REACHED
    enacting.assert_no_torque_jumped()


def test_of_ten_clients_the_last_one_preempts_and_so_does_the_topic(enacting):
    clients = [enacting.new_client() for _ in range(10)]
    pursued = [enacting.pursue('above', client=client, hold_time_s=600.0) for client in clients]
    ends = [one.end() for one in pursued[:-1]]
    assert {result.code for _, result in ends} == {Result.PREEMPTED}
    assert {status for status, _ in ends} == {GoalStatus.STATUS_ABORTED}
    composition = enacting.probe.publisher(ros.Composition, 'composition', qos.LATCHED)
    pursued[-1].wait_for_feedback(is_moving, 'motion')
    composition.publish(ros.Composition(concepts=['middle'], weights=[1.0]))
    result = pursued[-1].end()[1]
    assert result.code == Result.PREEMPTED and 'on the topic' in result.message
    enacting.wait_for_status(Status.TRACKING, 'enacting middle')
    enacting.assert_no_torque_jumped()


def test_a_time_out_holds_and_a_sum_is_no_time_out(enacting):
    status, result = enacting.pursue('above', tolerance_m=1e-9, timeout_s=0.4).end()
    assert (status, result.code) == (GoalStatus.STATUS_ABORTED, Result.TIMED_OUT)
    assert result.message.startswith('not within 0.4 s: enacting above')
    assert result.duration_s > 0.4
    enacting.wait_for_status(Status.HOLDING, 'timed out: holds')
    pursued = enacting.pursue('middle', 'above', weights=[1.0, 0.2], timeout_s=60.0)
    assert pursued.end()[1].code == Result.REACHED
    enacting.assert_no_torque_jumped()


def test_stop_ends_a_goal_and_a_pause_does_not(enacting):
    pursued = enacting.pursue('above', hold_time_s=600.0)
    pursued.wait_for_feedback(is_moving, 'motion')
    assert enacting.call('pause').success
    pursued.wait_for_feedback(lambda f: f.reason == 'paused', 'a pause')
    assert enacting.call('resume').success
    assert enacting.call('stop').success
    status, result = pursued.end()
    assert (status, result.code) == (GoalStatus.STATUS_ABORTED, Result.STOPPED)
    assert result.message.startswith('stopped')


def set_parameters(enacting, **values):
    """Set parameters, __ for a dot; return the reasons of those that were refused."""
    request = SetParameters.Request(
        parameters=[
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()
        ]
    )
    answer = enacting.probe.call(SetParameters, 'controller/set_parameters', request)
    return [result.reason for result in answer.results if not result.successful]


def test_parameters_change_live_within_their_ranges_and_no_torque_jumps(enacting):
    assert enacting.pursue('middle').end()[1].code == Result.REACHED
    states = enacting.probe.listen(JointState, 'joint_states', QoSProfile(depth=5000))
    for refused, reason in (
        ({'speed_scale': 1.5}, 'speed_scale'),
        ({'speed_scale': 'slow'}, 'Wrong parameter type'),
        ({'hover_height_m': 0.01}, 'hover_height_m: Input should be greater than or equal to 0.06'),
        ({'planning__weights__effort': -1.0}, 'planning.weights.effort'),
        ({'planning__horizon_s': 1.0}, 'read-only'),
        ({'plan_rate': 10.0}, 'read-only'),
    ):
        (said,) = set_parameters(enacting, **refused)
        assert reason in said
    slow = {'speed_scale': 0.4, 'planning__weights__effort': 0.2, 'max_state_age_s': 0.06}
    assert set_parameters(enacting, **slow) == []
    states.clear()
    assert enacting.pursue('above').end()[1].code == Result.REACHED
    speeds = np.abs([state.velocity for state in list(states)])
    is_slow = (speeds <= 0.4 * ARM.velocity_limits_rad_s + 1e-6).all(1)
    braked = int(is_slow.argmax())  # it may have been faster when it was told
    assert braked * PERIOD_S < 0.5 and is_slow[braked:].all() and speeds[braked:].max() > 0.1
    # In motion, the other way round, and higher.
    pursued = enacting.pursue('middle')
    pursued.wait_for_feedback(is_moving, 'motion')
    assert set_parameters(enacting, speed_scale=1.0, hover_height_m=0.18) == []
    assert pursued.end()[1].code == Result.REACHED
    height_m = WORKSPACE.table_height_in_base_m + 0.18
    wait_until(
        lambda: abs(enacting.statuses[-1].effector_in_base.z - height_m) < 0.02, 'the new height'
    )
    assert enacting.statuses[-1].goal_in_base.z == pytest.approx(height_m)
    assert set_parameters(enacting, hover_height_m=0.0, planning__weights__effort=0.05) == []
    enacting.wait_for_status(Status.TRACKING, 'enacting middle')
    enacting.assert_no_torque_jumped()


def test_a_client_that_dies_leaves_its_goal_to_end_by_itself(enacting, tmp_path):
    said = enacting.probe.listen(
        EnactConcept.Impl.FeedbackMessage, 'controller/enact/_action/feedback', 10
    )
    enacting.probe.meet('controller')
    (tmp_path / 'dies.py').write_text(DIES)
    with running('client', tmp_path, script=tmp_path / 'dies.py') as client:
        wait_until(lambda: client.out == 'enacting\n', 'the client to begin')
        client.send(signal.SIGKILL)
        client.end()
    wait_until(lambda: said and said[-1].feedback.satisfied, 'the end of the goal')
    pursued = enacting.pursue('above')
    assert pursued.end()[1].code == Result.REACHED
