# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether demonstrations mean the same in however many states they come, and what they cost.

    python -m benchmarks.demonstrations --model models/concepts

prints two tables. The first: sets of five demonstrations of every trained concept, and sets that
show nothing (random changes; contradictory ones, north, south, east, west, north), are drawn as two
states (five where the concept is one in time) and recorded in other numbers of states, cleanly, at
an even pace, and as a camera sees it: every position off by up to 2 mm and every colour by up to
0.01, at a changing pace with a pause, at rest before and after. Is the verdict the one on what was
drawn? The second: what five recordings of 300 and of 2000 states cost, from scenes to codes and
verdict, and from a message to scenes, in processor time on one core (the least of nine calls), and
how much memory the process grows by, the recordings included. Messages need the environment's shell
(. scripts/environment.sh). With --sets 0 there is only the second table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from ebm_concept_ros.workspace import load_workspace
from ebm_core.concepts import Concept, get_concept
from ebm_core.evaluation.understanding import alike, consistent, contradictory, random
from ebm_core.relational.model import ConceptModel, load_model
from ebm_core.world.scene import Demonstration, Scene
from ebm_core.world.trajectory import at

NUMBERS = (2, 3, 5, 10, 50, 300, 2000)
COSTLY = (300, 2000)
JITTER = 0.008  # particle units: 2 mm where a unit is 0.25 m
COLOUR_JITTER = 0.01
REST, PAUSE = 0.15, 0.1  # shares of a recording


def recorded(
    drawn: Demonstration, number: int, rng: np.random.Generator, *, by_camera: bool
) -> tuple[Scene, ...]:
    """Return an event, drawn as the states of its ends or of its way, in `number` states."""
    pace = np.ones(number - 1)
    if by_camera:
        pace = rng.uniform(0.5, 1.5, number - 1)
        rest, pause = int(REST * number), int(PAUSE * number)
        pace[:rest] = pace[len(pace) - rest :] = 0.0
        begin = rng.integers(rest, len(pace) - rest - pause + 1)
        if pause < len(pace) - 2 * rest:
            pace[begin : begin + pause] = 0.0
    progress = np.concatenate(([0.0], pace.cumsum() / pace.sum()))
    moments = progress.clip(0, 1) * (len(drawn.states) - 1)
    positions = at(np.array([s.positions for s in drawn.states]), moments)
    colours = np.array([s.colours for s in drawn.states])[(moments + 0.5).astype(int)]
    if by_camera:
        positions = positions + rng.uniform(-JITTER, JITTER, positions.shape)
        colours = colours + rng.uniform(-COLOUR_JITTER, COLOUR_JITTER, colours.shape)
    shapes, movable = drawn.states[0].shapes, drawn.states[0].movable
    return tuple(
        Scene(place, rgb, shapes, movable)
        for place, rgb in zip(positions, colours.clip(0, 1), strict=True)
    )


def sets_of(model: ConceptModel, number: int, rng: np.random.Generator) -> dict[str, list]:
    """Return `number` sets of five demonstrations per concept, by what they show."""
    concepts = _concepts(model)
    several = [concept for concept in concepts if len(alike(concept)) > 1]
    return {
        kind: [make(concept, rng) for concept in some for _ in range(number)]
        for kind, make, some in (
            ('understood', consistent, concepts),
            ('random', random, concepts),
            ('contradictory', contradictory, several),
        )
    }


def _concepts(model: ConceptModel) -> list[Concept]:
    every = [get_concept(name) for name in model.trained_concepts]
    return [concept for concept in every if concept.generates]


def verdicts(
    model: ConceptModel, sets: dict[str, list], number: int, by_camera: bool, seed: int
) -> dict[str, np.ndarray]:
    """Return by kind which sets are understood when each event is recorded in `number` states."""
    rng = np.random.default_rng(seed)
    threshold = model.understanding_threshold

    def understood(drawn: Sequence[Demonstration]) -> bool:
        some = [
            Demonstration(recorded(d, number, rng, by_camera=by_camera), d.attention) for d in drawn
        ]
        return model.understanding(some) >= threshold

    return {kind: np.array([understood(s) for s in some]) for kind, some in sets.items()}


def least_ms(function: Callable[[], object], repeats: int = 9) -> float:
    """Return the least processor time of a call, after one that does not count.

    Whoever shares the caches and the core's other thread can only add to it.
    """
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    return min(times)


