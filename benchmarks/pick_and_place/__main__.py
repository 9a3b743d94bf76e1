# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks picked up and put down at random by an arm's own hand, in lockstep, poses known.

    python -m benchmarks.pick_and_place --scenes 20 --moves 3 --json out/pick_and_place.json
    python -m benchmarks.pick_and_place --arm panda --scenes 67 --moves 3
    MUJOCO_GL=egl python -m benchmarks.pick_and_place --scenes 1 --picture out/pick_and_place.png

Each scene is a table of blocks (boxes, cylinders, prisms; 3 to 6 cm, 20 to 200 g, friction 0.4 to
1.0), from which one after the other is carried to a random free place. A move succeeds if the block
stands within 5 mm of its place and no other was moved by a centimetre. The yaw of the hand is that
with the most room for its fingers; moves for which there is none are drawn again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pick_and_place.moves import Conditions, run
from benchmarks.pick_and_place.pictures import PhasePictures
from benchmarks.pick_and_place.table import summary
from ebm_concept_ros.grasping.random_table import SHAPES, Ranges


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for name in ('scenes', 'moves', 'blocks'):
        if (number := getattr(given, name)) < 1:
            parser.error(f'--{name} {number}: at least 1')
    conditions = Conditions(
        *(given.moves, given.blocks, given.gap, given.seed, given.replan_every),
        Ranges(tuple(given.size), tuple(given.mass), tuple(given.friction), tuple(given.shapes)),
        *(given.arm, given.hand or given.arm),
    )
    rows = []
    pictures = PhasePictures() if given.picture else None
    for row in run(range(given.first, given.first + given.scenes), conditions, pictures):
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
    if pictures is not None:
        pictures.save(given.picture)


def _parser() -> argparse.ArgumentParser:
    usual, ranges = Conditions(), Ranges()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--arm', default=usual.arm, help='name of a shipped one, or a YAML file')
    parser.add_argument('--hand', help='the same of a hand; left out: that of the arm')
    parser.add_argument('--scenes', type=int, default=20, help='tables')
    parser.add_argument('--first', type=int, default=0, help='number of the first table')
    parser.add_argument('--moves', type=int, default=usual.moves, help='in turn on each')
    parser.add_argument('--blocks', type=int, default=usual.blocks, help='on each')
    parser.add_argument('--gap', type=float, default=usual.gap_m, help='between their circles, m')
    parser.add_argument('--seed', type=int, default=usual.seed)
    parser.add_argument('--replan-every', type=int, default=usual.replan_every, help='torques')
    for name, default, what in (
        *(('size', ranges.size_m, 'widths and heights, m'), ('mass', ranges.mass_kg, 'kg')),
        ('friction', ranges.friction, 'of the blocks'),
    ):
        parser.add_argument(
            f'--{name}', type=float, nargs=2, default=default, help=what, metavar=('LOW', 'HIGH')
        )
    parser.add_argument('--shapes', nargs='+', choices=SHAPES, default=SHAPES)
    parser.add_argument('--json', type=Path, help='where to write every number')
    parser.add_argument('--picture', type=Path, help='where to draw the phases of the first move')
    return parser


if __name__ == '__main__':
    main()
