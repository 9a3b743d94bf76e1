# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks picked up and put down at random by the Jaco's own hand, in lockstep, poses known.

    python -m benchmarks.pick_and_place --scenes 20 --moves 3 --json out/pick_and_place.json

Each scene is a table of blocks (boxes, cylinders, prisms; 3 to 6 cm, 20 to 200 g, friction 0.4 to
1.0), from which one after the other is carried to a random free place. A move succeeds if the block
stands within 5 mm of its place and no other was moved by a centimetre. The yaw of the hand is that
with the most room for its fingers; moves for which there is none are drawn again.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.reach.measures import wilson_interval
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.grasps import carried
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.pick_and_place import PickAndPlace
from ebm_concept_ros.grasping.random_table import free_place, radius_m, random_block_table
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.package_files import DEFAULT_ARM, WORKSPACE, arm_file, package_path
from ebm_concept_ros.workspace import load_workspace

WITHIN_M = 0.005
_MAX_DRAWS = 200


def standing(simulation: BlockSimulation) -> list[Standing]:
    """Return what stands where."""
    found = []
    for block in simulation.table.blocks:
        pose = simulation.block_pose(block.id)
        x, y = (float(value) for value in pose.position_m[:2])
        footprint = Footprint(block.shape, block.width_m, block.depth_m)
        found.append(Standing(block.id, footprint, (x, y), pose.yaw_rad))
    return found


def random_move(simulation: BlockSimulation, rng: np.random.Generator, gap_m: float) -> Move | None:
    """Return a move of any block to a free place, with the hand's best yaws, or None."""
    things = standing(simulation)
    for _ in range(_MAX_DRAWS):
        thing = things[int(rng.integers(len(things)))]
        others = [other for other in things if other is not thing]
        circles = [
            (*other.position_in_base_m, radius_m(simulation.table[other.id])) for other in others
        ]
        place = free_place(rng, radius_m(simulation.table[thing.id]), circles, gap_m)
        if place is None:
            continue
        best = carried(thing, np.array(place), others, simulation.hand.room)
        if best is not None:
            return Move(thing.id, place, best.pick_yaw_rad, best.place_yaw_rad)
    return None


def succeeded(outcome: Outcome) -> bool:
    """Tell whether a move counts."""
    return outcome.success and outcome.placing_error_m < WITHIN_M and not outcome.bystanders_moved


def run(
    scenes: Sequence[int], moves: int, blocks: int, gap_m: float, seed: int, replan_every: int
) -> Iterator[dict]:
    """Yield what came of each move."""
    arm = load_arm(arm_file(DEFAULT_ARM))
    hand = load_hand(package_path('', f'config/hands/{DEFAULT_ARM}.yaml'))
    workspace = load_workspace(package_path('', WORKSPACE))
    for scene in scenes:
        table = random_block_table([seed, scene], blocks, gap_m)
        simulation = BlockSimulation(arm, hand, workspace, table)
        mover = PickAndPlace(simulation, replan_every=replan_every)
        rng = np.random.default_rng([seed, scene, 1])
        for index in range(moves):
            move = random_move(simulation, rng, gap_m)
            if move is None:
                break
            began = time.process_time()
            outcome = mover.move(move)
            block = simulation.table[move.entity]
            yield {
                **asdict(outcome),
                **{'scene': scene, 'move': index, 'counts': succeeded(outcome)},
                **{'shape': block.shape, 'mass_kg': block.mass_kg, 'friction': block.friction},
                **{'bystanders_moved': list(outcome.bystanders_moved)},
                'processor_s': time.process_time() - began,
            }


def summary(rows: list[dict]) -> list[tuple[str, str]]:
    """Return what is measured, and what it is."""
    done = [row for row in rows if row['success']]
    good = sum(row['counts'] for row in rows)
    low, high = wilson_interval(good, len(rows))

    def quantiles(key: str, factor: float, digits: int) -> str:
        values = factor * np.array([row[key] for row in done])
        middle, late = np.percentile(values, [50, 95]) if len(values) else (math.nan, math.nan)
        return f'{middle:.{digits}f} / {late:.{digits}f}'

    lines = [
        ('moves', str(len(rows))),
        ('success (within 5 mm, nobody moved)', f'{good}/{len(rows)}'),
        ('95 % interval', f'{100 * low:.1f}-{100 * high:.1f} %'),
    ]
    for shape in ('box', 'cylinder', 'prism'):
        of_shape = [row['counts'] for row in rows if row['shape'] == shape]
        lines.append((f'of them {shape}', f'{sum(of_shape)}/{len(of_shape)}'))
    lines += [
        ('placing error mm, median / p95', quantiles('placing_error_m', 1e3, 1)),
        ('yaw error degrees, median / p95', quantiles('placing_error_rad', 180 / math.pi, 1)),
        ('time s, median / p95', quantiles('time_s', 1.0, 1)),
        ('slips', str(sum(row['slips'] for row in rows))),
        ('retries', str(sum(row['retries'] for row in rows))),
        (
            'moves with a bystander moved >= 1 cm',
            str(sum(bool(r['bystanders_moved']) for r in rows)),
        ),
    ]
    for key, name in (('effort', 'torque'), ('effort_rate', 'torque rate'), ('speed', 'speed')):
        peak = max(row[f'peak_{key}_share'] for row in rows)
        lines.append((f'peak {name}, of its limit', f'{100 * peak:.0f} %'))
    lines.append(('processor s a move', f'{np.median([row["processor_s"] for row in rows]):.1f}'))
    reasons = Counter(reason for row in rows for reason in _failures(row))
    lines += [(f'failed: {reason}', str(number)) for reason, number in reasons.most_common()]
    return lines


def _failures(row: dict) -> list[str]:
    if row['counts']:
        return []
    if row['reason']:
        return [row['reason']]
    return ['a bystander was moved' if row['bystanders_moved'] else 'more than 5 mm off']


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--scenes', type=int, default=20, help='tables')
    parser.add_argument('--first', type=int, default=0, help='number of the first table')
    parser.add_argument('--moves', type=int, default=3, help='one after the other on each')
    parser.add_argument('--blocks', type=int, default=5, help='on each')
    parser.add_argument('--gap', type=float, default=0.04, help='between circles around them, m')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--replan-every', type=int, default=4, help='torques a plan')
    parser.add_argument('--json', type=Path, help='where to write every number')
    given = parser.parse_args(arguments)
    rows = []
    scenes = range(given.first, given.first + given.scenes)
    for row in run(*(scenes, given.moves, given.blocks, given.gap, given.seed, given.replan_every)):
        rows.append(row)
        print(
            f'{row["scene"]:3d} {row["move"]} {row["shape"]:8s} '
            f'{"ok" if row["counts"] else "FAILED"} {1e3 * row["placing_error_m"]:.1f} mm '
            f'{row["time_s"]:.1f} s {"; ".join(row["troubles"])} {row["reason"]} '
            f'{" ".join(row["bystanders_moved"])}',
            flush=True,
        )
        if given.json:
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.write_text(json.dumps(rows, indent=1))
    for name, value in summary(rows):
        print(f'| {name} | {value} |')


if __name__ == '__main__':
    main()
