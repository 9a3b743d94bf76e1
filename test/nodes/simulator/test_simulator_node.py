# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator over DDS: what it publishes, what it applies, what it refuses, how it holds."""

import math
import signal
from itertools import pairwise

import numpy as np
import pytest
from faults import send_until
from harness import ARM, JOINTS, WORKSPACE, NodeProcess, Probe, running, wait_until
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos

COMMANDS = 'simulator: commands'
REFUSED = f'{COMMANDS}: refused'


@pytest.fixture
def probe():
    probe = Probe()
    yield probe
    probe.close()


@pytest.fixture
def commands(probe):
    return probe.publisher(JointState, 'joint_effort_commands', qos.COMMANDS, matched=False)


def stamp_ns(message):
    return cv.stamp_to_ns(message.header.stamp)


def clock_ns(message):
    return cv.stamp_to_ns(message.clock)


def wait_for_state(states, after_ns):
    """Return a joint state of after_ns or later."""
    wait_until(lambda: states and stamp_ns(states[-1]) >= after_ns, f'a state of {after_ns} ns')
    return states[-1]


def answer(states, commands, efforts_nm, stamp):
    """Lockstep: answer the state of `stamp` until the next one comes, and return that one.

    States may come before the simulator listens to commands. A second answer to a state is none.
    """

    def gone_on():
        commands.publish(cv.effort_to_message(JOINTS, efforts_nm, stamp))
        return stamp_ns(states[-1]) > stamp

    wait_for_state(states, stamp)
    wait_until(gone_on, f'the state after {stamp} ns')
    return states[-1]


def speed(state):
    return np.abs(state.velocity).max()


def test_publishes_scene_states_and_clock_and_holds_without_commands(probe, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos_profile_sensor_data)
    clock = probe.listen(Clock, '/clock', 10)
    with running('simulator', tmp_path, scene_seed=3) as simulator:
        wait_for_state(states, 1_000_000_000)
        first, last = states[0], states[-1]
        assert list(first.name) == list(JOINTS)
        # Held where it started: the arm sags by no more than friction and damping allow.
        np.testing.assert_allclose(last.position, ARM.home_rad, atol=0.02)
        wait_until(lambda: clock and clock_ns(clock[-1]) >= 1_000_000_000, 'the clock')
        # That of the joint states, at 100 Hz: it never goes back, nor stands still.
        ticks = np.diff([clock_ns(message) for message in clock])
        assert (ticks > 0).all() and not (ticks % 10_000_000).any()
        wait_for_state(states, clock_ns(clock[-1]))
        # Latched: the scene reaches who comes late.
        scenes = probe.listen(ros.Scene, 'scene', qos.LATCHED)
        wait_until(lambda: scenes, 'the scene')
        named = cv.scene_from_message(scenes[-1], WORKSPACE)
        assert named.ids[-1] == 'end_effector'
        assert named.scene.movable.tolist() == [False] * (len(named.ids) - 1) + [True]
        assert 'holding: no command yet' in simulator.log


def test_equal_seeds_give_equal_scenes_and_others_others(probe, tmp_path):
    scenes = []
    for seed in (4, 4, 5):
        heard = probe.listen(ros.Scene, 'scene', qos.LATCHED)
        with running('simulator', tmp_path, scene_seed=seed, concept='north'):
            wait_until(lambda heard=heard: heard, 'the scene')
        scenes.append(cv.scene_from_message(heard[0], WORKSPACE))
    assert scenes[0].ids == scenes[1].ids
    np.testing.assert_array_equal(scenes[0].scene.positions, scenes[1].scene.positions)
    assert scenes[0].ids != scenes[2].ids or not np.array_equal(
        scenes[0].scene.positions, scenes[2].scene.positions
    )
    assert [name.startswith('blue') for name in scenes[0].ids].count(True) == 1


