# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A picture of every concept family: what is shown of each concept, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..concepts import FAMILIES, Concept, EventBatch
from ..relational.model import GENERATION_RESTARTS, IDENTIFICATION_RESTARTS, ConceptModel
from ..world.scene import COLOUR, POSITION
from . import event_panels, style
from .models import MAIN, Models
from .probe import (
    codes,
    draw_events,
    energy_over_plane,
    generation_chain,
    grid,
    identified,
    seeded,
)
from .spec import FigureSpec, markdown_table

_ENTITIES = (5, 6)
_POINTS, _OUTLINE = (grid(size, event_panels.REACH) for size in (71, 201))
_CELL, _LEGEND_ENTRY = 1.95, 1.5  # inches
_DEMONSTRATED, _BROUGHT_ABOUT, _ATTENDED = 'demonstrated', 'brought about', 'attended to'


@dataclass(frozen=True)
class Answers:
    """What a model makes of novel scenes, given a concept's demonstrations; each a batch of one.

    chain: what is mutable, after each of the K steps, (K + 1, T, P, F). done: the event that the
    last of them makes. energy: (rows, columns) of the actor at `_POINTS`, None where it is not the
    place of one entity that changes, once. asked: the still scene; attention: the mask (N,) found
    in it. brought_about, found: whether these are right. The first four are None of what is only
    attended to.
    """

    chain: np.ndarray | None
    done: EventBatch | None
    energy: np.ndarray | None
    brought_about: bool | None
    asked: EventBatch
    attention: np.ndarray
    found: bool


def family_figure(family: str) -> FigureSpec:
    """Return the figure of a family, by a name of `concepts.FAMILIES`."""

    def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
        return draw_family(models.get(MAIN), FAMILIES[family], seed)

    title = f'The concepts of the family *{family}*'
    return FigureSpec(title, caption(FAMILIES[family][0]), (MAIN,), draw, table)


