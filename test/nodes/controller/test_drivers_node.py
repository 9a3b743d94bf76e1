# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Drivers as they are: prefixes, joints too many, no velocities, no stamps, torques as an array."""

import importlib.util
import sys
import threading
import time
import types

import numpy as np
import pytest
from harness import ARM, JOINTS, WORKSPACE, Probe, claim_domain, running, wait_until
from rclpy.serialization import serialize_message
from reaching import midpoint_m
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.control.composer import Composer
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs, Mode
from ebm_concept_ros.control.knowledge import Knowledge
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.nodes import effort_output
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.driver_parameters import (
    DriverParameters,
    order_of_efforts,
    require_real_time,
)
from ebm_concept_ros.nodes.joint_state_reader import JointStateReader
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, validate
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.types import JointSample
from ebm_core import InvalidInput, get_concept, load_model

N = len(JOINTS)
PREFIX = 'left_'
NAMES = tuple(PREFIX + name for name in JOINTS)
PERIOD_S = 0.004
TABLE = random_table_scene(2, 2, 'blue', WORKSPACE)


def state(stamp_ns, names=JOINTS, **values):
    message = JointState(header=Header(stamp=cv.ns_to_stamp(stamp_ns)), name=list(names))
    for field, given in values.items():
        setattr(message, field, list(map(float, given)))
    return message


def reader(now_ns=lambda: 7, may_repeat=False, **parameters):
    return JointStateReader(DriverParameters(**parameters), JOINTS, now_ns, may_repeat)


def read(states, message):
    return states.read(serialize_message(message))


def test_without_velocities_a_state_is_refused_or_differentiated():
    message = state(10**9, position=np.zeros(N))
    with pytest.raises(InvalidInput, match=r'joint_states.velocity: 0 values for 6 names'):
        read(reader(), message)
    differentiated = reader(velocities='differentiated')
    assert read(differentiated, message) is None
    sample = read(differentiated, state(10**9 + 2_000_000, position=np.full(N, 0.001)))
    np.testing.assert_allclose(sample.velocities_rad_s, 0.5)
    # What says that it is a velocity is not listened to: drivers without one write NaN there.
    sample = read(
        differentiated,
        state(10**9 + 4_000_000, position=np.full(N, 0.002), velocity=np.full(N, np.nan)),
    )
    np.testing.assert_allclose(sample.velocities_rad_s, 0.5)
    with pytest.raises(InvalidInput, match=r'joint_states.velocity: joint .* out of any range'):
        read(differentiated, state(10**9 + 6_000_000, position=np.full(N, 5.0)))


def test_states_that_are_never_stamped_are_refused_or_take_their_arrival():
    message = state(0, position=np.zeros(N), velocity=np.zeros(N))
    by_header = reader()
    for _ in range(10):  # a simulation may be paused at its start
        assert read(by_header, message).stamp_ns == 0
    with pytest.raises(InvalidInput, match=r'stamp: zero again and again.*stamps:=arrival'):
        read(by_header, message)
    assert read(by_header, state(5, position=np.zeros(N), velocity=np.zeros(N))).stamp_ns == 5
    in_lockstep = reader(may_repeat=True)
    assert {read(in_lockstep, message).stamp_ns for _ in range(20)} == {0}
    assert read(reader(stamps='arrival'), message).stamp_ns == 7


@pytest.mark.parametrize(('sec', 'nanosec'), [(2**31 - 1, 2**32 - 1), (-1, 0)])
def test_a_stamp_that_no_torque_could_answer_is_refused(sec, nanosec):
    message = state(0, position=np.zeros(N), velocity=np.zeros(N))
    by_header = reader()
    assert read(by_header, message).stamp_ns == 0  # how it is laid out is known from now on
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    with pytest.raises(InvalidInput, match=r'joint_states.header.stamp: .* s, expected 0 to 2\^31'):
        read(by_header, message)


@pytest.mark.parametrize('velocity_filter_s', [0.0, 0.005])
def test_of_states_that_are_read_together_each_arrived_when_it_came(monkeypatch, velocity_filter_s):
    now_s = [1.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now_s[0])
    states = reader(
        now_ns=lambda: round(now_s[0] * 1e9),
        stamps='arrival',
        velocities='differentiated',
        velocity_filter_s=velocity_filter_s,
    )
    came_s = 1.0 + 0.001 * np.arange(1, 201)  # at 1 rad/s; looked for at every second one
    for pair in came_s.reshape(-1, 2):
        for arrived_s in pair:
            now_s[0] = max(now_s[0] + 2e-5, pair[-1])
            data = serialize_message(state(0, position=np.full(N, arrived_s)))
            sample = states.read(data, arrived_s)
    assert sample.stamp_ns == round(arrived_s * 1e9)
    np.testing.assert_allclose(sample.velocities_rad_s, 1.0, rtol=1e-6)


