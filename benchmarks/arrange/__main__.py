# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tables of blocks on which concepts are asked for that move them: success, moves, time, errors.

    python -m benchmarks.arrange --scenes 20 --logic-only
    python -m benchmarks.arrange --scenes 20 --json out/arrange.json
    python -m benchmarks.arrange --scenes 20 --only square line --model models/concepts
    python -m benchmarks.arrange --scenes 20 --tasks sums --logic-only
    python -m benchmarks.arrange --scenes 3 --held-out --only between triangle
    python -m benchmarks.arrange --scenes 3 --arm panda --only between triangle

Every table has five demonstrations of its own, 4 to 8 blocks of 3 to 6 cm, and its own looks for
who is moved and who stays. --tasks sums: two concepts that are to hold at once, each with five
demonstrations of its own. --tasks srem-like: five objects in a line, in a circle, in groups, and
one beside two others; what counts is the share that is placed. --held-out: blocks are narrower or
wider, lighter or heavier than those that everything was tried with.

A predicate is the referee: success is that it holds to 20 mm, of those who were meant, that all is
at rest and nothing has fallen, and that no bystander was moved by a centimetre. Everything else is
a failure, also what was refused before anything moved; `of understood` leaves out tables whose
demonstrations are reported as not understood. With --logic-only moves take place exactly, which
measures what is planned; else the arm's hand carries the blocks by torques, in lockstep. Status 1
when a table failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.arrange.concepts import CONCEPTS
from benchmarks.arrange.objects import HELD_OUT, USUAL
from benchmarks.arrange.srem_like import FIVE, SREM_LIKE
from benchmarks.arrange.table import print_table
from benchmarks.arrange.together import SUMS
from ebm_concept_ros.package_files import DEFAULT_ARM

TASKS = {'concepts': CONCEPTS, 'sums': SUMS, 'srem-like': SREM_LIKE}


def main(argv: list[str] | None = None) -> int:
    """Run the tables, print a line for each failure, and the table."""
    args = _arguments(argv)
    from benchmarks.arrange.series import Bench
    from ebm_core import load_model

    objects = HELD_OUT if args.held_out else USUAL
    hand = args.hand or args.arm
    bench = Bench(load_model(args.model), args.logic_only, objects, args.arm, hand)
    rows, failed = [], []
    for name in args.concepts:
        for seed in range(args.first_seed, args.first_seed + args.scenes):
            concept = TASKS[args.tasks][name]
            came = bench.run(concept, seed, **(FIVE if args.tasks == 'srem-like' else {}))
            row = came.row
            rows.append(row)
            if not row['success']:
                failed.append(came)
                print(f'{name}, {seed}: {row["failure"]}; {row["detail"]}', flush=True)
        if args.json:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            report = {'command': sys.argv[1:] if argv is None else argv, 'rows': rows}
            args.json.write_text(json.dumps(report, indent=1) + '\n')
    print_table(rows)
    if args.pictures:
        from benchmarks.arrange.pictures import write_pictures

        print(f'failures: {write_pictures(failed, args.pictures, bench.workspace)}')
    return 0 if all(row['success'] for row in rows) else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.arrange',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--scenes', type=int, default=20, help='tables of each concept')
    parser.add_argument('--first-seed', type=int, default=1, help='they are numbered from it')
    parser.add_argument(
        '--only', nargs='+', default=[], metavar='WORDS', help='concepts with one in the name'
    )
    parser.add_argument('--tasks', choices=tuple(TASKS), default='concepts')
    parser.add_argument('--held-out', action='store_true', help='sizes and masses of other ranges')
    parser.add_argument('--logic-only', action='store_true', help='without an arm')
    parser.add_argument('--arm', default=DEFAULT_ARM, help='name of a shipped one, or a YAML file')
    parser.add_argument('--hand', help='the same of a hand; left out: that of the arm')
    parser.add_argument('--model', type=Path, default=Path('models/open'))
    parser.add_argument(
        '--pictures', type=Path, metavar='FOLDER', help='where one failure of each kind is drawn'
    )
    parser.add_argument('--json', type=Path, help='where every number goes')
    args = parser.parse_args(argv)
    if args.scenes < 1:
        parser.error(f'--scenes {args.scenes}: at least 1')
    words = args.only or ['']
    args.concepts = [name for name in TASKS[args.tasks] if any(word in name for word in words)]
    if not args.concepts:
        parser.error(f'--only: no concept has {" or ".join(args.only)} in its name')
    return args


if __name__ == '__main__':
    sys.exit(main())
