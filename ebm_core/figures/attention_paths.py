# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 7, top right: how attention settles while a line is looked for."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..concepts import EventBatch
from ..world.scene import COLOUR, SHAPE, SHAPES
from . import style
from .models import MAIN, Models
from .probe import codes, draw_events, identification_chain, seeded, variants
from .spec import FigureSpec, markdown_table, percent

CONCEPT = 'line'
_FEWEST_DRAWN = 5  # entities of the examples: of three, all belong to the line


def settling(attention: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return after which step the mask σ(a) > 1/2 stays, and how often it turned later than step 1.

    attention: (B, K + 1, N). Both results are (B,); a turn is an entity let in or out.
    """
    turned = np.diff(attention > 0.5, axis=1).sum(-1)
    steps = np.arange(1, turned.shape[1] + 1)
    return (steps * (turned > 0)).max(1), turned[:, 1:].sum(1)


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw two chains that end right, one that settles early and one that corrects itself."""
    model, rng, scenes = models.get(MAIN), seeded(seed), max(scenes, 2)
    shown, asked = draw_events(variants(CONCEPT, scenes, rng), rng, 'identification')
    attention = identification_chain(model, asked, codes(model, shown))[0].numpy()
    right = ((attention[:, -1] > 0.5) == (asked.attention > 0.5)).all(-1)
    settled, corrections = settling(attention)
    # The right ones come first, in the order in which they settle.
    shown_off = right & (asked.present.sum(-1) >= _FEWEST_DRAWN)
    order = np.lexsort((np.arange(scenes), settled, ~shown_off))
    examples = order[0], order[max(1, int(shown_off.sum()) - 1)]

    figure = style.canvas(12.0, 3.2)
    axes = figure.subplots(1, 4, width_ratios=(1, 1.35, 1, 1.35))
    for at, index in enumerate(examples):
        scene, curves = axes[2 * at : 2 * at + 2]
        _scene(scene, asked[index], attention[index, -1])
        _curves(curves, asked[index], attention[index])
        curves.set_title(f'the mask stays from step {settled[index]} on')
    return figure, {
        'concept': CONCEPT,
        'right_one_chain': float(right.mean()),
        'median_step_from_which_the_mask_stays': float(np.median(settled[right]))
        if right.any()
        else None,
        'share_of_right_chains_with_corrections': float((corrections[right] > 0).mean())
        if right.any()
        else None,
    }


def _scene(ax: Axes, event: EventBatch, attention: np.ndarray) -> None:
    style.plane(ax, f'who forms a {CONCEPT}?')
    states = event.before[event.present]
    style.draw_attention(ax, states, attention[event.present])
    style.draw_entities(ax, states)


def _curves(ax: Axes, event: EventBatch, attention: np.ndarray) -> None:
    """Draw σ(a) (K + 1, N) over the steps, in the entities' colours; dashed: not of the shape."""
    steps = np.arange(len(attention))
    for i in np.flatnonzero(event.present):
        state = event.before[i]
        ax.plot(
            steps,
            attention[:, i],
            color=np.clip(state[COLOUR], 0, 1),
            linestyle='-' if event.attention[i] > 0.5 else (0, (3, 2)),
            linewidth=1.8,
            marker=style.MARKERS[SHAPES[int(state[SHAPE].argmax())]],
            markersize=6,
            markeredgecolor='white',
            markeredgewidth=0.6,
        )
    ax.set(xlabel='step k', ylabel='attention σ(a)', ylim=(-0.04, 1.04), xticks=steps)


def table(numbers: dict) -> str:
    """Return how chains settle."""
    step = numbers['median_step_from_which_the_mask_stays']
    share = numbers['share_of_right_chains_with_corrections']
    return markdown_table(
        ('', 'one chain right', 'mask stays from step (median)', 'corrected after step 1'),
        [
            (
                CONCEPT,
                percent(numbers['right_one_chain']),
                '–' if step is None else f'{step:.0f}',
                '–' if share is None else percent(share),
            )
        ],
    )


FIGURE = FigureSpec(
    'Figure 7 (top right): attention while a *line* is identified',
    'Single chains from a ~ N(0, 1), without restarts. Curves have the colour and marker of their '
    'entity; solid ones belong to the line, dashed ones do not; rings show the attention at the '
    f'end. Of the scenes of {_FEWEST_DRAWN} entities or more where the chain ends with the right '
    'mask, the one that settles first is left and the one that settles last right. The table has '
    'the share of novel scenes, of any size, where one chain ends exactly right, and of these '
    'chains the median step from which the mask (σ(a) > ½) stays and the share in which an entity '
    'is still let in or out after the first step.',
    (MAIN,),
    draw,
    table,
    (CONCEPT,),
)
