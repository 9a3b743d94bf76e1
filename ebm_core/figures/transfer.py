# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 5 and the transfer table: learned in one context, used in the other."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..concepts import EventBatch
from ..evaluation.contexts import generate_events
from ..relational.config import PRESETS
from ..relational.learner import Learner
from ..relational.model import GENERATION_RESTARTS, IDENTIFICATION_RESTARTS, ConceptModel
from ..world.scene import POSITION
from . import style
from .models import Models
from .probe import codes, draw_events, identification_chain, identified, seeded, variants
from .spec import FigureSpec, markdown_table

CONCEPT = 'point'
# By preset: the row's name, and the paper's generation and attention error (its last table).
_ROWS: dict[str, tuple[str, float, float]] = {
    'untrained': ('untrained network', 0.621, 0.698),
    'position_generation': ('trained on generation', 0.006, 0.061),
    'position_identification': ('trained on identification', 0.016, 0.001),
    'position': ('trained on both', 0.007, 0.001),
}
_ERRORS = ('generation_error', 'attention_error')
_CHUNK = 250  # scenes at once


def generation_error(done: EventBatch, asked: EventBatch) -> float:
    """Return the mean squared error of the actor's final position, per coordinate."""
    return float(np.square(done.after[:, 0, POSITION] - asked.after[:, 0, POSITION]).mean())


def attention_error(attention: np.ndarray, asked: EventBatch) -> float:
    """Return the mean squared error of σ(a) (B, N) over the entities that are present."""
    return float(np.square(attention - asked.attention)[asked.present].mean())


def transfer_errors(model: ConceptModel, seed: int, scenes: int) -> dict[str, float]:
    """Measure a model on novel scenes, each with a goal and five demonstrations of its own."""
    rng = seeded(seed)
    parts, weights = [], []
    for at in range(0, scenes, _CHUNK):
        size = min(_CHUNK, scenes - at)
        concepts = variants(CONCEPT, size, rng)
        shown, asked = draw_events(concepts, rng, 'generation')
        moved = generation_error(generate_events(model, asked, codes(model, shown)), asked)
        shown, asked = draw_events(concepts, rng, 'identification')
        w = codes(model, shown)
        best = identified(model, asked, w, IDENTIFICATION_RESTARTS).numpy()
        one = identification_chain(model, asked, w)[0][:, -1].numpy()
        parts.append((moved, attention_error(best, asked), attention_error(one, asked)))
        weights.append(size)
    means = np.average(parts, axis=0, weights=weights)
    return dict(zip((*_ERRORS, 'attention_error_one_chain'), map(float, means), strict=True))


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw both errors of the four models beside the paper's."""
    numbers = {}
    for preset, (name, *paper) in _ROWS.items():
        if preset == 'untrained':
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                model = ConceptModel(Learner(PRESETS['position'].model), {}, '')
        else:
            model = models.get(preset)
        numbers[preset] = {
            'name': name,
            **transfer_errors(model, seed, scenes),
            **{f'paper_{key}': value for key, value in zip(_ERRORS, paper, strict=True)},
        }
    figure = style.canvas(9.2, 3.2)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, key, title in zip(
        axes,
        _ERRORS,
        ('generation: error of the position', 'identification: error of the attention'),
        strict=True,
    ):
        _errors(ax, list(numbers.values()), key)
        ax.set(title=title, xlabel='mean squared error')
    figure.legend(*axes[0].get_legend_handles_labels(), loc='outside lower center', ncols=2)
    return figure, numbers


def _errors(ax: Axes, rows: list[dict], key: str) -> None:
    """Draw one error of all rows, ours above the paper's; points, as a log scale has no zero."""
    y = np.arange(len(rows))
    low, high = 1e-5, 4.0
    for values, offset, look, digits in (
        ([r[key] for r in rows], -0.16, {'color': style.BLUE, 'label': 'measured here'}, 4),
        ([r[f'paper_{key}'] for r in rows], 0.16, {'color': style.GREY, 'label': 'the paper'}, 3),
    ):
        ax.plot(np.clip(values, low, None), y + offset, 'o', markersize=7, **look)
        for at, value in zip(y + offset, values, strict=True):
            text = f'{value:.{digits}f}'
            ax.text(max(value, low) * 1.35, at, text, va='center', fontsize=8)
    for edge in y[1:] - 0.5:
        ax.axhline(edge, color=style.LIGHT, linewidth=0.8)
    ax.set(xscale='log', xlim=(low * 0.7, high), yticks=y, yticklabels=[r['name'] for r in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis='y', length=0)
    ax.grid(axis='x', color=style.LIGHT, linewidth=0.5)


def table(numbers: dict) -> str:
    """Return the transfer table."""
    return markdown_table(
        ('', 'generation error', 'paper', 'attention error', 'paper', 'attention error, one chain'),
        [
            (
                row['name'],
                f'{row["generation_error"]:.4f}',
                f'{row["paper_generation_error"]:.3f}',
                f'{row["attention_error"]:.4f}',
                f'{row["paper_attention_error"]:.3f}',
                f'{row["attention_error_one_chain"]:.4f}',
            )
            for row in numbers.values()
        ],
    )


FIGURE = FigureSpec(
    'Figure 5: transfer between generation and identification',
    'The concept is an absolute position, which has one right answer. Every novel scene has a '
    'goal of its own and five demonstrations of it, in the context that is tested; the code is '
    'inferred from these in K = 10 steps. *Generation error*: mean over scenes and over both '
    'coordinates of the squared difference between where the actor ends, by the best of '
    f'{GENERATION_RESTARTS} chains of K = 10 steps, and the goal, particle units squared (the '
    'world is the square [−1, 1]²). *Attention error*: mean over all entities present in the '
    'scenes of (σ(a) − mask)², where the mask is 1 for the entity at the goal and 0 for the '
    'others; the attention is the mask of least energy of all. The last column has the error '
    'of σ(a) at the end of one chain of K = 10 steps from N(0, 1). Grey: the values of the paper '
    '(Mordatch 2018, Additional Results), which does not say how its errors are normalised; the '
    'one of its untrained generation is close to what a place drawn at random gives per coordinate '
    '(1/3 + 0.9²/3 = 0.60 with the goals here).',
    tuple(preset for preset in _ROWS if preset != 'untrained'),
    draw,
    table,
)
