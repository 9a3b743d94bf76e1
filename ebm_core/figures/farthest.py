# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 4: the concept "farthest", brought about and found."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure, SubFigure

from ..concepts import Concept
from ..evaluation.contexts import evaluate_concept
from ..relational.model import IDENTIFICATION_RESTARTS, ConceptModel
from ..world.scene import POSITION
from . import style
from .models import MAIN, Models
from .probe import (
    codes,
    draw_events,
    energy_over_plane,
    generation_chain,
    grid,
    identified,
    seeded,
    variants,
)
from .spec import FigureSpec, markdown_table, percent

CONCEPT = 'farthest'
_EXAMPLES = 2
_ENTITIES = (5, 7)  # in the scenes that are drawn
_POINTS = grid(91)


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw examples of both contexts; the numbers are shares of `scenes` novel scenes."""
    model = models.get(MAIN)
    row = evaluate_concept(model, CONCEPT, scenes=scenes, seed=seed)
    rng = seeded(seed)
    concepts = variants(CONCEPT, _EXAMPLES, rng)
    figure = style.canvas(12.4, 3.3)
    left, right = figure.subfigures(1, 2, width_ratios=(1.13, 1), wspace=0.03)
    _generation(left, model, concepts, rng)
    _identification(right, model, concepts, rng)
    keys = ('generation', 'identification', 'generation_shared', 'identification_shared')
    return figure, {'concept': CONCEPT, **{key: row[key] for key in keys}}


def _generation(
    figure: SubFigure, model: ConceptModel, concepts: list[Concept], rng: np.random.Generator
) -> None:
    """Draw the actor's path on the energy of its being elsewhere, one scene for each concept."""
    shown, asked = draw_events(concepts, rng, 'generation', _ENTITIES)
    w = codes(model, shown)
    chain, _ = generation_chain(model, asked, w)
    energies = energy_over_plane(model, asked, w, _POINTS)
    norm = style.energy_norm(energies)
    axes = figure.subplots(1, len(concepts), sharey=True)
    figure.suptitle('generation: the cross is to be farthest from the ringed entity', fontsize=10)
    for i, ax in enumerate(axes):
        style.plane(ax)
        image = style.draw_energy(ax, _POINTS, energies[i], norm)
        before = asked.before[i][asked.present[i]]
        style.draw_entities(ax, before[1:])
        style.draw_attention(ax, before[1:2], np.ones(1))
        path = chain[i, :, 0, 0].numpy()
        style.draw_entities(ax, path[:1], hollow=True)
        style.draw_path(ax, path[:, POSITION])
        style.draw_entities(ax, path[-1:])
    style.energy_bar(figure, image, axes, 'energy of the cross there')


def _identification(
    figure: SubFigure, model: ConceptModel, concepts: list[Concept], rng: np.random.Generator
) -> None:
    """Draw who is found in one scene for each concept."""
    shown, asked = draw_events(concepts, rng, 'identification', _ENTITIES)
    attention = identified(model, asked, codes(model, shown), IDENTIFICATION_RESTARTS).numpy()
    axes = figure.subplots(1, len(concepts), sharey=True)
    figure.suptitle('identification: which entity is farthest from the cross?', fontsize=10)
    for i, ax in enumerate(axes):
        style.plane(ax)
        present = asked.present[i]
        style.draw_attention(ax, asked.before[i][present], attention[i][present])
        style.draw_entities(ax, asked.before[i][present])
        farthest = asked.before[i][:2, POSITION]
        ax.plot(*farthest.T, ':', color=style.GREY, linewidth=1, zorder=1)


def table(numbers: dict) -> str:
    """Return the success rates."""
    return markdown_table(
        ('', 'code shown in the same context', 'code shown in the other'),
        [
            (context, percent(numbers[context]), percent(numbers[f'{context}_shared']))
            for context in ('generation', 'identification')
        ],
    )


FIGURE = FigureSpec(
    'Figure 4: the concept *farthest*, in both contexts',
    'Left: generation. The actor (the cross; hollow where it starts) descends the energy in K '
    'steps, one dot each, to be farther from the ringed entity than all others are. The heat-map '
    'is the energy of the actor being there, on a logarithmic scale: light is low; there are many '
    'admissible places. Right: identification. Rings are around who is found, by the best of '
    'several chains; the dotted line goes from the cross to the entity that is in fact the '
    'farthest from it. The scenes are the first that the seed draws. The table has the share of '
    'novel scenes in which the predicate is satisfied (generation), or the attention exactly right '
    '(identification), the code inferred from five demonstrations.',
    (MAIN,),
    draw,
    table,
    (CONCEPT,),
)
