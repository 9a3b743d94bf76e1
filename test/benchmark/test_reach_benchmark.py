# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The reach benchmark: its tasks, its perturbations, its numbers."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='the benchmark converts scenes as the nodes do')

from pathlib import Path

from reaching import field_around, midpoint_m, shipped_arm, shipped_workspace

import benchmarks.reach.tasks as tasks
from benchmarks.intervals import wilson_interval
from benchmarks.reach import outside, real_time
from benchmarks.reach.__main__ import main
from benchmarks.reach.lockstep import TIMESTEP_S, Run, touches
from benchmarks.reach.measures import measure, summarise
from benchmarks.reach.perturbations import FRICTION_SHARE, PERTURBATIONS, Perturbation, Sensor
from benchmarks.reach.series import Bench, Conditions
from benchmarks.reach.surroundings import MovingReference
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.control.contact_reflex import HOLD, ContactReflex
from ebm_concept_ros.control.timing import TimingRecord
from ebm_concept_ros.planning.planners import PLANNERS, make_planner
from ebm_concept_ros.recording.event_log import EventLog
from ebm_concept_ros.recording.record import Settings, fingerprint, save_record
from ebm_concept_ros.types import JointSample
from ebm_core.concepts import get_concept, spatial_concept_names

ROOT = Path(__file__).parents[2]
ARM, WORKSPACE = shipped_arm(), shipped_workspace()
HOME_M = np.array([0.3, 0.0])


@pytest.fixture(scope='module')
def bench():
    return Bench(
        ROOT / 'models/placement', ROOT / 'config/arms/jaco.yaml', ROOT / 'config/workspace.yaml'
    )


def simulation_of(seed, concept='between', entities=None, timestep_s=TIMESTEP_S):
    _, table = tasks.pose(concept, seed, WORKSPACE, entities)
    return ArmSimulation(ARM, WORKSPACE, table, timestep_s)


def test_a_reach_succeeds_and_repeats_itself(bench):
    run, again = (bench.reach(Conditions(field='oracle'), 15) for _ in range(2))
    assert run['success'] and run['identified']
    assert run['goal_error_m'] < 0.006
    assert 0.0 < run['reach_time_s'] < 1.5
    assert 0.1 < run['peak_speed_share'] <= 1.0 and run['velocity_limit_share'] == 0.0
    assert 0.1 < run['peak_effort_rate_share'] <= 1.0 + 1e-9
    assert run['plan_failures'] == 0 and run['untracked_share'] == 0.0
    clock = ('plan_times_s', 'target_time_s', 'wall_s')
    assert {k: v for k, v in run.items() if k not in clock} == {
        k: v for k, v in again.items() if k not in clock
    }


def test_an_energy_that_leads_elsewhere_is_a_failure(bench, monkeypatch):
    """The judge goes by the concept, not by what the arm descends."""
    monkeypatch.setattr('benchmarks.reach.lockstep.TIMEOUT_S', 1.5)
    infer = bench.codes
    monkeypatch.setattr(bench, 'codes', lambda _, seed, __: infer(get_concept('south'), seed))
    run = bench.reach(Conditions('north'), 15)
    assert not run['success'] and run['reach_time_s'] is None
    assert run['goal_error_m'] == pytest.approx(0.6 * WORKSPACE.metres_per_unit, abs=0.01)
    assert run['minimum_error_m'] < 0.006


@pytest.mark.parametrize('name', spatial_concept_names())
def test_the_oracle_brings_about_every_spatial_concept(bench, name, monkeypatch):
    """None of them is out of the arm's reach, or judged by what it does not ask for."""
    monkeypatch.setattr('benchmarks.reach.lockstep.SETTLE_S', 0.0)
    run = bench.reach(Conditions(name, field='oracle'), 4)
    assert run['success'] and run['reach_time_s'] < 1.5
    if name in ('closest', 'farthest'):
        assert run['goal_error_m'] is None
    else:
        assert run['goal_error_m'] < 0.01


def test_a_moving_entity_is_followed(bench, monkeypatch):
    monkeypatch.setattr('benchmarks.reach.series.FOLLOWED_S', 0.4)
    monkeypatch.setattr('benchmarks.reach.lockstep.SETTLE_S', 0.0)
    moving = Conditions(concept='north', moving_m_s=0.1, field='oracle')
    run = bench.reach(moving, 2)
    assert run['success'] and run['reach_time_s'] < 3.0
    assert 0.0 < run['goal_error_m'] < 0.03


