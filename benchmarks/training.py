"""The training step against a plain PyTorch version of it, and inference of a concept.

    python -m benchmarks.training --threads 2 --json out/training.json

Ratios of medians within one run: the machine's speed cancels. The floor is the step's matrix
products (counted by torch's FlopCounterMode) over the matrix rate measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain import plain_losses
from ebm_core.config import Preset
from ebm_core.events import get_concept, sample_placements
from ebm_core.events.placement import generation_events, identification_events
from ebm_core.model import ConceptModel
from ebm_core.objective import losses
from ebm_core.training import Learner

CONCEPTS, DEMONSTRATIONS, QUERIES, ENTITIES = 64, 5, 5, 6


def median_s(function: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matrix_rate(size: int = 4096, width: int = 128) -> float:
    """Return FLOP/s of the products that the networks are made of."""
    a, b = torch.randn(size, width), torch.randn(width, width)
    return 2 * size * width * width / median_s(lambda: a @ b, 100)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--json', type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    learner = Learner(Preset())
    concepts = sample_placements(rng, CONCEPTS)
    colours = rng.integers(6, size=CONCEPTS)
    size = (ENTITIES, ENTITIES)
    batch = (
        generation_events(concepts, colours, DEMONSTRATIONS + QUERIES, rng, size),
        identification_events(concepts, QUERIES, rng, size),
    )
    options = {'kl_weight': 1.0, 'positive_weight': 0.1}

    def fast() -> None:
        learner.zero_grad(set_to_none=True)
        total = losses(learner.energy, learner.sampler, *batch, DEMONSTRATIONS, **options).total
        total.backward()

    def plain() -> None:
        learner.zero_grad(set_to_none=True)
        plain_losses(learner.energy, learner.sampler, *batch, DEMONSTRATIONS, **options).backward()

    with FlopCounterMode(display=False) as counter:
        fast()
    rate = matrix_rate()
    result = {
        'threads': args.threads,
        'fast_step_s': median_s(fast, args.repeats),
        'plain_step_s': median_s(plain, max(1, args.repeats // 2)),
        'fast_step_gflop': counter.get_total_flops() / 1e9,
        'matrix_gflop_per_s': rate / 1e9,
        'floor_s': counter.get_total_flops() / rate,
    }
    result['plain_over_fast'] = result['plain_step_s'] / result['fast_step_s']
    result['fast_over_floor'] = result['fast_step_s'] / result['floor_s']

    torch.set_num_threads(1)
    model = ConceptModel(learner, {}, '')
    shown = get_concept('between').demonstrations(rng, DEMONSTRATIONS)
    result['inference_one_core_s'] = median_s(lambda: model.infer(shown), 50)
    for name, value in result.items():
        print(f'{name:24} {value:.4g}')
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
