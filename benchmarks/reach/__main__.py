# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Random arrangements per concept with fixed seeds: success, speed, error and plan time.

    python -m benchmarks.reach --concepts between north --scenes 200 --json out/reach.json
    python -m benchmarks.reach --concepts between --scenes 50 --planner all --oracle
    python -m benchmarks.reach --scenes 30 --planner all pytorch_mppi
    python -m benchmarks.reach --scenes 200 --perturb mass friction delay noise
    python -m benchmarks.reach --scenes 50 --entities 5 10 50 100
    python -m benchmarks.reach --concepts north --scenes 20 --moving 0.1
    python -m benchmarks.reach --compose between north --compose closest vertical_line --scenes 200
    python -m benchmarks.reach --compose between north --reweigh --scenes 50
    python -m benchmarks.reach --concepts between north --appearing --scenes 50
    python -m benchmarks.reach --scenes 50 --obstacles 1 --no-avoidance
    python -m benchmarks.reach --obstacles 1 --no-avoidance --on-contact ignore hold retreat
    python -m benchmarks.reach --arm iiwa7 --scenes 50
    python -m benchmarks.reach --arm my/arm.yaml --workspace my/arm_workspace.yaml --scenes 10
    python -m benchmarks.reach --real-time --scenes 20
    python -m benchmarks.reach --real-time --scenes 5 --planner trajectory_energy
    python -m benchmarks.reach --real-time --scenes 1 --hold 60
    python -m benchmarks.reach --open --scenes 10 --only halfway north
    torchrun --nproc-per-node 2 -m benchmarks.reach --open --scenes 10

In one process, in lockstep: simulated time waits for the controller, so what is measured does not
depend on the machine, plan and target times apart. With --moving, success is to follow within 3 cm
for 3 s, and the error to the goal is the lag. With --compose, two concepts are added up in scenes
where both can hold, and success is that both do; with --reweigh they hold at different places, the
weights are 1 and 0 until the arm is on its way and then 0 and 1, and success is the second. With
--appearing, entities that take no part come and go. With --open, concepts have no name, each scene
tells its own who takes part, and a predicate is the referee. Processes of torchrun share the
scenes; only times change. --real-time runs the launch file instead, and with --hold the arm stays
at its goal for so long and the times are those of the hold. A run that breaks a joint's speed limit
or its range, or strikes something, is no success. Needs the environment's shell
(. scripts/environment.sh). Status 1 when a reach failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks.reach.outside import OUTSIDE, MissingPackage, require_outside
from benchmarks.reach.perturbations import PERTURBATIONS
from benchmarks.reach.real_time import HOLD_S, MAX_HOLD_S, run_scenes
from benchmarks.reach.table import print_table
from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE, RETREAT
from ebm_concept_ros.planning.planners import PLANNERS
from ebm_core.concepts import spatial_concept_names