def test_a_moving_entity_moves_at_its_speed_and_stays_on_the_table(bench):
    timestep_s = 4 * TIMESTEP_S  # the arm is not judged here
    simulation = simulation_of(1, 'north', timestep_s=timestep_s)
    task = tasks.make_task([get_concept('north')], simulation)
    moving = MovingReference(task, lambda task: task, 0.1, timestep_s, seed=1)
    places, seen = [], []
    for _ in range(1250):
        now, target = moving.update(simulation)
        places.append(simulation.entity_positions_in_base_m()[0])
        seen.append(now.goal.distance_m(target.goal.place_m(HOME_M)))
        simulation.step()
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    np.testing.assert_allclose(steps, 0.1 * timestep_s, rtol=1e-6)
    assert np.abs(WORKSPACE.to_plane(places)).max() < 0.9
    # What the controller knows is 50 to 90 ms old.
    assert 0.0045 < np.mean(seen[25:]) < 0.0095


def test_the_task_of_a_seed_is_the_simulators():
    simulation = simulation_of(7)
    scene = random_table_scene(7, 2, 'blue', WORKSPACE)
    assert simulation.table_scene == scene
    goal = tasks.make_task([get_concept('between')], simulation).goal
    np.testing.assert_allclose(goal.place_m(HOME_M), midpoint_m(scene), atol=1e-6)
    assert goal.attention.sum() == 3 and goal.attention[-1] == 1
    assert goal.distance_m(midpoint_m(scene) + np.array([0.0, 0.03])) == pytest.approx(0.03)


def test_a_region_is_elsewhere_in_every_scene():
    drawn = [tasks.pose('horizontal_line', seed, WORKSPACE, None)[0] for seed in range(5)]
    assert len(set(drawn)) == 5
    assert tasks.pose('horizontal_line', 3, WORKSPACE, None)[0] == drawn[3]


def test_what_refers_to_nothing_cannot_be_followed(bench):
    with pytest.raises(ValueError, match='circle refers to nothing'):
        bench.reach(Conditions('circle', moving_m_s=0.1), 1)


@pytest.mark.parametrize('entities', [10, 100])
def test_a_crowded_table_is_full_and_repeats_itself(entities):
    simulation = simulation_of(3, entities=entities)
    assert simulation.table_scene == simulation_of(3, entities=entities).table_scene
    assert simulation.table_scene != simulation_of(4, entities=entities).table_scene
    task = tasks.make_task([get_concept('between')], simulation)
    assert len(task.named.ids) == entities
    assert task.goal.attention.sum() == 3


def test_poles_on_the_straight_way_are_gone_around_and_struck_by_who_is_not_told(
    bench, monkeypatch
):
    aware = Conditions(concept='north', obstacles=1)
    simulation, task = bench.scene(aware, 1)
    pole = simulation.table_scene.entities[-1]
    start_m, place_m = simulation.effector_in_base_m[:2], np.array(pole.position_in_base_m)
    way_m, there_m = task.goal.place_m(start_m) - start_m, place_m - start_m
    assert abs(way_m[0] * there_m[1] - way_m[1] * there_m[0]) < 1e-3 * np.linalg.norm(way_m)
    assert pole.height_m > WORKSPACE.hover_height_m + 0.05

    run = bench.reach(aware, 1)
    assert run['success'] and run['contacts'] == 0 and run['touched_share'] == 0.0
    assert run['goal_error_m'] < 0.01 and run['velocity_limit_share'] == 0.0

    run = bench.reach(dataclasses.replace(aware, avoid=False), 1)
    assert run['contacts'] > 0 and not run['success'] and not run['false_alarm']
    assert 0.0 < run['noticed_after_s'] <= 0.05
    assert run['struck_peak_speed_share'] <= 1.0


def test_more_entities_than_find_room_are_refused():
    with pytest.raises(ValueError, match='2000 find no room'):
        tasks.crowded_table(1, 2, 1999, WORKSPACE)


