# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 7, bottom right: the energy landscape forms while the code is inferred."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..concepts import EventBatch, get_concept
from ..concepts.arrangement import Arrangement
from ..relational.model import ConceptModel
from ..world.scene import POSITION
from . import style
from .models import MAIN, Models
from .probe import code_chain, draw_events, energy_over_plane, grid, seeded
from .spec import FigureSpec, markdown_table

CONCEPTS = ('between', 'north')
STEPS = (0, 1, 2, 5, 10)
_FINE, _COARSE = grid(91), grid(46)
_MOST_SCENES = 100  # a landscape each; more would change no digit that is shown


def minimum_error(
    energies: np.ndarray, points: np.ndarray, concept: Arrangement, asked: EventBatch
) -> np.ndarray:
    """Return (B,) the distance of each landscape's lowest point to the goal, particle units.

    energies: (B, rows, columns) over points (rows, columns, 2).
    """
    placed = asked.after[:, : concept.num_participants, POSITION].copy()
    placed[:, 0] = points.reshape(-1, 2)[energies.reshape(len(energies), -1).argmin(1)]
    return concept.violation(placed)


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw one scene's landscape after some steps on w; the numbers are of many scenes."""
    model, count = models.get(MAIN), min(scenes, _MOST_SCENES)
    figure = style.canvas(12.6, 5.2)
    rows = figure.subplots(len(CONCEPTS), len(STEPS), sharex=True, sharey=True)
    numbers: dict[str, dict] = {'scenes': count}
    for axes, name in zip(rows, CONCEPTS, strict=True):
        rng, concept = seeded(seed), get_concept(name)
        assert isinstance(concept, Arrangement)
        shown, asked = draw_events([concept], rng, 'generation')
        _draw_row(axes, model, name, shown, asked)
        shown, asked = draw_events([concept] * count, rng, 'generation')
        numbers[name] = {}
        for k, w in zip(STEPS, code_chain(model, shown, STEPS), strict=True):
            energies = energy_over_plane(model, asked, w, _COARSE)
            errors = minimum_error(energies, _COARSE, concept, asked)
            numbers[name][str(k)] = float(np.median(errors))
    return figure, numbers


def _draw_row(
    axes: np.ndarray, model: ConceptModel, name: str, shown: EventBatch, asked: EventBatch
) -> None:
    """Draw the landscapes of one scene, asked (1,), after each number of steps."""
    landscapes = [
        energy_over_plane(model, asked, w, _FINE)[0] for w in code_chain(model, shown, STEPS)
    ]
    norm = style.energy_norm(np.array(landscapes))
    references = asked.before[0, 1 : asked.participants]
    for k, ax, landscape in zip(STEPS, axes, landscapes, strict=True):
        style.plane(ax, f'{name}, k = {k}')
        image = style.draw_energy(ax, _FINE, landscape, norm)
        style.draw_attention(ax, references, np.ones(len(references)))
        style.draw_entities(ax, references)
        lowest = _FINE.reshape(-1, 2)[landscape.argmin()]
        ax.plot(*lowest, '+', color=style.VERMILION, ms=11, markeredgewidth=2, zorder=4)
    style.energy_bar(axes[0].figure, image, axes, 'energy of the actor there')


def table(numbers: dict) -> str:
    """Return the distance of the lowest point to the goal by step."""
    return markdown_table(
        ('lowest point to goal', *(f'k = {k}' for k in STEPS)),
        [(name, *(f'{numbers[name][str(k)]:.2f}' for k in STEPS)) for name in CONCEPTS],
    )


FIGURE = FigureSpec(
    'Figure 7 (bottom right): the energy landscape as the code w is optimised',
    'Energy of the actor at every place of the plane, given the code after k steps of inference '
    'from the same five demonstrations; references are ringed, the red cross is the lowest point. '
    'The logarithmic scale is the same within a row. The table has the distance of the lowest '
    f'point of a grid of {len(_COARSE)} × {len(_COARSE)} points to the goal, particle units, '
    f'median over {_MOST_SCENES} other novel scenes at most.',
    (MAIN,),
    draw,
    table,
    CONCEPTS,
)
