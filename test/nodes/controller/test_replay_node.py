# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recorded run replays to the same torques, bit for bit, or says what is not as it was."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from harness import WORKSPACE, Probe, claim_domain, running, untrained_weights, wait_until
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from reaching import SHIPPED_ARMS, shipped_arm
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableScene, random_table_scene
from ebm_concept_ros.control.contact_reflex import RETREAT
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.target import make_target
from ebm_concept_ros.control.tracking_controller import Assignment, TrackingController
from ebm_concept_ros.field.obstacles import hand_radius_m
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.recording.event_log import EventLog
from ebm_concept_ros.recording.record import (
    RecordError,
    Settings,
    fingerprint,
    load_record,
    save_record,
)
from ebm_concept_ros.recording.replay import Replay, main
from ebm_concept_ros.types import ConceptCodes, JointSample
from ebm_core.relational.model import load_model

ROOT = Path(__file__).parents[3]
FINGERS = tuple(shipped_arm().held_joints_rad)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return untrained_weights(tmp_path_factory.mktemp('weights'))


@pytest.fixture(scope='module')
def model(weights):
    return load_model(weights)


def codes(model, seed=0):
    action, argument = np.random.default_rng(seed).normal(size=(2, model.code_size))
    return ConceptCodes(f'any_{seed}', action, argument, model.sha256, 5)


def named_scene(seed, height_m=0.03):
    table = random_table_scene(seed, 2, 'blue', WORKSPACE)
    entities = tuple(e.model_copy(update={'height_m': height_m}) for e in table.entities)
    table = TableScene(entities=entities)
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.4, 0.0, 0.12), WORKSPACE
    )
    return cv.scene_from_message(message, WORKSPACE)


class SometimesFails(IlqgPlanner):
    """Fails where it is told to: in a replay, where nobody tells it, it does not."""

    error: Exception | None = None

    def plan(self, *args, **kwargs):
        if self.error is not None:
            raise self.error
        return super().plan(*args, **kwargs)


def settings_of(arm, planner, model):
    return Settings(
        arm=arm,
        arm_sha256=fingerprint(arm),
        workspace=WORKSPACE,
        planner='IlqgPlanner',
        planner_config=planner.config.model_dump(mode='json'),
        model_sha256=model.sha256,
        seed=3,
        max_state_age_s=0.05,
        period_s=0.002,
        on_contact=RETREAT,
    )


def eventful_run(arm, model, limit=10_000):
    """Return log and settings of a run in real time in which everything happens that can."""
    planner = SometimesFails(arm, WORKSPACE)
    controller = TrackingController(
        arm, planner, 0.05, predict=True, period_s=0.002, on_contact=RETREAT
    )
    target = make_target(model, codes(model), named_scene(1), WORKSPACE, 3)
    controller.assign(Assignment(target))
    log = EventLog(len(arm.joints), limit)
    controller.restart(log)
    sim = ArmSimulation(arm, WORKSPACE, random_table_scene(1, 2, 'blue', WORKSPACE))
    modes = []
    start_ns, late_s = 1_000_000_000, 0.0

    def decide():
        now_s = (
            time.monotonic() if controller.state is None else controller.state.arrived_s + late_s
        )
        decision = controller.decide(now_s)
        modes.append(decision.mode)
        if decision.effort_nm is not None:
            sim.apply(decision.effort_nm)

    decide()  # without a state
    for tick in range(400):
        sim.step()
        if tick == 100:  # another concept, mid-motion, and things that it would strike
            target = make_target(
                *(model, codes(model, 1), named_scene(2, 0.2), WORKSPACE, 3), hand_radius_m(arm)
            )
            assert len(target.field.keep_out)
        if tick == 150:
            start_ns += 5_000_000_000  # the clock jumps
        planner.error = ZeroDivisionError('no') if 180 <= tick < 320 else None
        late_s = 0.06 if 330 <= tick < 335 else 0.0007
        fault = 'a bad scene' if 350 <= tick < 355 else ''
        absent = 'gone' if 360 <= tick < 365 else ''
        sim.data.qfrc_applied[:] = (2.0 if tick >= 366 else 0.0) * arm.effort_limits_nm
        if tick == 392:  # told to go on, it is struck again
            assert controller.contact is not None
            controller.go_on()
        controller.assign(Assignment(target, fault=fault, absent=absent))
        sample = JointSample(
            start_ns + 2_000_000 * tick,
            *(sim.joint_positions_rad, sim.joint_velocities_rad_s),
            None if 200 <= tick < 250 else sim.applied_effort_nm,
        )
        controller.on_state(sample)
        if tick % 5 == 2:
            controller.replan()
        decide()
    log.close()
    assert set(modes) == set(Mode), 'all of it happened'
    assert controller.contact is not None
    return log, settings_of(arm, planner, model)