def test_each_perturbation_reaches_the_simulation_or_the_planner():
    planner, reflex = make_planner('ilqg', ARM, WORKSPACE), ContactReflex(ARM, HOLD, 0.05)
    with_friction_nm = reflex.threshold_nm
    simulation, plain = simulation_of(1), simulation_of(1)
    PERTURBATIONS['none'].apply(simulation, planner, reflex)
    np.testing.assert_array_equal(simulation.data.qfrc_bias, plain.data.qfrc_bias)
    PERTURBATIONS['mass'].apply(simulation, planner, reflex)
    np.testing.assert_allclose(simulation.data.qfrc_bias, 1.2 * plain.data.qfrc_bias, rtol=1e-6)
    assert planner.model.friction_nm.min() > 0
    np.testing.assert_array_equal(reflex.threshold_nm, with_friction_nm)
    friction_nm = planner.model.friction_nm.copy()
    PERTURBATIONS['friction'].apply(simulation, planner, reflex)
    assert (planner.model.friction_nm == 0).all()
    np.testing.assert_allclose(reflex.threshold_nm, with_friction_nm - friction_nm)
    np.testing.assert_array_equal(simulation.model.dof_frictionloss, friction_nm)
    # An arm whose file knows no friction gets some.
    iiwa = shipped_arm('iiwa7')
    simulation = ArmSimulation(iiwa, WORKSPACE, simulation.table_scene, TIMESTEP_S)
    PERTURBATIONS['friction'].apply(simulation, make_planner('ilqg', iiwa, WORKSPACE), None)
    np.testing.assert_allclose(
        simulation.model.dof_frictionloss, FRICTION_SHARE * iiwa.effort_limits_nm
    )


def test_a_late_sensor_is_late_and_a_noisy_one_noisy():
    late, noisy = simulation_of(1), simulation_of(1)
    sensor = Sensor(PERTURBATIONS['delay'], TIMESTEP_S, seed=1)
    stamps = []
    for _ in range(20):
        stamps.append(sensor.read(late).stamp_ns / 1e9)
        late.step()
    assert stamps[0] == stamps[10] == 0.0
    assert stamps[19] == pytest.approx(9 * TIMESTEP_S)

    sensor = Sensor(PERTURBATIONS['noise'], TIMESTEP_S, seed=1)
    samples = [sensor.read(noisy) for _ in range(300)]
    positions = np.array([s.positions_rad for s in samples]) - noisy.joint_positions_rad
    velocities = np.array([s.velocities_rad_s for s in samples])
    assert positions.std() == pytest.approx(1e-3, rel=0.1)
    assert velocities.std() == pytest.approx(0.02, rel=0.1)


def test_an_arm_on_the_table_touches_it():
    simulation = simulation_of(1)
    assert not touches(simulation)
    simulation.data.qpos[1:3] += [-0.9, 0.0]
    for _ in range(3):
        simulation.step()
    assert simulation.effector_in_base_m[2] < 0.05
    assert touches(simulation)


def test_wilsons_interval():
    """Its ends solve (share - p)² = z² p (1 - p) / n."""
    assert wilson_interval(10, 10) == pytest.approx((10 / (10 + 1.96**2), 1.0), abs=1e-4)
    for end in wilson_interval(8, 10):
        assert (0.8 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 10)
    assert wilson_interval(0, 5)[0] == 0.0


