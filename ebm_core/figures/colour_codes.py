# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 6: codes of colours, shown by generation and by identification, are the same."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..world.scene import COLOURS
from . import style
from .models import MAIN, Models
from .probe import codes, draw_events, seeded, variants
from .spec import FigureSpec, markdown_table, percent

BAR = 0.95
_DRAWN = 40  # codes per colour and context in the figure


def nearest_share(from_codes: np.ndarray, to_codes: np.ndarray) -> np.ndarray:
    """Return of each label the share of codes whose nearest code has the same label.

    from_codes, to_codes: (labels, n, D) and (labels, m, D). The distance is Euclidean.
    """
    labels, m, size = to_codes.shape
    target = torch.from_numpy(to_codes.reshape(-1, size))
    # One label after the other: all distances at once take a gigabyte where there are many codes.
    nearest = [torch.cdist(torch.from_numpy(own), target).argmin(1) // m for own in from_codes]
    return (torch.stack(nearest).numpy() == np.arange(labels)[:, None]).mean(1)


def principal_axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (D,), axes (D, D) in rows, and the variance's share of each (D,)."""
    mean = points.mean(0)
    _, scale, axes = np.linalg.svd(points - mean, full_matrices=False)
    return mean, axes, scale**2 / (scale**2).sum()


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw codes on their first two principal axes; scenes: codes per colour and context."""
    model, rng = models.get(MAIN), seeded(seed)
    by_context = {
        context: np.stack(
            [
                codes(model, draw_events(variants(name, scenes, rng), rng, context)[0]).numpy()
                for name in COLOURS
            ]
        )
        for context in ('generation', 'identification')
    }
    w_x, w_a = by_context.values()
    share, back = nearest_share(w_a, w_x), nearest_share(w_x, w_a)
    mean, axes, variance = principal_axes(np.concatenate((w_x, w_a)).reshape(-1, w_x.shape[-1]))

    figure = style.canvas(6.4, 4.4)
    ax = figure.subplots()
    looks = {
        'generation': {'marker': 'o', 's': 46, 'alpha': 0.5, 'linewidth': 0},
        'identification': {'marker': '^', 's': 22, 'edgecolor': style.DARK, 'linewidth': 0.6},
    }
    for context, look in looks.items():
        for colour, w in zip(COLOURS.values(), by_context[context], strict=True):
            ax.scatter(*((w[:_DRAWN] - mean) @ axes[:2].T).T, color=[colour], **look)
    ax.set(
        xlabel=f'first principal axis ({100 * variance[0]:.0f} % of the variance)',
        ylabel=f'second principal axis ({100 * variance[1]:.0f} %)',
        title='codes of colours, from five demonstrations each',
    )
    handles = [
        Line2D([], [], ls='', marker='o', color=style.GREY, label='$w_x$, from generation'),
        Line2D([], [], ls='', marker='^', markerfacecolor=style.LIGHT, color=style.DARK),
    ]
    handles[1].set_label('$w_a$, from identification')
    handles += [
        Line2D([], [], ls='', marker='s', color=colour, label=name)
        for name, colour in COLOURS.items()
    ]
    figure.legend(handles=handles, loc='outside right center')
    return figure, {
        'identification_nearest_generation': float(share.mean()),
        'generation_nearest_identification': float(back.mean()),
        'by_colour': dict(zip(COLOURS, map(float, share), strict=True)),
        'bar': BAR,
        'codes_per_colour_and_context': scenes,
        'variance_of_two_axes': float(variance[:2].sum()),
    }


def table(numbers: dict) -> str:
    """Return the shares by colour."""
    return markdown_table(
        ('', 'all', *numbers['by_colour'], 'bar'),
        [
            (
                'w_a whose nearest w_x has the same colour',
                percent(numbers['identification_nearest_generation']),
                *map(percent, numbers['by_colour'].values()),
                f'≥ {percent(numbers["bar"])}',
            )
        ],
    )


FIGURE = FigureSpec(
    'Figure 6: codes of colours, shared between contexts',
    'Codes w_x inferred from five events in which an entity takes a colour, and w_a from five '
    'scenes in which all entities of that colour are attended to, on the first two principal axes '
    f'of both together ({_DRAWN} of each are drawn). The table has the share of identification '
    'codes whose nearest generation code, of all colours and by Euclidean distance in the full '
    'space, is one of the same colour.',
    (MAIN,),
    draw,
    table,
    tuple(COLOURS),
)
