"""The launch file, scene after scene, as a user would run it: everything on the machine counts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.reach.measures import summarise

TIMEOUT_S = 300.0


def run_scenes(concept: str, seeds: range, out_dir: Path) -> dict:
    """Launch every scene, print a line for each, and return a row as `Bench.series` does."""
    out_dir.mkdir(parents=True, exist_ok=True)
    runs = []
    print('seed  success  distance mm  reach s')
    for seed in seeds:
        run = launch(seed, concept, out_dir)
        runs.append(run)
        error = run['goal_error_m']
        distance = 'none' if error is None else f'{1e3 * error:.1f}'
        print(f'{seed:4}  {run["success"]!s:7}  {distance:>11}  {run["reach_time_s"]}', flush=True)
    row = {
        'concept': concept,
        'field': 'learned',
        'planner': 'ilqg',
        'perturbation': 'real time',
        'entities': None,
        'moving_m_s': 0.0,
    }
    return {**row, **summarise(runs), 'runs': runs}


def launch(seed: int, concept: str, out_dir: Path) -> dict:
    """Run the launch file once; the error to the goal is the referee's, at the end of the hold."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        sys.exit('no ros2 on the path; source scripts/environment.sh first')
    finished = subprocess.run(
        [
            *(ros2, 'launch', 'ebm_concept_ros', 'reach_between.launch.py'),
            *(f'scene_seed:={seed}', f'concept:={concept}', f'out_dir:={out_dir}'),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    (out_dir / f'{concept}_{seed}.log').write_text(finished.stdout + finished.stderr)
    result = json.loads(finished.stdout.splitlines()[-1])
    return {
        'seed': seed,
        'success': bool(result['success'] and finished.returncode == 0),
        'reach_time_s': result['reach_time_s'],
        'goal_error_m': result['distance_m'],
    }