def test_the_measures_of_a_known_run():
    ticks = 500
    velocities = np.zeros((ticks, 6))
    velocities[:50, 3] = 2 * 0.837
    efforts = np.zeros((ticks, 6))
    efforts[1::2, 0] = 0.1  # 0.1 N·m up or down each tick
    to_goal = np.full(ticks, 0.1)
    to_goal[-125:] = 0.005
    run = Run(
        reach_time_s=0.25,
        positions_rad=np.tile(ARM.home_rad, (ticks, 1)),
        velocities_rad_s=velocities,
        efforts_nm=efforts,
        to_goal_m=to_goal,
        to_minimum_m=0.8 * to_goal,
        tracked=np.ones(ticks, bool),
        touched=np.zeros(ticks, bool),
        plan_times_s=np.array([0.001, 0.002, 0.003]),
        noticed_at_s=None,
        undisturbed_share=0.3,
        plan_failures=0,
        wall_s=1.0,
    )
    ranges = np.tile((-10.0, 10.0), (6, 1))
    ranges[2] = (-10.0, ARM.home_rad[2])
    out = measure(run, ARM, ranges, TIMESTEP_S)
    assert out['goal_error_m'] == pytest.approx(0.005)
    assert out['minimum_error_m'] == pytest.approx(0.004)
    assert out['velocity_limit_share'] == pytest.approx(0.1)
    assert out['peak_speed_share'] == pytest.approx(2.0)
    assert out['joint_limit_share'] == 1.0
    assert out['touched_share'] == out['untracked_share'] == 0.0
    assert out['undisturbed_share'] == 0.3
    assert out['noticed_after_s'] is out['struck_peak_speed_share'] is None
    assert out['torque_variation_nm_per_s'] == pytest.approx(50.0)
    assert not out['within_limits'] and not out['success'], 'at twice the speed that is allowed'
    slower = measure(dataclasses.replace(run, velocities_rad_s=velocities / 2), ARM, ranges, 0.002)
    assert slower['within_limits'] and slower['success']
    assert slower['peak_effort_rate_share'] == pytest.approx(0.05)
    for touched_from_s, noticed_at_s, false_alarm, after_s in (
        *((0.02, None, False, None), (0.02, 0.024, False, 0.004)),
        *((0.02, 0.01, True, None), (None, 0.01, True, None)),
    ):
        changed = dataclasses.replace(
            run,
            velocities_rad_s=velocities / 2,
            noticed_at_s=noticed_at_s,
            touched=TIMESTEP_S * np.arange(ticks) >= (touched_from_s or np.inf),
        )
        struck = measure(changed, ARM, ranges, TIMESTEP_S)
        assert not struck['success'], 'it struck something, or thought so'
        assert (struck['false_alarm'], struck['noticed_after_s']) == (false_alarm, after_s)
        assert struck['struck_peak_speed_share'] == (1.0 if touched_from_s else None)
    jerky = dataclasses.replace(run, velocities_rad_s=velocities / 2, efforts_nm=21 * efforts)
    jumps = measure(jerky, ARM, ranges, TIMESTEP_S)
    assert jumps['peak_effort_rate_share'] == pytest.approx(1.05) and not jumps['success']
    further = measure(
        dataclasses.replace(
            run, positions_rad=run.positions_rad + 0.03, velocities_rad_s=velocities / 2
        ),
        ARM,
        ranges,
        TIMESTEP_S,
    )
    assert not further['success'], 'beyond the range of a joint'
    succeeded = {**out, 'success': True}
    summary = summarise([succeeded, {**out, 'reach_time_s': None}])
    assert summary['success'] == 0.5 and summary['reach_time_s_median'] == 0.25
    assert summary['plan_time_s_median'] == 0.002
    assert summary['joint_limit_scenes'] == summary['velocity_limit_scenes'] == 2
    touched = {**out, 'touched_share': 0.01, 'noticed_after_s': 0.004}
    summary = summarise([out, touched, {**touched, 'noticed_after_s': 0.02}])
    assert (summary['touched_scenes'], summary['noticed'], summary['false_alarms']) == (2, 2, 0)
    assert summary['noticed_after_s'] == 0.02, 'the latest'
    without_goal = dataclasses.replace(run, to_goal_m=None)
    assert measure(without_goal, ARM, ranges, TIMESTEP_S)['goal_error_m'] is None


def test_the_command_prints_a_table_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = tmp_path / 'out' / 'reach.json'
    assert main(['--scenes', '1', '--first-seed', '17', '--oracle', '--json', str(path)]) == 0
    report = json.loads(path.read_text())
    assert [row['field'] for row in report['rows']] == ['learned', 'oracle']
    assert report['rows'][0]['runs'][0]['seed'] == 17
    table = capsys.readouterr().out
    assert table.count('1/1') == 2 and 'plan ms' in table


def known_run(tmp_path, monkeypatch):
    """Stand in for the launch file by a command that leaves the record of a known run."""
    arm, n = ARM, len(ARM.joints)
    planner = make_planner('ilqg', arm, WORKSPACE)
    settings = Settings(
        arm=arm,
        arm_sha256=fingerprint(arm),
        workspace=WORKSPACE,
        planner='IlqgPlanner',
        planner_config=planner.config.model_dump(mode='json'),
        model_sha256='f' * 64,
        seed=0,
        max_state_age_s=0.05,
        period_s=0.002,
        on_contact=HOLD,
    )
    log = EventLog(n, 1000)
    for tick in range(100):
        log.state(JointSample(2_000_000 * tick, arm.home_rad, 0.5 * arm.velocity_limits_rad_s))
    log.close()
    due = 7.0 + 0.002 * np.arange(1, 100)
    timing = TimingRecord(
        np.stack([due, due + 0.0007], 1)[np.arange(99) != 40],
        np.array([[7.0, 7.003], [7.008, 7.011], [7.016, 7.021]]),
    )
    save_record(tmp_path / 'known.npz', settings, log, timing)
    ros2 = tmp_path / 'ros2'
    ros2.write_text(
        f'#!/bin/sh\necho "$@" > "{tmp_path}/arguments"\n'
        f'for a; do case $a in record_dir:=*) mkdir -p "${{a#*=}}"; '
        f'cp "{tmp_path}/known.npz" "${{a#*=}}/run_0001.npz";; esac; done\n'
        'echo \'{"success": true, "reach_time_s": 0.5, "distance_m": 0.001}\'\n'
    )
    ros2.chmod(0o755)
    monkeypatch.setattr(real_time.shutil, 'which', lambda name: str(ros2))
    monkeypatch.chdir(ROOT)