def peak_mib() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def costs(model: ConceptModel, seed: int) -> list[dict[str, object]]:
    """Return what recordings cost, for each number of states; of a concept of each family."""
    rng = np.random.default_rng(seed)
    concepts = {concept.family: concept for concept in _concepts(model)}.values()
    for concept in concepts:  # what is allocated once
        _judge(model, [(d.states, d.attention) for d in concept.demonstrations(rng, 5)])
    before, rows = peak_mib(), []
    for number in COSTLY:
        events, judge_ms = {}, {}
        for concept in concepts:
            events = [
                (recorded(d, number, rng, by_camera=True), d.attention)
                for d in concept.demonstrations(rng, 5)
            ]
            judge_ms[concept.name] = least_ms(partial(_judge, model, events))
        slowest = max(judge_ms, key=lambda name: judge_ms[name])
        rows.append(
            {
                'states': number,
                'slowest': slowest,
                'judge_ms': judge_ms[slowest],
                'usual_judge_ms': statistics.median(judge_ms.values()),
                'grown_mib': peak_mib() - before,
                'read_ms': read_ms(Demonstration(*events[0])),
                'entities': len(events[0][1]),
            }
        )
    return rows


def _judge(model: ConceptModel, events: Sequence[tuple[tuple[Scene, ...], np.ndarray]]) -> None:
    demonstrations = [Demonstration(*event) for event in events]
    model.infer(demonstrations)
    model.understanding(demonstrations)


def read_ms(demonstration: Demonstration) -> float:
    """Return what it takes to read one demonstration from a message, and to check it.

    That is NaN where the package's messages are not built.
    """
    if find_spec('ebm_concept_ros.msg') is None:
        return math.nan
    from ebm_concept_ros import conversions

    workspace = load_workspace(Path(__file__).parents[1] / 'config' / 'workspace.yaml')
    message = conversions.demonstration_to_message('north', demonstration, workspace)
    return least_ms(lambda: conversions.demonstration_from_message(message, workspace))


def verdict_table(rows: Sequence[dict]) -> str:
    """Return the verdicts as a Markdown table."""
    lines = [
        '| states | recorded | verdicts that differ | understood | random: refused '
        '| contradictory: refused |',
        '|---|---|---|---|---|---|',
    ]
    for row in rows:
        shares = [row[key] for key in ('differ', 'understood', 'random', 'contradictory')]
        cells = ' | '.join(f'{100 * share:.1f} %' for share in shares)
        lines.append(f'| {row["states"]} | {row["recorded"]} | {cells} |')
    return '\n'.join(lines)


def cost_table(rows: Sequence[dict]) -> str:
    """Return the costs as a Markdown table."""
    lines = [
        '| states | codes and verdict of five | of the slowest concept | one from its message '
        '| memory |',
        '|---|---|---|---|---|',
    ]
    lines += [
        f'| {row["states"]} | {row["usual_judge_ms"]:.0f} ms | {row["judge_ms"]:.0f} ms '
        f'({row["slowest"]}) | {row["read_ms"]:.0f} ms ({row["entities"]} entities) '
        f'| {row["grown_mib"]:.0f} MiB |'
        for row in rows
    ]
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', type=Path, default=Path('models/concepts'))
    parser.add_argument('--sets', type=int, default=10, help='per concept and kind (10)')
    parser.add_argument('--numbers', type=int, nargs='+', default=NUMBERS, help='of states')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--json', type=Path, help='also write the results to this file')
    args = parser.parse_args(argv)
    if args.sets < 0 or min(args.numbers) < 2:
        parser.error('--sets: at least 0; --numbers: at least 2')
    torch.set_num_threads(1)
    model = load_model(args.model)
    if model.understanding_threshold is None:
        parser.error(f'--model: {args.model} has no threshold; see python -m ebm_core understand')
    load = os.getloadavg()[0]
    result = {'load_before': load, 'costs': costs(model, args.seed), 'verdicts': []}
    print(f'load of the machine by others: {load:.1f} on {os.cpu_count()} cores\n')
    print(cost_table(result['costs']), flush=True)
    sets = sets_of(model, args.sets, np.random.default_rng(args.seed))
    drawn = {
        kind: np.array([model.understanding(s) >= model.understanding_threshold for s in some])
        for kind, some in sets.items()
    }
    for number in args.numbers if args.sets else ():
        for by_camera in (False, True):
            said = verdicts(model, sets, number, by_camera, args.seed)
            differ = np.concatenate([said[kind] != drawn[kind] for kind in sets])
            result['verdicts'].append(
                {
                    'states': number,
                    'recorded': 'by a camera' if by_camera else 'cleanly',
                    'sets': len(differ),
                    'differ': float(differ.mean()),
                    'understood': float(said['understood'].mean()),
                    'random': float(1 - said['random'].mean()),
                    'contradictory': float(1 - said['contradictory'].mean()),
                }
            )
            print(verdict_table(result['verdicts'][-1:]).splitlines()[-1], flush=True)
    number = {kind: len(some) for kind, some in sets.items()}
    if args.sets:
        print(f'\nsets: {number}\n\n{verdict_table(result["verdicts"])}')
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