def main(argv: list[str] | None = None) -> int:
    """Run the scenes, and print a line for each failure and a table."""
    args = _arguments(argv)
    if args.real_time:
        rows = [
            run_scenes(
                name,
                args.seeds,
                args.out_dir,
                args.model,
                args.arm,
                args.workspace,
                args.hold,
                planner,
            )
            for name, planner in itertools.product(args.concepts, args.planner)
        ]
    else:
        import torch

        from benchmarks.reach.open_series import OpenBench
        from benchmarks.reach.series import Bench, Conditions
        from ebm_core.training.distributed import joined

        try:
            bench = (OpenBench if args.open else Bench)(args.model, args.arm, args.workspace)
        except ConfigError as error:
            print(error, file=sys.stderr)
            return 1
        combinations = itertools.product(
            args.concepts,
            args.entities or [None],
            [args.moving],
            args.perturb,
            args.planner,
            ('learned', 'oracle') if args.oracle else ('learned',),
            [args.appearing],
            [args.reweigh],
            [args.obstacles],
            (True, False) if args.no_avoidance else (True,),
            args.on_contact,
        )
        with joined(torch.device('cpu')) as processes:
            rows = bench.rows([Conditions(*each) for each in combinations], args.seeds, processes)
        if not processes.leads:
            return 0
    print_table(rows)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        report = {
            'command': sys.argv[1:] if argv is None else argv,
            'model_sha256': json.loads((args.model / 'model.json').read_text())['sha256'],
            'machine': platform.machine(),
            'cores': os.cpu_count(),
            'load_average': os.getloadavg(),  # plan and target times depend on it
            'rows': rows,
        }
        args.json.write_text(json.dumps(report, indent=1) + '\n')
    return 0 if all(row['successes'] == row['scenes'] for row in rows) else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.reach',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = spatial_concept_names()
    parser.add_argument('--concepts', nargs='+', choices=names, default=[], metavar='NAME')
    parser.add_argument(
        '--compose',
        nargs=2,
        action='append',
        choices=names,
        default=[],
        metavar='NAME',
        help='the sum of two',
    )
    parser.add_argument('--open', action='store_true', help='concepts that have no name')
    parser.add_argument(
        '--only', nargs='+', default=[], metavar='WORDS', help='of --open: with one in the name'
    )
    parser.add_argument('--scenes', type=int, default=20, help='arrangements per concept')
    parser.add_argument('--first-seed', type=int, default=1, help='the scenes are numbered from it')
    parser.add_argument(
        '--planner',
        nargs='+',
        choices=[*PLANNERS, 'all', *OUTSIDE],
        default=['ilqg'],
        help=f'all: those of the package; {", ".join(OUTSIDE)}: from outside, where installed',
    )
    parser.add_argument('--oracle', action='store_true', help="the true goal's field beside it")
    parser.add_argument('--perturb', nargs='+', choices=PERTURBATIONS, default=['none'])
    parser.add_argument('--entities', nargs='+', type=int, help='on a crowded table, effector too')
    parser.add_argument('--moving', type=float, default=0.0, help='speed of a reference, m/s')
    parser.add_argument('--appearing', action='store_true', help='distractors come and go')
    parser.add_argument('--reweigh', action='store_true', help='weights change on the way')
    parser.add_argument('--obstacles', type=int, default=0, help='tall poles on the straight way')
    parser.add_argument(
        '--no-avoidance', action='store_true', help='the same without avoiding them beside it'
    )
    parser.add_argument(
        '--on-contact',
        nargs='+',
        choices=(HOLD, RETREAT, IGNORE),
        default=[HOLD],
        help='what the controller does where something strikes the arm',
    )
    parser.add_argument('--model', type=Path, help='models/concepts; with --open models/open')
    parser.add_argument('--arm', default='jaco', help='name of a shipped one, or a YAML file')
    parser.add_argument('--workspace', type=Path, default=Path('config/workspace.yaml'))
    parser.add_argument('--real-time', action='store_true', help='the launch file, scene by scene')
    parser.add_argument(
        '--hold', type=float, default=HOLD_S, help='of --real-time: to stay so long, s'
    )
    parser.add_argument('--out-dir', type=Path, default=Path('out/reach'), help='of --real-time')
    parser.add_argument('--json', type=Path, help='where every number goes')
    args = parser.parse_args(argv)
    if args.scenes < 1:
        parser.error(f'--scenes {args.scenes}: at least 1')
    in_lockstep = {
        f'--planner {" ".join(OUTSIDE)}': any(name in OUTSIDE for name in args.planner),
        '--oracle': args.oracle,
        '--perturb': args.perturb != ['none'],
        '--entities': args.entities,
        '--moving': args.moving,
        '--appearing': args.appearing,
        '--reweigh': args.reweigh,
        '--compose': args.compose,
        '--obstacles': args.obstacles,
        '--on-contact': args.on_contact != [HOLD],
    }
    if args.real_time and any(in_lockstep.values()):
        parser.error(f'--real-time takes no {", ".join(in_lockstep)}')
    if not HOLD_S <= args.hold <= MAX_HOLD_S:
        parser.error(f'--hold {args.hold:g}: {HOLD_S:g} to {MAX_HOLD_S:g} s')
    if args.hold > HOLD_S and not args.real_time:
        parser.error('--hold goes with --real-time')
    if sum(map(bool, (args.moving, args.appearing, args.reweigh))) > 1:
        parser.error('--moving, --appearing, --reweigh: one at a time')
    if args.reweigh and (args.concepts or not args.compose):
        parser.error('--reweigh goes with --compose alone')
    if args.entities and args.compose:
        parser.error('--compose has tables of its own, without --entities')
    if args.open:
        _open_only(parser, args)
    elif args.only:
        parser.error('--only goes with --open')
    elif not args.concepts and not args.compose:
        args.concepts = ['between']
    args.concepts += [SUM.join(pair) for pair in args.compose]
    args.model = args.model or Path('models/open' if args.open else 'models/concepts')
    if args.obstacles < 0:
        parser.error(f'--obstacles {args.obstacles}: 0 or more')
    if args.no_avoidance and not args.obstacles:
        parser.error('--no-avoidance needs --obstacles')
    for name in args.planner:
        try:
            if name in OUTSIDE:
                require_outside(name)
        except MissingPackage as error:
            parser.error(f'--planner: {error}')
    if 'all' in args.planner:
        args.planner = [*PLANNERS, *(name for name in args.planner if name in OUTSIDE)]
    shipped = Path('config/arms') / f'{args.arm}.yaml'
    args.arm = shipped if shipped.is_file() else Path(args.arm)
    for option in ('arm', 'workspace'):
        if not getattr(args, option).is_file():
            parser.error(f'--{option} {getattr(args, option)}: no such file')
    args.seeds = range(args.first_seed, args.first_seed + args.scenes)
    return args


def _open_only(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what --open does not go with, and take its concepts."""
    from benchmarks.reach.open_tasks import OPEN_CONCEPTS

    others = ('concepts', 'compose', 'entities', 'moving', 'appearing', 'reweigh', 'obstacles')
    if args.real_time or any(getattr(args, name) for name in others):
        parser.error(f'--open takes no --real-time, --{", --".join(others)}')
    words = args.only or ['']
    args.concepts = [name for name in OPEN_CONCEPTS if any(word in name for word in words)]
    if not args.concepts:
        parser.error(f'--only: no concept has {" or ".join(args.only)} in its name')


if __name__ == '__main__':
    sys.exit(main())
