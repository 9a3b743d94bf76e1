"""The launch file, scene after scene, as a user would run it: how often and how fast it succeeds.

    python -m benchmarks.reach --seeds 1 20 --concept between --json out/reach.json

In real time unless --lockstep: then everything else on the machine counts too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 300.0


def reach(seed: int, concept: str, lockstep: bool, out_dir: Path) -> dict:
    """Run the launch file once, and return its result."""
    ros2 = shutil.which('ros2')
    if ros2 is None:
        sys.exit('no ros2 on the path; source scripts/environment.sh first')
    finished = subprocess.run(
        [
            *(ros2, 'launch', 'ebm_concept_ros', 'reach_between.launch.py'),
            *(f'scene_seed:={seed}', f'concept:={concept}'),
            *(f'lockstep:={str(lockstep).lower()}', f'out_dir:={out_dir}'),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    (out_dir / f'{concept}_{seed}.log').write_text(finished.stdout + finished.stderr)
    result = json.loads(finished.stdout.splitlines()[-1])
    return {**result, 'status': finished.returncode}


def main() -> int:
    """Run the scenes, and print a line for each and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seeds', type=int, nargs=2, default=(1, 20), metavar=('FIRST', 'LAST'))
    parser.add_argument('--concept', default='between')
    parser.add_argument('--lockstep', action='store_true', help='simulated time waits')
    parser.add_argument('--out-dir', type=Path, default=Path('out/reach'))
    parser.add_argument('--json', type=Path)
    args = parser.parse_args()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    results = []
    print('seed  success  distance mm  reach s')
    for seed in range(args.seeds[0], args.seeds[1] + 1):
        r = reach(seed, args.concept, args.lockstep, args.out_dir)
        results.append(r)
        distance = 'none' if r['distance_m'] is None else f'{1e3 * r["distance_m"]:.1f}'
        print(f'{seed:4}  {r["success"]!s:7}  {distance:>11}  {r["reach_time_s"]}', flush=True)
    good = [r for r in results if r['success'] and r['status'] == 0]
    summary = {
        'concept': args.concept,
        'lockstep': args.lockstep,
        'successes': len(good),
        'scenes': len(results),
    }
    if good:
        summary['median_distance_m'] = statistics.median(r['distance_m'] for r in good)
        summary['largest_distance_m'] = max(r['distance_m'] for r in good)
        summary['median_reach_time_s'] = statistics.median(r['reach_time_s'] for r in good)
    print(json.dumps(summary))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({**summary, 'runs': results}, indent=2) + '\n')
    return 0 if len(good) == len(results) else 1


if __name__ == '__main__':
    sys.exit(main())
