# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The training step against a plain PyTorch version of it, and inference of a concept.

    python -m benchmarks.training --threads 2 --json out/training.json

64 concepts, each with five demonstrations and five events to learn from in every context, scenes of
6 entities, K = 10 differentiated steps; of the family *placement*, and of all families mixed as the
preset `concepts` has them. `plain` is what anybody would write, every candidate an event with all
its entities; `lean_plain` what a careful author would save without leaving plain PyTorch (see
benchmarks/plain.py); the bar is against the former. Fast and plain steps take turns, so that the
ratio survives a machine that is busy with something else; the load is printed, for the seconds do
not. The floor is the fast step's matrix products (FlopCounterMode) over the rate of such products
measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain import plain_losses
from ebm_core.concepts import get_concept
from ebm_core.relational.config import PRESETS, Preset
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ConceptModel
from ebm_core.relational.objective import LossConfig, losses
from ebm_core.relational.recipe import draw_tasks

CONCEPTS, EVENTS, ENTITIES = 64, 5, 6
STEP_BAR = 8.0  # times faster than plain
INFERENCE_BAR_MS = 30.0
INFERENCES = 50


def seconds(function: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def matrix_rate(size: int = 4096, width: int = 128, repeats: int = 100) -> float:
    """Return FLOP/s of the products that the networks are made of, the median of some."""
    a, b = torch.randn(size, width), torch.randn(width, width)
    return (
        2 * size * width * width / statistics.median(seconds(lambda: a @ b) for _ in range(repeats))
    )


def of_64_concepts(families: dict[str, int]) -> Preset:
    """Return the preset `concepts` with 64 concepts per step, shared as `families` are."""
    total = sum(families.values())
    ends = np.round(np.cumsum(list(families.values())) * CONCEPTS / total).astype(int)
    numbers = np.diff(ends, prepend=0).tolist()
    base = PRESETS['concepts']
    changes = {
        'concepts': dict(zip(families, numbers, strict=True)),
        'demonstrations': EVENTS,
        'queries': EVENTS,
    }
    return Preset(model=base.model, training=base.training.model_copy(update=changes))


def measure_step(chosen: Preset, repeats: int) -> dict[str, float]:
    """Return seconds per step (forward and backward) of each version, and their ratios."""
    torch.manual_seed(0)
    learner = Learner(chosen.model)
    tasks = draw_tasks(
        chosen,
        np.random.default_rng(0),
        torch.device('cpu'),
        num_entities=(ENTITIES, ENTITIES),
    )
    t = chosen.training

    def step(function: Callable) -> None:
        learner.zero_grad(set_to_none=True)
        batch = function(
            learner.energy,
            learner.sampler,
            tasks,
            LossConfig(
                kl_into_energy=t.kl_into_energy,
                positive=t.positive_weight,
                direction=t.direction_weight,
            ),
        )
        (batch.likelihood + t.kl_weight * batch.kl).backward()

    versions = {
        'fast': partial(step, losses),
        'plain': partial(step, partial(plain_losses, lean=False)),
        'lean_plain': partial(step, plain_losses),
    }
    with FlopCounterMode(display=False) as counter:
        versions['fast']()
    times: dict[str, list[float]] = {name: [] for name in versions}
    rates = []
    for repeat in range(repeats + 1):
        for name, version in versions.items():
            took = seconds(version)
            if repeat:  # the first of each warms up
                times[name].append(took)
        rates.append(matrix_rate())
    median = {name: statistics.median(values) for name, values in times.items()}
    flop, rate = counter.get_total_flops(), statistics.median(rates)
    ratios = [p / f for p, f in zip(times['plain'], times['fast'], strict=True)]
    return {
        **{f'{name}_step_s': value for name, value in median.items()},
        'plain_over_fast': median['plain'] / median['fast'],
        'plain_over_fast_lowest': min(ratios),
        'plain_over_fast_highest': max(ratios),
        'lean_plain_over_fast': median['lean_plain'] / median['fast'],
        'fast_step_gflop': flop / 1e9,
        'matrix_gflop_per_s': rate / 1e9,
        'floor_s': flop / rate,
        'fast_over_floor': median['fast'] * rate / flop,
    }


def measure_inference() -> dict[str, float]:
    """Return milliseconds to infer both codes of a concept from five demonstrations, one core."""
    torch.set_num_threads(1)
    model = ConceptModel(Learner(PRESETS['concepts'].model), {}, '')
    shown = get_concept('between').demonstrations(np.random.default_rng(0), EVENTS)
    model.infer(shown)
    times = [1e3 * seconds(lambda: model.infer(shown)) for _ in range(INFERENCES)]
    return {'inference_ms': statistics.median(times), 'inference_ms_highest': max(times)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--threads', type=int, default=2, help='of the training step (2)')
    parser.add_argument('--repeats', type=int, default=5, help='steps of each version (5)')
    parser.add_argument('--json', type=Path, help='also write the results to this file')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    load = os.getloadavg()[0]
    # Counted before this run has loaded the machine itself.
    print(f'load of the machine by others: {load:.1f} on {os.cpu_count()} cores')
    mixed = PRESETS['concepts'].training.concepts
    steps = {
        name: measure_step(of_64_concepts(families), args.repeats)
        for name, families in (('placement', {'placement': 1}), ('mixed', mixed))
    }
    inference = measure_inference()
    print(f'{"":24}' + ''.join(f'{name:>12}' for name in steps))
    for key in steps['mixed']:
        print(f'{key:24}' + ''.join(f'{row[key]:12.4g}' for row in steps.values()))
    for name, row in steps.items():
        print(f'step, {name}: {row["plain_over_fast"]:.1f} times faster, at least {STEP_BAR:g}')
    print(f'inference: {inference["inference_ms"]:.1f} ms, at most {INFERENCE_BAR_MS:g}')
    if args.json:
        result = {
            'load_before': load,
            'threads': args.threads,
            'torch': torch.__version__,
            'concepts': CONCEPTS,
            'events': EVENTS,
            'entities': ENTITIES,
            'steps': steps,
            **inference,
        }
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