def test_arrivals_go_back_with_their_clock_alone(monkeypatch):
    monkeypatch.setattr(time, 'monotonic', lambda: 1.0)
    now_ns = [10**9]
    states = reader(now_ns=lambda: now_ns[0], stamps='arrival')
    data = serialize_message(state(0, position=np.zeros(N), velocity=np.zeros(N)))
    assert states.read(data, 0.999).stamp_ns == 999_000_000
    assert states.read(data, 0.998).stamp_ns == 999_000_000, 'simulated time stood still'
    now_ns[0] = 10**8
    assert states.read(data, 0.999).stamp_ns == 99_000_000, 'a simulator was reset'


def test_the_order_of_an_array_is_the_arms_or_is_given_and_complete():
    assert order_of_efforts(DriverParameters(), NAMES) == NAMES
    given = DriverParameters(effort_joints=NAMES[::-1])
    assert order_of_efforts(given, NAMES) == NAMES[::-1]
    for wrong in (NAMES[1:], JOINTS, (*NAMES, 'x'), (NAMES[0],) * N):
        with pytest.raises(InvalidParameter, match=r'parameter effort_joints: .* each once'):
            order_of_efforts(DriverParameters(effort_joints=wrong), NAMES)


@pytest.mark.parametrize(
    ('name', 'allowed'),
    [
        ('velocities', "'measured' or 'differentiated'"),
        ('stamps', "'header' or 'arrival'"),
        ('efforts', "'reported' or 'commanded'"),
        ('effort_output', "'joint_state', 'float64_multi_array' or 'linear_feedback'"),
        ('second_goal', "'preempt' or 'refuse'"),
        ('on_contact', "'hold', 'retreat' or 'ignore'"),
    ],
)
def test_a_name_that_none_knows_is_refused_with_those_that_are_known(name, allowed):
    with pytest.raises(InvalidParameter) as refused:
        validate(ControllerParameters, {name: 'any'})
    for word in (f'parameter {name}:', allowed, "given 'any'"):
        assert word in str(refused.value)


@pytest.mark.parametrize('given', [{'stamps': 'arrival'}, {'effort_output': 'float64_multi_array'}])
def test_in_lockstep_stamps_are_needed(given):
    require_real_time(DriverParameters(**given), lockstep=False)
    with pytest.raises(InvalidParameter, match='refused in lockstep'):
        require_real_time(DriverParameters(**given), lockstep=True)


def stand_in_for_linear_feedback():
    """linear_feedback_controller_msgs/Control with the fields that are filled in."""
    sensor = types.SimpleNamespace(header=Header(), joint_state=JointState())
    return types.SimpleNamespace(
        header=Header(),
        feedback_gain=Float64MultiArray(),
        feedforward=Float64MultiArray(),
        initial_state=sensor,
    )


def matrix(message):
    rows, columns = message.layout.dim
    assert (rows.label, columns.label) == ('rows', 'cols')
    assert (rows.stride, columns.stride) == (rows.size * columns.size, columns.size)
    return np.array(message.data).reshape(rows.size, columns.size)


def test_linear_feedback_gives_the_torques_that_the_plan_gives_around_the_state():
    # Near by, so that no torque is cut to its limit.
    goal = WORKSPACE.to_plane(ArmSimulation(ARM, WORKSPACE, TABLE).effector_in_base_m) + 0.02
    field = EnergyField.tabulate(
        lambda points: np.square(points - goal).sum(-1), WORKSPACE.half_width_units, 33
    )
    plan = IlqgPlanner(ARM, WORKSPACE).plan(1.0, ARM.home_rad, np.zeros(N), field)
    law = ControlLaw(ARM, 0.05, 0.002)

    def decide(state):
        sample = JointSample(1_004_000_000, state[:N], state[N:])
        # What went before is no matter: the first torque may be any.
        near = plan.effort(1.004, state[:N], state[N:])
        return law.decide(
            ControllerInputs(sample, 0.0, 'any', plan, former_nm=near, elapsed_s=0.002)
        )

    rng = np.random.default_rng(0)
    at = np.concatenate([ARM.home_rad, np.zeros(N)])
    decision = decide(at)
    assert decision.mode is Mode.TRACKING
    message = cv.linear_feedback_to_message(
        stand_in_for_linear_feedback(), NAMES, decision.effort_nm, decision.gains, decision.sample
    )
    feedforward, gain = matrix(message.feedforward), matrix(message.feedback_gain)
    assert feedforward.shape == (N, 1) and gain.shape == (N, 2 * N)
    assert cv.stamp_to_ns(message.header.stamp) == 1_004_000_000
    initial = message.initial_state.joint_state
    assert tuple(initial.name) == NAMES
    there = np.concatenate([initial.position, initial.velocity])
    for _ in range(10):
        state = at + rng.normal(scale=1e-4, size=2 * N)
        applied = feedforward[:, 0] + gain @ (there - state)
        np.testing.assert_allclose(applied, decide(state).effort_nm, atol=1e-6)
    hold = law.decide(ControllerInputs(decision.sample, 0.0, 'any', None))
    message = cv.linear_feedback_to_message(
        stand_in_for_linear_feedback(), NAMES, hold.effort_nm, hold.gains, hold.sample
    )
    assert not matrix(message.feedback_gain).any()