@pytest.fixture(scope='module')
def recorded(model, tmp_path_factory):
    """An eventful run of the Jaco."""
    path = tmp_path_factory.mktemp('record') / 'run.npz'
    log, settings = eventful_run(shipped_arm(), model)
    save_record(path, settings, log)
    return path


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_an_eventful_run_replays_bit_for_bit(name, model, tmp_path):
    log, settings = eventful_run(shipped_arm(name), model)
    save_record(tmp_path / 'run.npz', settings, log)
    outcome = Replay(load_record(tmp_path / 'run.npz'), model).run()
    assert outcome.first_difference is None
    assert outcome.exact and outcome.decisions == 401 and outcome.torques == 400


def test_a_blow_that_the_replay_does_not_see_is_a_difference(recorded, model):
    record = load_record(recorded)
    assert 0 < record.arrays['decisions'][:, 7].sum() < 100
    record.arrays['decisions'][200, 7] = 1
    outcome = Replay(record, model).run()
    assert not outcome.exact and outcome.same == outcome.decisions - 1


def test_one_bit_of_one_torque_is_a_difference(recorded, model):
    record = load_record(recorded)
    torque = record.arrays['efforts_nm']
    torque[200, 2] = np.nextafter(torque[200, 2], np.inf)
    outcome = Replay(record, model).run()
    assert not outcome.exact and outcome.same == outcome.decisions - 1
    assert outcome.first_difference.startswith('decision 200: ')


def test_other_weights_are_refused_with_both_hashes(recorded, model, tmp_path, capsys):
    other = untrained_weights(tmp_path / 'other', seed=1)
    status = main([str(recorded), '--model-dir', str(other)])
    assert status == 2
    error = capsys.readouterr().err
    assert 'weights' in error
    assert model.sha256[:12] in error and load_model(other).sha256[:12] in error


def test_another_arm_is_refused_with_both_hashes(model, tmp_path):
    log, settings = eventful_run(shipped_arm(), model, limit=10)
    # As if the model file had been edited since.
    other = shipped_arm().model_copy(update={'held_joints_rad': dict.fromkeys(FINGERS, 0.2)})
    save_record(tmp_path / 'run.npz', settings.model_copy(update={'arm': other}), log)
    with pytest.raises(RecordError, match='arm: recorded with') as refusal:
        Replay(load_record(tmp_path / 'run.npz'), model)
    for arm in (other, shipped_arm()):
        assert fingerprint(arm)[:12] in str(refusal.value)


def test_a_full_log_keeps_its_beginning_and_says_so(model, tmp_path):
    log, settings = eventful_run(shipped_arm(), model, limit=50)
    assert log.full
    save_record(tmp_path / 'run.npz', settings, log)
    record = load_record(tmp_path / 'run.npz')
    assert not record.header.complete
    outcome = Replay(record, model).run()
    assert outcome.exact and outcome.decisions == 50


def tampered(recorded, tmp_path, **changes):
    with np.load(recorded) as content:
        arrays = dict(content)
    for name, change in changes.items():
        arrays[name] = change(arrays[name])
    path = tmp_path / 'tampered.npz'
    np.savez(path, **arrays)
    return path