def test_lockstep_time_waits_for_the_answer_to_each_state(probe, commands, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
    with running('simulator', tmp_path, lockstep=True, lockstep_report_s=0.5):
        wait_until(lambda: states, 'the first state')
        # Nobody answers: time stands still, and it says for whom.
        probe.wait_for_report(COMMANDS, 'waiting on joint_effort_commands', '0.000 s', 'probe')
        assert {stamp_ns(s) for s in states} == {0}
        wait_until(lambda: commands.get_subscription_count() > 0, 'the simulator')
        # An answer to another state is no answer.
        commands.publish(cv.effort_to_message(JOINTS, np.zeros(6), 123))
        seen = len(states)
        wait_until(lambda: len(states) > seen + 1, 'the state again')
        assert {stamp_ns(s) for s in states} == {0}
        for tick in range(20):
            last = answer(states, commands, np.full(6, 0.25), tick * 2_000_000)
        assert stamp_ns(last) == 40_000_000
        np.testing.assert_array_equal(last.effort, np.full(6, 0.25))


def test_lockstep_is_bit_exact(probe, commands, tmp_path):
    runs = []
    for _ in range(2):
        states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
        with running('simulator', tmp_path, lockstep=True):
            for tick in range(30):
                efforts = np.sin(np.arange(6) + tick)
                last = answer(states, commands, efforts, tick * 2_000_000)
            assert stamp_ns(last) == 60_000_000
            runs.append(last)
    assert list(runs[0].position) == list(runs[1].position)
    assert list(runs[0].velocity) == list(runs[1].velocity)


@pytest.mark.parametrize('lockstep', [False, True], ids=['real_time', 'lockstep'])
def test_bad_commands_are_refused_by_name_and_change_nothing(probe, commands, tmp_path, lockstep):
    states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
    bad = [
        (JointState(name=list(JOINTS), effort=[1.0] * 5), 'effort: 5 values for 6 names'),
        (JointState(name=list(JOINTS), effort=[math.nan] * 6), f"joint '{JOINTS[0]}' has nan"),
        (JointState(name=list('abcdef'), effort=[1.0] * 6), 'joint_effort_commands.name'),
        (JointState(name=[*JOINTS, 'x'], effort=[1.0] * 7), "unknown ['x']"),
        (JointState(), 'joint_effort_commands.name'),
    ]
    with running('simulator', tmp_path, lockstep=lockstep) as simulator:
        wait_until(lambda: states and commands.get_subscription_count() > 0, 'the simulator')
        for message, reason in bad:
            probe.diagnostics.clear()
            while not any(reason in report for report in probe.reports(REFUSED)):
                seen = len(probe.diagnostics)
                commands.publish(message)
                wait_until(lambda seen=seen: len(probe.diagnostics) > seen, reason)
        if lockstep:
            assert {stamp_ns(s) for s in states} == {0}
        else:
            np.testing.assert_allclose(states[-1].position, ARM.home_rad, atol=0.02)
        assert simulator.is_running()
        # A good one still acts, whatever the order of its names.
        order = [3, 1, 5, 0, 2, 4]
        efforts = np.linspace(-0.5, 0.5, 6)
        names = [JOINTS[i] for i in order]

        def applied():
            stamp = stamp_ns(states[-1])
            commands.publish(cv.effort_to_message(names, efforts[order], stamp))
            return any(list(state.effort) == efforts.tolist() for state in states[-50:])

        wait_until(applied, 'the permuted command')
        # ... and ends the complaint.
        probe.wait_for_report(REFUSED, 'accepted again')


def test_commands_beyond_the_limits_are_cut_to_them(probe, commands, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
    with running('simulator', tmp_path, lockstep=True):
        last = answer(states, commands, np.full(6, 1e308), 0)
        np.testing.assert_array_equal(last.effort, ARM.effort_limits_nm)


def test_stale_commands_are_refused_in_real_time(probe, commands, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos_profile_sensor_data)
    with running('simulator', tmp_path):
        wait_for_state(states, 500_000_000)
        wait_until(lambda: commands.get_subscription_count() > 0, 'the simulator')
        commands.publish(cv.effort_to_message(JOINTS, np.zeros(6), 2_000_000))
        probe.wait_for_report(REFUSED, 'joint_effort_commands.header.stamp')


def test_when_commands_cease_it_holds_and_says_so_once(probe, commands, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos_profile_sensor_data)
    with running('simulator', tmp_path) as simulator:
        wait_for_state(states, 0)
        # Push the first joint until the arm moves, then fall silent mid-motion.
        push = np.zeros(6)
        push[0] = ARM.effort_limits_nm[0]

        def moving():
            commands.publish(cv.effort_to_message(JOINTS, push, stamp_ns(states[-1])))
            return speed(states[-1]) > 0.3

        wait_until(moving, 'the arm to move')
        simulator.wait_for_log('holding: no command for 50 ms')
        silent = stamp_ns(states[-1])
        at_rest = wait_for_state(states, silent + 1_500_000_000)
        later = wait_for_state(states, silent + 2_500_000_000)
        assert speed(later) < 0.05
        np.testing.assert_allclose(later.position, at_rest.position, atol=0.02)
        probe.wait_for_report(COMMANDS, 'holding: no command for 50 ms')
        # Where this test was kept waiting for 50 ms while it pushed, it held then too.
        pushes = simulator.log.count('commands are fresh')
        assert simulator.log.count('holding: no command for 50 ms') == pushes
        # Whatever strays in afterwards does not hide it.
        commands.publish(JointState())
        probe.wait_for_report(REFUSED, 'joint_effort_commands.name')
        probe.diagnostics.clear()
        wait_until(lambda: len(probe.reports(COMMANDS)) >= 2, 'the next two reports')
        assert set(probe.reports(COMMANDS)) == {'holding: no command for 50 ms'}


def test_reset_goes_back_to_the_start(probe, tmp_path):
    states = probe.listen(JointState, 'joint_states', qos_profile_sensor_data)
    with running('simulator', tmp_path):
        before = wait_for_state(states, 300_000_000)
        seen = states.index(before)

        def reset():
            response = probe.call(Trigger, 'simulator/reset', Trigger.Request())
            assert response.success

        def began_again():
            stamps = [stamp_ns(state) for state in states[seen:]]
            return any(later < earlier for earlier, later in pairwise(stamps))

        # Who is kept waiting may not hear the time go back before it has passed again.
        send_until(began_again, reset, 'time to start again')


@pytest.mark.parametrize(
    ('parameters', 'texts'),
    [
        ({'concept': 'betwen'}, ('parameter concept', 'betwen', 'between, north')),
        ({'reference_colour': 'pink'}, ('reference_colour', 'pink', 'blue')),
        ({'also': 'triangle'}, ('parameter also', 'triangle', 'between, north')),
        ({'rate': '50.0'}, ('parameter rate', '50.0', '100.0')),
        ({'rate': 'fast'}, ('parameter rate', 'DOUBLE')),
        ({'scene_seed': -1}, ('parameter scene_seed', '-1')),
        ({'scene_file': '/no/such.yaml'}, ('scene_file', '/no/such.yaml')),
        ({'arm': 'jaco2'}, ('parameter arm', 'jaco2', 'iiwa7, jaco')),
        ({'headless': False}, ('parameter headless', 'display')),
    ],
)
def test_refused_parameters_are_named_in_one_line(tmp_path, monkeypatch, parameters, texts):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    node = NodeProcess('simulator', tmp_path / 'log', **parameters)
    status, out = node.end()
    assert status == 2 and out == ''
    assert 'Traceback' not in node.log
    for text in texts:
        assert text in node.log


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('lockstep', [False, True], ids=['real_time', 'lockstep'])
def test_a_signal_ends_it_cleanly(probe, tmp_path, number, lockstep):
    states = probe.listen(JointState, 'joint_states', qos_profile_sensor_data)
    with running('simulator', tmp_path, fresh=True, lockstep=lockstep) as simulator:
        wait_until(lambda: states, 'a state')
        simulator.send(number)
        status, _ = simulator.end()
        assert status == 0
        assert 'Traceback' not in simulator.log


def test_steps_that_are_left_when_it_is_deactivated_are_said(probe, tmp_path):
    with running('simulator', tmp_path, lockstep=True):
        probe.meet('simulator')
        pause = srv.SetSimulationState.Request(state=ros.SimulationState(state=2))
        probe.call(srv.SetSimulationState, 'simulator/set_simulation_state', pause)
        client = probe.node.create_client(srv.StepSimulation, 'simulator/step_simulation')
        wait_until(client.service_is_ready, 'the service')
        asked = client.call_async(srv.StepSimulation.Request(steps=3))  # nobody answers a state
        look = srv.GetSimulationState.Request()
        probe.call(srv.GetSimulationState, 'simulator/get_simulation_state', look)
        end = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
        assert probe.call(ChangeState, 'simulator/change_state', end).success
        wait_until(asked.done, 'an answer', 20.0)
        said = asked.result().result.error_message
        assert said == '3 steps were not done: the simulator is not active any more'
