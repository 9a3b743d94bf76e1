# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What identification and generation cost against the number of entities in the scene.

    python -m benchmarks.entities --output out/entities

writes entities.png and entities.json: median time on one core, and the peak of the memory that
tensors take at once, of: identification (all masks of up to ten entities; of more those that grow,
of up to sixteen beside four chains of K = 10 steps); generation, one chain of K steps; the energy
field that the controller descends, 65 x 65 places of the actor. Generation
depends on the entities that are attended to: as many as in *between* (three), or, at worst, all.
Weights do not matter for the cost; they are drawn unless --model is given.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from ebm_concept_ros.field.energy_field import FIELD_SIZE
from ebm_core.relational.config import PRESETS
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ConceptModel, load_model
from ebm_core.relational.state_energy import StateEnergy
from ebm_core.world.scene import PLANE_HALF_WIDTH, POSITION, Scene

matplotlib.use('Agg')
import matplotlib.pyplot as plt

NUMBERS = (3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 100)
USUAL_ATTENTION = 3
LABELS = {
    'identification': 'identification',
    'chain_usual': 'generation, one chain, three attended',
    'chain_all': 'generation, one chain, all attended',
    'field_usual': 'energy field, three attended',
    'field_all': 'energy field, all attended',
}


def scene_of(number: int, rng: np.random.Generator) -> Scene:
    """Return entities at random, of which the first can move."""
    return Scene(
        rng.uniform(-1, 1, (number, 2)),
        rng.uniform(0, 1, (number, 3)),
        rng.integers(0, 4, number),
        np.arange(number) == 0,
    )


@torch.no_grad()
def chain(model: ConceptModel, scene: Scene, attention: np.ndarray, code: np.ndarray) -> None:
    """Take K steps of generation; where weights at random lead the actor is not looked at."""
    x = torch.from_numpy(scene.features()[attention > 0])[None]
    w = torch.from_numpy(code.astype(np.float32))[None]
    energy = StateEnergy(model.energy, x, x.unsqueeze(1), torch.ones(x.shape[:2]), w, 1)
    mutable = torch.zeros_like(x)
    mutable[:, 0, POSITION] = 1.0
    model.sampler.generate(energy, x[:, None, None], mutable)


def operations(model: ConceptModel, number: int) -> dict[str, Callable[[], object]]:
    """Return what is measured, ready to be called; names as of LABELS."""
    rng = np.random.default_rng(number)
    scene = scene_of(number, rng)
    code = rng.normal(size=model.code_size)
    side = np.linspace(-PLANE_HALF_WIDTH, PLANE_HALF_WIDTH, FIELD_SIZE)
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    usual = (np.arange(number) < USUAL_ATTENTION).astype(float)
    everyone = np.ones(number)
    return {
        'identification': lambda: model.identify(scene, code),
        'chain_usual': lambda: chain(model, scene, usual, code),
        'chain_all': lambda: chain(model, scene, everyone, code),
        'field_usual': lambda: model.actor_energy(scene, usual, code, points),
        'field_all': lambda: model.actor_energy(scene, everyone, code, points),
    }


def median_ms(function: Callable[[], object], repeats: int) -> float:
    """Return the median of the processor's time for a call, after one that does not count.

    On one core it is the time that passes, unless others want that core too.
    """
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what is written to the standard error away: the profiler tells when it starts."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open('w') as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def peak_mib(function: Callable[[], object]) -> float:
    """Return the most memory that torch has allocated at once within a call, exactly."""
    with _silent(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        function()
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory) / 'trace.json'
        recorded.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())['traceEvents']
    changes = [(e['ts'], e['args']['Bytes']) for e in events if e.get('name') == '[memory]']
    held = np.cumsum([number for _, number in sorted(changes, key=lambda change: change[0])])
    return float(held.max()) / 2**20


def draw(rows: list[dict], path: Path) -> None:
    """Draw time and memory against the number of entities."""
    numbers = [row['entities'] for row in rows]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout='constrained')
    for axis, unit, title in zip(
        axes, ('ms', 'mib'), ('time on one core, ms', 'peak of memory, MiB'), strict=True
    ):
        for key, label in LABELS.items():
            axis.plot(numbers, [row[f'{key}_{unit}'] for row in rows], 'o-', ms=3, label=label)
        axis.set(xscale='log', yscale='log', xlabel='entities in the scene', title=title)
        axis.set_xticks(numbers, [str(n) for n in numbers], fontsize=7)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', type=Path, help='directory of a model (weights at random)')
    parser.add_argument('--numbers', type=int, nargs='+', default=NUMBERS, help='of entities')
    parser.add_argument('--repeats', type=int, default=7, help='calls per median (7)')
    parser.add_argument('--output', type=Path, default=Path('out/entities'))
    args = parser.parse_args(argv)
    if min(args.numbers) < USUAL_ATTENTION or args.repeats < 1:
        parser.error(f'--numbers: at least {USUAL_ATTENTION}; --repeats: at least 1')
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    print(f'load of the machine by others: {load:.1f} on {os.cpu_count()} cores')
    torch.manual_seed(0)
    model = load_model(args.model) if args.model else _drawn()
    rows = []
    print(f'{"entities":>8}' + ''.join(f'{key:>24}' for key in LABELS))
    for number in args.numbers:
        row: dict[str, float] = {'entities': number}
        for key, function in operations(model, number).items():
            row[f'{key}_ms'] = median_ms(function, args.repeats)
            row[f'{key}_mib'] = peak_mib(function)
        rows.append(row)
        cells = [f'{row[f"{key}_ms"]:.1f} ms {row[f"{key}_mib"]:.1f} MiB' for key in LABELS]
        print(f'{number:8}' + ''.join(f'{cell:>24}' for cell in cells), flush=True)
    args.output.mkdir(parents=True, exist_ok=True)
    draw(rows, args.output / 'entities.png')
    result = {'load_before': load, 'torch': torch.__version__, 'rows': rows}
    (args.output / 'entities.json').write_text(json.dumps(result, indent=2) + '\n')
    print(f'written: {args.output / "entities.png"}, {args.output / "entities.json"}')


def _drawn() -> ConceptModel:
    return ConceptModel(Learner(PRESETS['concepts'].model), {}, '')


if __name__ == '__main__':
    main()
