"""What was changed against the paper, and what each part is worth: ablations on shapes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from . import style
from .models import Models
from .spec import FigureSpec, markdown_table, percent

_ROWS = {
    'shapes': 'as it is (K = 10)',
    'shapes_scalar': 'E = f² with a scalar f, as printed in the paper',
    'shapes_no_kl': 'no KL loss',
    'shapes_no_relations': 'entities in place of pairs',
    'shapes_one_step': 'K = 1',
    'shapes_twenty_steps': 'K = 20',
}
_CONTEXTS = {'generation': style.BLUE, 'identification': style.ORANGE}


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw success by model; the numbers are those that `train` measured at its end."""
    numbers = {}
    for preset in _ROWS:
        measured = models.metrics(preset)
        numbers[preset] = {
            'mean': {c: float(np.mean([row[c] for row in measured.values()])) for c in _CONTEXTS},
            'concepts': {n: {c: row[c] for c in _CONTEXTS} for n, row in measured.items()},
            'scenes': next(row['scenes'] for row in measured.values()),
        }
    figure = style.canvas(8.6, 3.6)
    ax = figure.subplots()
    y = np.arange(len(numbers))
    for offset, (context, colour) in zip((-0.19, 0.19), _CONTEXTS.items(), strict=True):
        means = [100 * row['mean'][context] for row in numbers.values()]
        ax.barh(y + offset, means, 0.34, color=colour, label=context)
        for at, mean, row in zip(y + offset, means, numbers.values(), strict=True):
            single = [100 * one[context] for one in row['concepts'].values()]
            ax.plot(single, np.full(len(single), at), '|', color=style.DARK, markersize=8)
            ax.text(102, at, f'{mean:.1f} %', va='center', fontsize=8, color=style.DARK)
    ax.set(xlim=(0, 100), yticks=y, yticklabels=[_ROWS[preset] for preset in numbers])
    ax.set_xlabel('success on novel scenes, %')
    ax.tick_params(axis='y', length=0)
    ax.invert_yaxis()
    figure.legend(loc='outside upper center', ncols=2)
    return figure, numbers


def table(numbers: dict) -> str:
    """Return success by model, context and concept."""
    first = next(iter(numbers.values()))
    names, scenes = list(first['concepts']), first['scenes']
    return markdown_table(
        (f'{scenes} scenes per concept', 'context', 'mean', *names),
        [
            (
                _ROWS[preset],
                context,
                percent(row['mean'][context]),
                *(percent(row['concepts'][name][context]) for name in names),
            )
            for preset, row in numbers.items()
            for context in _CONTEXTS
        ],
    )


FIGURE = FigureSpec(
    'Changes against the paper: ablations',
    'The shape family, trained alike but for what the row names. Bars are means over the concepts, '
    'ticks the single concepts. The paper prints E = f² with one output f; here f has several '
    'residuals and E is their sum of squares, since the square of one number has no curvature '
    'where its zero set is an isolated goal. The rates are those that each training measured at '
    'its end (`metrics` in its model.json).',
    tuple(_ROWS),
    draw,
    table,
)