def draw_family(
    model: ConceptModel, concepts: tuple[Concept, ...], seed: int
) -> tuple[Figure, dict]:
    """Draw one panel per concept and kind; the numbers say which of the answers are right.

    Of concepts that the model was not trained on, what is demonstrated is drawn alone.
    """
    kinds = [_DEMONSTRATED]
    if any(c.name in model.trained_concepts for c in concepts):
        kinds += [_BROUGHT_ABOUT] * concepts[0].generates + [_ATTENDED]
    # The longer side lies: families of one or two concepts have a row for each.
    lies = len(concepts) >= len(kinds)
    rows, columns = (len(kinds), len(concepts)) if lies else (len(concepts), len(kinds))
    width = max(_CELL * columns + 0.3, 5.6)
    figure = style.canvas(width, _CELL * 1.12 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    numbers: dict[str, dict] = {}
    for at, concept in enumerate(concepts):
        panels = dict(zip(kinds, axes[:, at] if lies else axes[at], strict=True))
        # Every concept from the seed: its pictures do not depend on the others of the family.
        rng = seeded(seed)
        variant = concept.variant(rng)
        context = 'generation' if concept.generates else 'identification'
        shown, asked = draw_events([variant], rng, context, _ENTITIES)
        event_panels.draw_event(panels[_DEMONSTRATED], shown[0, 0], variant.changes)
        _outline(panels[_DEMONSTRATED], variant, shown[0, 0])
        numbers[concept.name] = {'trained': concept.name in model.trained_concepts}
        if concept.name in model.trained_concepts:
            still = draw_events([variant], rng, 'identification', _ENTITIES)[1]
            answers = answer(model, variant, shown, asked, still)
            _draw_answers(panels, answers, variant)
            numbers[concept.name] |= {
                'brought_about': answers.brought_about,
                'attended': answers.found,
            }
        else:
            for kind in kinds[1:]:
                event_panels.empty(panels[kind], 'not trained')
    for i, kind in enumerate(kinds):
        if lies:
            axes[i, 0].set_ylabel(kind)
        else:
            axes[0, i].set_title(kind)
    for i, concept in enumerate(concepts):
        name = concept.name.replace('_', ' ')
        if lies:
            axes[0, i].set_title(name, fontsize=11)
        else:
            axes[i, 0].set_ylabel(name, fontsize=11)
    handles = event_panels.legend(concepts[0], answered=len(kinds) > 1)
    fitting = min(len(handles), int(width / _LEGEND_ENTRY))
    figure.legend(handles=handles, loc='outside lower center', ncols=fitting)
    return figure, numbers


@torch.no_grad()
def answer(
    model: ConceptModel,
    concept: Concept,
    shown: EventBatch,
    asked: EventBatch,
    still: EventBatch,
) -> Answers:
    """Return what a model makes of an event to bring about and of a still scene, each (1,).

    shown: (1, M) demonstrations, from which the one code for both is inferred.
    """
    w = codes(model, shown)
    attention = identified(model, still, w, IDENTIFICATION_RESTARTS).numpy()[0]
    found = right_mask(attention > 0.5, still[0])
    if not concept.generates:
        return Answers(None, None, None, None, still, attention, found)
    chain = generation_chain(model, asked, w, GENERATION_RESTARTS)[0][0].numpy()
    states = asked.states.copy()
    states[0, 1:, : chain.shape[2]] = chain[-1]
    done = replace(asked, states=states)
    energy = None
    if concept.changes == 'position' and concept.steps == 1:
        energy = energy_over_plane(model, asked, w, _POINTS)[0]
    judged = bool(concept.satisfied(done)[0])
    return Answers(chain, done, energy, judged, still, attention, found)


def right_mask(mask: np.ndarray, still: EventBatch) -> bool:
    """Tell whether a mask (N,) is the one that a still scene asks for, or as right as it."""
    low, high = still.any_of
    return bool((mask == (still.attention > 0.5)).all() or (high and low <= mask.sum() <= high))


def admissible(concept: Concept, event: EventBatch) -> np.ndarray:
    """Return (rows, columns) of `_OUTLINE`: whether the event () is right with the actor there."""
    places = _OUTLINE.reshape(-1, 2)
    many = event[None][np.zeros(len(places), int)]
    many.states[:, -1, 0, POSITION] = places
    return concept.satisfied(many).reshape(_OUTLINE.shape[:2])


def _outline(ax: Axes, concept: Concept, event: EventBatch) -> None:
    if concept.generates and concept.changes == 'position' and concept.steps == 1:
        event_panels.draw_admissible(ax, _OUTLINE, admissible(concept, event))


def _draw_answers(panels: dict[str, Axes], answers: Answers, concept: Concept) -> None:
    if answers.done is not None:
        ax = panels[_BROUGHT_ABOUT]
        if answers.energy is not None:
            style.draw_energy(ax, _POINTS, answers.energy, style.energy_norm(answers.energy))
        moved = answers.chain[:, -1]
        if answers.chain.shape[1] > 1:
            chain = None  # what is drawn is the event's own course
        else:
            chain = moved[..., COLOUR if concept.changes == 'colour' else POSITION]
        event_panels.draw_event(ax, answers.done[0], concept.changes, chain)
        _outline(ax, concept, answers.done[0])
        event_panels.verdict(ax, answers.brought_about)
    ax = panels[_ATTENDED]
    event_panels.draw_still(ax, answers.asked[0], answers.attention)
    if concept.num_participants == 1:
        _outline(ax, concept, answers.asked[0])
    event_panels.verdict(ax, answers.found)


def table(numbers: dict) -> str:
    """Return which of the drawn answers are right."""

    def word(row: dict, key: str) -> str:
        if not row['trained']:
            return 'not trained'
        return {True: 'yes', False: 'no', None: ''}[row[key]]

    return markdown_table(
        ('in the drawn scene', 'brought about', 'attended to'),
        [
            (name, word(row, 'brought_about'), word(row, 'attended'))
            for name, row in numbers.items()
        ],
        ':-:',
    )


def caption(concept: Concept) -> str:
    """Return what stands in the panels of a concept's family."""
    parts = ['*Demonstrated*: one of the five demonstrations that the code is inferred from.']
    if concept.generates:
        parts.append(
            '*Brought about*: what the model makes of a novel scene, the best of '
            f'{GENERATION_RESTARTS} chains of K steps, one of them from x⁰, the others from '
            'anywhere. *Attended to*: whom it finds in another one, by the same code.'
        )
    else:
        parts.append('*Attended to*: whom the model finds in a novel scene; any so many are right.')
    parts.append('Rings are around who takes part, dashed red ones around who was not found.')
    if concept.steps > 1:
        parts.append(
            'Lines are courses through time, with dots that grow; what is filled is where they end.'
        )
    elif concept.changes == 'colour':
        parts.append('Below a panel are the colours that the ringed entity takes, step by step.')
    elif concept.changes == 'position' and concept.generates:
        parts.append(
            'The ground is the energy of the actor being there, light is low, on a logarithmic '
            'scale of its own for each panel; the green line is around where the predicate holds.'
        )
    parts.append(
        'The predicate judged what says right or wrong. The panels show the square [−1, 1]² and a '
        'little more; the scenes are the first that the seed draws. Of concepts that the model was '
        'not trained on, there are the demonstrations alone.'
    )
    return ' '.join(parts)
