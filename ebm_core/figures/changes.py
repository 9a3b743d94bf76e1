# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was changed against the paper, and what each part is worth: ablations on shapes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from . import style
from .models import Models
from .spec import FigureSpec, markdown_table, percent

_ROWS = {
    'shapes': 'as it is (K = 10)',
    'shapes_scalar': 'a scalar f, as in the paper',
    'shapes_no_distances': 'g sees no distances',
    'shapes_no_direction': 'no direction loss',
    'shapes_kl_into_energy': 'KL loss into the energy too',
    'shapes_no_kl': 'no KL loss, chains keep their step sizes',
    'shapes_no_relations': 'entities in place of pairs',
    'shapes_one_step': 'K = 1',
    'shapes_twenty_steps': 'K = 20',
}
_CONTEXTS = {'generation': style.BLUE, 'identification': style.ORANGE}
_ONE_CHAIN = {'color': 'white', 'markeredgecolor': style.DARK, 'markersize': 5}


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw success by model; the numbers are those that `train` measured at its end."""
    numbers = {}
    for preset in _ROWS:
        measured = models.metrics(preset)
        numbers[preset] = {
            'mean': {c: _mean(measured, c) for c in _CONTEXTS},
            'one_chain': {c: _mean(measured, f'{c}_one_chain') for c in _CONTEXTS},
            'concepts': {n: {c: row[c] for c in _CONTEXTS} for n, row in measured.items()},
            'scenes': next(row['scenes'] for row in measured.values()),
        }
    figure = style.canvas(8.6, 0.9 + 0.48 * len(numbers))
    ax = figure.subplots()
    y = np.arange(len(numbers))
    for offset, (context, colour) in zip((-0.19, 0.19), _CONTEXTS.items(), strict=True):
        means = [100 * row['mean'][context] for row in numbers.values()]
        ax.barh(y + offset, means, 0.34, color=colour, label=context)
        for at, mean, row in zip(y + offset, means, numbers.values(), strict=True):
            single = [100 * one[context] for one in row['concepts'].values()]
            ax.plot(single, np.full(len(single), at), '|', color=style.DARK, markersize=8)
            if row['one_chain'][context] is not None:
                ax.plot(100 * row['one_chain'][context], at, 'o', **_ONE_CHAIN)
            ax.text(102, at, f'{mean:.1f} %', va='center', fontsize=8, color=style.DARK)
    ax.set(xlim=(0, 100), yticks=y, yticklabels=[_ROWS[preset] for preset in numbers])
    ax.set_xlabel('success on novel scenes, %')
    ax.tick_params(axis='y', length=0)
    ax.invert_yaxis()
    ax.plot([], [], '|', color=style.DARK, markersize=8, label='single concepts')
    ax.plot([], [], 'o', **_ONE_CHAIN, label='mean of one chain')
    figure.legend(loc='outside upper center', ncols=4)
    return figure, numbers


def _mean(measured: dict[str, dict[str, float]], key: str) -> float | None:
    """Return the mean over concepts, None where it was not measured."""
    values = [row[key] for row in measured.values() if key in row]
    return float(np.mean(values)) if values else None


def table(numbers: dict) -> str:
    """Return success by model, context and concept."""
    first = next(iter(numbers.values()))
    names, scenes = list(first['concepts']), first['scenes']
    return markdown_table(
        (f'{scenes} scenes per concept', 'preset', 'context', 'mean', 'one chain', *names),
        [
            (
                _ROWS[preset],
                f'`{preset}`',
                context,
                percent(row['mean'][context]),
                '' if row['one_chain'][context] is None else percent(row['one_chain'][context]),
                *(percent(row['concepts'][name][context]) for name in names),
            )
            for preset, row in numbers.items()
            for context in _CONTEXTS
        ],
    )


FIGURE = FigureSpec(
    'Changes against the paper: ablations',
    'The shape family, trained alike but for what the row names. Bars are means over the '
    'concepts, ticks the single concepts, by the best of several chains; the dots and the column '
    '*one chain* are means over the concepts of single chains as they end, without a choice among '
    'several and without trying single entities in and out. The paper prints E = f² with one '
    'output f; here f has several residuals and E is their sum of squares, since the square of '
    'one number has no curvature where its zero set is an isolated goal. The rates are those that '
    'each training measured at its end (`metrics` in its model.json).',
    tuple(_ROWS),
    draw,
    table,
)