def test_in_real_time_it_tells_what_the_controller_noted(tmp_path, capsys, monkeypatch):
    known_run(tmp_path, monkeypatch)
    path = tmp_path / 'reach.json'
    out = ['--out-dir', str(tmp_path / 'out'), '--json', str(path)]
    planner = ['--planner', 'trajectory_energy']
    assert main(['--real-time', '--scenes', '2', *planner, *out]) == 0
    assert 'planner:=trajectory_energy' in (tmp_path / 'arguments').read_text()
    row = json.loads(path.read_text())['rows'][0]
    assert row['planner'] == 'trajectory_energy'
    assert row['recorded'] == 2 and row['missed_deadlines'] == 2
    assert row['replan_rate_hz'] == pytest.approx(125.0)
    assert row['lateness_s_p99'] == pytest.approx(0.0007)
    assert row['plan_time_s_median'] == pytest.approx(0.003)
    assert row['peak_speed_share'] == pytest.approx(0.5) and row['velocity_limit_scenes'] == 0
    assert row['runs'][0]['lateness_s_max'] == pytest.approx(0.0007)
    table = capsys.readouterr().out
    for name in ('replan Hz', 'late ms', 'missed', '125.0', '0.70 / 0.70 / 0.70'):
        assert name in table


def test_times_of_a_long_hold_are_of_the_hold_alone(tmp_path, monkeypatch):
    known_run(tmp_path, monkeypatch)
    monkeypatch.setattr(real_time, 'HOLD_S', 0.05)
    files = ('models/concepts', 'config/arms/jaco.yaml', 'config/workspace.yaml')
    paths = (tmp_path / 'out', *map(Path, files))
    paths[0].mkdir()
    run, timing = real_time.launch(1, 'between', *paths, hold_s=0.099, planner='ilqg')
    assert len(timing.torques) == 50 and len(timing.plans) == 0
    assert run['missed_deadlines'] == 0 and run['replan_rate_hz'] is None
    asked = (tmp_path / 'arguments').read_text()
    assert 'hold_s:=0.099' in asked and 'timeout_s:=20.099' in asked


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['--planner', 'ilqr'], list(PLANNERS)),
        (['--concepts', 'beyond'], list(spatial_concept_names())),
        (['--perturb', 'wind'], list(PERTURBATIONS)),
        (['--scenes', '0'], ['--scenes 0']),
        (['--real-time', '--oracle'], ['--oracle']),
        (['--real-time', '--planner', 'ilqg', 'judo_mppi'], ['--planner pytorch_mppi judo_mppi,']),
        (['--hold', '5'], ['--real-time']),
        (['--real-time', '--hold', '61'], ['--hold 61', '60']),
        (['--real-time', '--hold', 'nan'], ['--hold nan']),
        (['--compose', 'between', 'beyond'], ['between', 'north']),
        (['--moving', '0.1', '--appearing'], ['one at a time']),
        (['--reweigh'], ['--compose']),
        (['--entities', '10', '--compose', 'north', 'east'], ['--entities']),
        (['--obstacles', '-1'], ['--obstacles -1']),
        (['--no-avoidance'], ['--obstacles']),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(arguments, named, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    message = capsys.readouterr().err
    assert all(name in message for name in named)


@pytest.mark.parametrize('name', outside.OUTSIDE)
def test_a_planner_from_outside_is_named_where_it_is_missing(name, capsys, monkeypatch):
    monkeypatch.setattr(outside.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit):
        main(['--planner', name])
    assert outside.OUTSIDE[name].install in capsys.readouterr().err


@pytest.mark.parametrize('name', outside.OUTSIDE)
def test_a_planner_from_outside_reaches(name, bench):
    pytest.importorskip(outside.OUTSIDE[name].module, reason='an optional baseline')
    planner = outside.planner_of(name, ARM, WORKSPACE)
    plans = [
        planner.plan(1.0, ARM.home_rad, np.zeros(6), field_around(np.array([0.3, 0.4])))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(plans[0].efforts, plans[1].efforts)
    assert bench.reach(Conditions(field='oracle', planner=name), 15)['success']


def test_no_perturbation_is_the_default():
    assert PERTURBATIONS['none'] == Perturbation()