def test_linear_feedback_is_published_where_its_package_is(monkeypatch):
    module = types.ModuleType('linear_feedback_controller_msgs.msg')
    module.Control = stand_in_for_linear_feedback
    monkeypatch.setitem(
        sys.modules, 'linear_feedback_controller_msgs', types.ModuleType('of_the_messages')
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made, sent = [], []

    class Node:
        def create_lifecycle_publisher(self, kind, topic, **profile):
            made.append((kind, topic))
            return types.SimpleNamespace(publish=sent.append)

    parameters = DriverParameters(effort_output='linear_feedback')
    output = effort_output.EffortOutput(Node(), parameters, NAMES)
    assert made == [(module.Control, 'linear_feedback_controller/control')]
    sample = JointSample(3, np.zeros(N), np.zeros(N))
    law = ControlLaw(ARM, 0.05, 0.002)
    output.publish(law.decide(ControllerInputs(sample, 0.0, 'any', None)))
    assert len(matrix(sent[0].feedforward)) == N


class Driver:
    """An arm in real time behind what a driver of ros2_control may publish and take.

    Joints have a prefix, come in another order and beside others, without velocities and stamps.
    """

    def __init__(self, probe):
        self.sim = ArmSimulation(ARM, WORKSPACE, TABLE)
        self.commands = []
        self._publisher = probe.publisher(
            JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED, matched=False
        )
        probe.node.create_subscription(
            Float64MultiArray,
            'forward_effort_controller/commands',
            self.commands.append,
            qos.COMMANDS,
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def distance_m(self):
        return np.linalg.norm(self.sim.effector_in_base_m[:2] - midpoint_m(TABLE))

    def _run(self):
        sim, began_s = self.sim, time.monotonic()
        while not self._stopped.wait(PERIOD_S):
            # As far as real time has come, however late this thread is.
            until_s = time.monotonic() - began_s
            while sim.time_s < until_s:
                if self.commands:
                    sim.apply(np.array(self.commands[-1].data)[::-1])
                else:
                    sim.hold()
                sim.step()
            positions = sim.joint_positions_rad[::-1]
            self._publisher.publish(
                JointState(name=['gripper', *NAMES[::-1]], position=[0.3, *positions])
            )


@pytest.fixture(scope='module')
def probe():
    domain, lock = claim_domain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('ROS_DOMAIN_ID', str(domain))
        probe = Probe()
        yield probe
        probe.close()
    lock.close()


def test_an_arm_behind_such_a_driver_gets_where_the_concept_wants_it(probe, tmp_path):
    rng = np.random.default_rng(0)
    shown = get_concept('between').demonstrations(rng, 5, reference_colour='blue')
    concept = Knowledge(load_model(), Composer(1), None, 0).infer('between', shown)
    statuses = probe.listen(ros.ControllerStatus, 'controller/status', qos.STATUS)
    probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False).publish(
        cv.concept_to_message(concept)
    )
    driver = Driver(probe)
    scene = cv.table_scene_to_message(
        TABLE, TABLE.positions_in_base_m(), driver.sim.effector_in_base_m, WORKSPACE
    )
    probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False).publish(scene)
    given = {
        'joint_prefix': PREFIX,
        'velocities': 'differentiated',
        'stamps': 'arrival',
        'effort_output': 'float64_multi_array',
        'effort_joints': list(NAMES[::-1]),
        'state_rate': 250.0,
        'control_rate': 250.0,
        'plan_rate': 50.0,
        'on_contact': 'ignore',  # velocities are as uneven as this process is kept waiting
    }
    assert driver.distance_m() > 0.03
    with running('controller', tmp_path, **given):
        wait_until(lambda: driver.distance_m() < 0.02, f'arrival, {statuses[-1:]}')
        assert all(len(command.data) == N for command in driver.commands)
        driver.stop()
        wait_until(
            lambda: 'joint state is older than' in statuses[-1].reason, 'the hold of the controller'
        )


def test_what_a_driver_leaves_out_is_refused_with_the_parameter_that_helps(probe, tmp_path):
    with running('controller', tmp_path, joint_prefix=PREFIX):
        publisher = probe.publisher(JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED)
        probe.diagnostics.clear()
        for message, reason in (
            (state(0, NAMES, position=ARM.home_rad, velocity=np.zeros(N)), 'stamps:=arrival'),
            (state(1, NAMES, position=ARM.home_rad), 'joint_states.velocity: 0 values'),
            (state(2, JOINTS, position=ARM.home_rad, velocity=np.zeros(N)), f"['{NAMES[0]}'"),
        ):

            def refused(message=message, reason=reason):
                publisher.publish(message)
                return any(
                    reason in text for text in probe.reports('controller: joint_states: refused')
                )

            wait_until(refused, reason)


@pytest.mark.skipif(
    importlib.util.find_spec('linear_feedback_controller_msgs') is not None,
    reason='the package is installed',
)
def test_without_its_package_linear_feedback_is_refused(probe, tmp_path):
    probe.diagnostics.clear()
    with running('controller', tmp_path, effort_output='linear_feedback') as controller:
        report = probe.wait_for_report('controller: state', 'unconfigured', 'effort_output')
        assert 'needs the package linear_feedback_controller_msgs' in report
        assert controller.is_running()