def set_last(column, value):
    def change(array):
        array = array.copy()
        array[-1, column] = value
        return array

    return change


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'header': lambda _: np.frombuffer(b'{"format": 99}', np.uint8)}, 'format 99'),
        ({'header': lambda _: np.frombuffer(b'{"format": 4}', np.uint8)}, 'settings: missing'),
        ({'header': lambda _: np.frombuffer(b'hello', np.uint8)}, 'not JSON'),
        ({'efforts_nm': lambda a: a[:, :5]}, 'efforts_nm'),
        ({'efforts_nm': lambda a: a[:-1]}, '400 efforts_nm'),
        ({'stamps_ns': lambda a: a.astype(object)}, 'pickle'),
        ({'decisions': set_last(0, 10**6)}, 'a state is referred to'),
        ({'plans': set_last(2, 10**6)}, 'a plan is referred to'),
        ({'plans': lambda a: set_last(2, len(a) - 1)(a)}, 'that came before it'),
        ({'plans': set_last(0, -1)}, 'from no state'),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(recorded, tmp_path, changes, text):
    with pytest.raises(RecordError, match=r'tampered\.npz') as refusal:
        load_record(tampered(recorded, tmp_path, **changes))
    assert text in str(refusal.value)


@pytest.mark.parametrize('content', [b'', b'nothing', b'PK\x03\x04'], ids=['empty', 'text', 'zip'])
def test_what_is_no_record_at_all_is_refused(tmp_path, content, capsys):
    (tmp_path / 'run.npz').write_bytes(content)
    assert main([str(tmp_path / 'run.npz')]) == 2
    assert main([str(tmp_path / 'absent.npz')]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_log_that_is_closed_while_states_come_in_stays_whole(model, tmp_path):
    arm = shipped_arm()
    log = EventLog(len(arm.joints), 10)
    stop = threading.Event()
    sample = JointSample(1, arm.home_rad, np.zeros(len(arm.joints)))

    def states():
        while not stop.is_set():
            log.state(sample)

    thread = threading.Thread(target=states, daemon=True)
    thread.start()
    wait_until(lambda: log.state(sample) > 1000, 'some states')
    log.close()
    path = tmp_path / 'run.npz'
    save_record(path, settings_of(arm, IlqgPlanner(arm, WORKSPACE), model), log)
    stop.set()
    thread.join()
    arrays = load_record(path).arrays
    assert len(arrays['stamps_ns']) > 1000


@pytest.mark.parametrize('lockstep', [True, False], ids=['lockstep', 'real_time'])
def test_what_the_nodes_recorded_replays_by_command(
    lockstep, weights, model, tmp_path, monkeypatch
):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    probe = Probe()
    try:
        states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
        efforts = probe.listen(JointState, 'joint_effort_commands', qos.COMMANDS)
        concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
        concepts.publish(cv.concept_to_message(codes(model)))
        controller_parameters = {
            'lockstep': lockstep,
            'model_dir': weights,
            'record_dir': tmp_path / 'records',
        }
        with (
            running('simulator', tmp_path, lockstep=lockstep),
            running('controller', tmp_path, **controller_parameters) as controller,
        ):
            controller.wait_for_log('enacting any_0')
            # Which of the two nodes this one has discovered by now is not known, nor how many
            # torques a busy machine has time for in a second.
            wait_until(lambda: states, 'a joint state')
            began_ns = cv.stamp_to_ns(states[-1].header.stamp)
            wait_until(
                lambda: (
                    cv.stamp_to_ns(states[-1].header.stamp) > began_ns + 1_000_000_000
                    and len(efforts) > 200
                ),
                'a second, and torques',
            )
            slower = Parameter('speed_scale', value=0.5).to_parameter_msg()
            request = SetParameters.Request(parameters=[slower])
            (said,) = probe.call(SetParameters, 'controller/set_parameters', request).results
            assert not said.successful and said.reason.startswith('record_dir is set')
            controller.send(signal.SIGINT)
            assert controller.end()[0] == 0
            assert 'run_0001.npz' in controller.log
    finally:
        probe.close()
        lock.close()
    arguments = [str(tmp_path / 'records' / 'run_0001.npz'), '--model-dir', str(weights)]
    if lockstep:
        finished = subprocess.run(
            [sys.executable, '-m', 'ebm_concept_ros.recording.replay', *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        printed = finished.stdout
    else:  # the same command, without the seconds in which it imports what is here
        with redirect_stdout(io.StringIO()) as out:
            assert main(arguments) == 0
        printed = out.getvalue()
    outcome = json.loads(printed)
    assert outcome['exact'] and outcome['same'] == outcome['decisions']
    # Far below the rates: a busy machine plans less often.
    assert outcome['torques'] > 200 and outcome['plans'] > 10
