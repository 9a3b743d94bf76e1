# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch file, scene after scene, as a user would run it: everything on the machine counts.

Success, time and distance are the referee's, who says in the log what it was too late to see. The
controller leaves a record of every run: when each torque was due and when it went out, and when
each plan was begun and ready. Where the arm is to hold for longer than the launch file asks, the
times are those of the hold: while it reaches, the other nodes still load.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.reach.measures import motion, summarise
from ebm_concept_ros.control.timing import TimingRecord, timing_numbers
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.recording.record import Record, RecordError, load_record

TIMEOUT_S = 300.0
# Of the run alone, less than that, with its start and end: a simulation may be slower than time.
WALL_S = 240.0
# What the launch file asks of a success.
HOLD_S = 0.5
# Simulated time to reach in, as the launch file has it.
REACH_S = 20.0
# The longest that it takes; the controller records as much.
MAX_HOLD_S = 60.0
# Of the launch file as it comes.
CONTROL_PERIOD_S = 0.002

_HEAD = 'seed  success  distance mm  reach s  replan Hz  late p99 ms  missed'


def run_scenes(
    concept: str,
    seeds: range,
    out_dir: Path,
    model: Path,
    arm: Path,
    workspace: Path,
    hold_s: float,
    planner: str,
) -> dict:
    """Launch every scene, print a line for each, and return a row as `Bench.series` does.

    The rates, latenesses and plan times of the row are of all scenes taken together.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    runs, timings = [], []
    print(_HEAD)
    for seed in seeds:
        run, timing = launch(seed, concept, out_dir, model, arm, workspace, hold_s, planner)
        runs.append(run)
        timings += [] if timing is None else [timing]
        print(_line(run), flush=True)
    row = {
        'concept': concept,
        'field': 'learned',
        'planner': planner,
        'perturbation': 'real time',
        'entities': None,
        'moving_m_s': 0.0,
    }
    return {
        **row,
        **summarise(runs),
        **timing_numbers(timings, CONTROL_PERIOD_S),
        'recorded': len(timings),
        'runs': runs,
    }


def launch(
    seed: int,
    concept: str,
    out_dir: Path,
    model: Path,
    arm: Path,
    workspace: Path,
    hold_s: float,
    planner: str,
) -> tuple[dict, TimingRecord | None]:
    """Run the launch file once; return its numbers, and its times where it left a record.

    The error to the goal is the referee's, at the end of the hold.
    """
    ros2 = shutil.which('ros2')
    if ros2 is None:
        sys.exit('no ros2 on the path; source scripts/environment.sh first')
    name = f'{concept}_{planner}_{seed}'
    records = out_dir / f'{name}_record'
    shutil.rmtree(records, ignore_errors=True)  # of an earlier benchmark
    finished = subprocess.run(
        [
            *(ros2, 'launch', 'ebm_concept_ros', 'reach_between.launch.py'),
            *(f'scene_seed:={seed}', f'concept:={concept}', f'out_dir:={out_dir}'),
            *(f'model_dir:={model}', f'arm:={arm}', f'workspace_config:={workspace}'),
            *(
                f'planner:={planner}',
                f'hold_s:={hold_s}',
                f'timeout_s:={REACH_S + hold_s}',
                f'wall_timeout_s:={WALL_S}',
            ),
            # Drawing takes the machine from the controller, which goes on until it is drawn.
            *(f'record_dir:={records}', 'render:=false'),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    (out_dir / f'{name}.log').write_text(finished.stdout + finished.stderr)
    if not finished.stdout.strip():
        sys.exit(f'the launch printed nothing:\n{finished.stderr}')
    result = json.loads(finished.stdout.splitlines()[-1])
    run = {
        'seed': seed,
        'success': bool(result['success'] and finished.returncode == 0),
        'reach_time_s': result['reach_time_s'],
        'goal_error_m': result['distance_m'],
    }
    try:
        record = load_record(records / 'run_0001.npz')
    except RecordError as error:
        print(f'no timing of seed {seed}: {error}', flush=True)
        return run, None
    timing = record.timing
    if hold_s > HOLD_S and len(timing.torques):
        timing = timing.since(timing.torques[-1, 0] - hold_s)
    run |= recorded_numbers(record, timing)
    run['success'] = run['success'] and run.get('within_limits', True)
    return run, timing


def recorded_numbers(record: Record, timing: TimingRecord) -> dict:
    """Return the numbers of the controller's record of one run, those of times from `timing`."""
    arm = record.header.settings.arm
    positions_rad, velocities_rad_s = np.split(record.arrays['states'], 2, axis=1)
    efforts_nm = record.arrays['efforts_nm']
    numbers = {'plan_times_s': np.diff(timing.plans)[:, 0].round(6).tolist()}
    if len(positions_rad):
        numbers |= motion(
            positions_rad,
            velocities_rad_s,
            efforts_nm[~np.isnan(efforts_nm).any(1)],
            arm,
            PlanModel(arm, CONTROL_PERIOD_S).joint_ranges_rad,
            CONTROL_PERIOD_S,
        )
    return numbers | timing_numbers([timing], CONTROL_PERIOD_S)


def _line(run: dict) -> str:
    def number(key: str, factor: float, digits: int) -> str:
        value = run.get(key)
        return 'none' if value is None else f'{factor * value:.{digits}f}'

    return (
        f'{run["seed"]:4}  {run["success"]!s:7}  {number("goal_error_m", 1e3, 1):>11}  '
        f'{number("reach_time_s", 1.0, 2):>7}  {number("replan_rate_hz", 1.0, 1):>9}  '
        f'{number("lateness_s_p99", 1e3, 2):>11}  {number("missed_deadlines", 1.0, 0):>6}'
    )
