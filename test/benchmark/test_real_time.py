# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The benchmark in real time: what it reads of processes, how it judges torques, and one run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='the benchmark runs the nodes')

from domains import claim_domain
from reaching import shipped_arm, shipped_workspace
from waiting import wait_until

import benchmarks.real_time.__main__ as real_time
from benchmarks.real_time.processes import (
    busy_cores,
    machine_idle_s,
    nodes_of,
    processor_s,
    real_time_threads,
)
from benchmarks.real_time.torques import judge
from ebm_concept_ros.control.contact_reflex import HOLD
from ebm_concept_ros.control.control_law import ControllerInputs, Decision, Mode
from ebm_concept_ros.control.timing import TimingRecord
from ebm_concept_ros.recording.event_log import EventLog
from ebm_concept_ros.recording.record import Settings, fingerprint, load_record, save_record
from ebm_concept_ros.types import JointSample

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
PERIOD_S = 0.002


def record(tmp_path, torques, speed_share=0.5, mode=Mode.TRACKING, struck=()):
    """Return a record of torques (T, n) N·m, one each period; which are struck, by number."""
    log = EventLog(len(ARM.joints), 1000)
    for tick, effort_nm in enumerate(torques):
        velocities = speed_share * ARM.velocity_limits_rad_s
        sample = JointSample(2_000_000 * tick, ARM.home_rad, velocities)
        inputs = ControllerInputs(
            *(sample, 0.0, 'any', None), elapsed_s=PERIOD_S, is_struck=tick in struck
        )
        log.decision(inputs, log.state(sample), -1, -1, Decision(mode, '', np.array(effort_nm)))
    log.close()
    settings = Settings(
        arm=ARM,
        arm_sha256=fingerprint(ARM),
        workspace=WORKSPACE,
        planner='IlqgPlanner',
        planner_config={},
        model_sha256='f' * 64,
        seed=0,
        max_state_age_s=0.05,
        period_s=PERIOD_S,
        on_contact=HOLD,
    )
    save_record(tmp_path / 'run.npz', settings, log)
    return load_record(tmp_path / 'run.npz')


def test_torques_within_all_limits_are_right(tmp_path):
    step = 0.9 * PERIOD_S * ARM.effort_rate_limits_nm_s
    verdict = judge(record(tmp_path, [0.0 * step, step, 0.5 * step]), replayed=False)
    assert verdict.is_right and verdict.torques == 3 and verdict.held == 0
    assert verdict.rate_share == pytest.approx(0.9) and verdict.speed_share == pytest.approx(0.5)


@pytest.mark.parametrize(
    ('share_of_step', 'changes'),
    [
        pytest.param(1.1, {}, id='too fast a change'),
        pytest.param(0.5, {'speed_share': 1.01}, id='too fast an arm'),
        pytest.param(0.5, {'struck': (1,)}, id='a blow'),
    ],
)
def test_what_is_beyond_a_limit_is_not_right(tmp_path, share_of_step, changes):
    step = share_of_step * PERIOD_S * ARM.effort_rate_limits_nm_s
    assert not judge(record(tmp_path, [0.0 * step, step], **changes), replayed=False).is_right


def test_a_torque_beyond_the_motors_or_half_a_number_is_not_right(tmp_path):
    too_much = 1.01 * ARM.effort_limits_nm
    assert not judge(record(tmp_path, [too_much, too_much]), replayed=False).is_right
    spoiled = 0.0 * too_much
    spoiled[0] = np.nan
    assert judge(record(tmp_path, [0.0 * too_much, spoiled]), replayed=False).not_finite == 1


def test_a_load_uses_the_processor_and_ends(tmp_path):
    before = children()
    with busy_cores(2):
        ours = children() - before
        assert len(ours) == 2
        wait_until(lambda: all(processor_s(child) > 0.05 for child in ours), 'work')
        assert not any(map(real_time_threads, ours))
    assert children() == before
    assert all(processor_s(child) == 0.0 for child in ours)
    assert machine_idle_s() > 0.0


def children():
    tasks = Path(f'/proc/{os.getpid()}/task').glob('*/children')
    return {int(child) for task in tasks for child in task.read_text().split()}


def test_nodes_are_found_by_their_names():
    sleeping = [sys.executable, '-c', 'import time; time.sleep(600)', '--ros-args']
    node = subprocess.Popen([*sleeping, '-r', '__node:=controller'])
    other = subprocess.Popen(sleeping)
    try:
        wait_until(lambda: 'controller' in nodes_of(os.getpid()), 'the node')
        assert nodes_of(os.getpid()) == {'controller': node.pid}
    finally:
        for process in (node, other):
            process.kill()
            process.wait()


def test_a_row_is_of_its_own_time():
    due = 5.0 + PERIOD_S * np.arange(2000)
    late = np.where(due < 7.0, 0.001, 0.003)
    timing = TimingRecord(
        np.stack([due, due + late], 1)[np.arange(2000) != 1500],
        np.stack([due[::2], due[::2] + 0.0004], 1),
    )
    phase = real_time.Phase(
        *(True, 2, 1, 7.0, 9.0), {'controller': 0.3, 'simulator': 0.12, 'referee': 0.05}, 0.1
    )
    text, numbers = real_time.line(phase, timing, PERIOD_S)
    assert numbers['lateness_s_p50'] == pytest.approx(0.003)
    assert numbers['replan_rate_hz'] == pytest.approx(250.0)
    assert numbers['missed_share'] == pytest.approx(1 / 1000, rel=0.01)
    for word in ('moves', '2 busy', 'SCHED_FIFO', '3.00 / 3.00 / 3.00', '30 %', 'referee 5.0 %'):
        assert word in text


def test_the_nodes_are_run_and_every_torque_is_right(tmp_path, monkeypatch, capsys):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.setattr(real_time, '_SETTLES_S', 0.2)
    path = tmp_path / 'x.json'
    options = ['--seconds', '1', '--busy', '0', '--rate', '250', '--plan-rate', '50']
    real_time.main([*options, '--out-dir', str(tmp_path), '--json', str(path)])
    lock.close()
    stands, moves, verdict = json.loads(path.read_text())['rows']
    assert (stands['moving'], moves['moving']) == (False, True)
    for row in (stands, moves):
        assert row['shares']['controller'] > 0.0 and row['torque_rate_hz'] > 0.0
        assert set(row['shares']) >= {'controller', 'simulator', 'referee', 'concept_learner'}
    # How late torques come, and so how fast the arm gets, is the machine's affair.
    assert verdict['torques'] > 0 and verdict['repeated'] == verdict['torques']
    assert verdict['not_finite'] == 0
    assert verdict['moving_share'] > 0.0
    assert verdict['effort_share'] <= 1.0 and verdict['rate_share'] <= 1.0 + 1e-9
    assert '| moves |' in capsys.readouterr().out
