# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Twelve concepts written by hand: what five demonstrations of each make of the energy."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from ..evaluation.open.concept import SUCCESS_DISTANCE, OpenConcept
from ..evaluation.open.concepts import CONCEPTS
from ..evaluation.open.measure import holds_after
from ..evaluation.open.scenes import Conditions, generation
from ..relational.model import GENERATION_RESTARTS, ConceptModel
from ..world.scene import POSITION
from . import event_panels, style
from .models import MAIN, Models
from .probe import codes, energy_over_plane, generation_chain, grid, seeded
from .spec import FigureSpec, markdown_table

_SHOWN = (
    '0.15 north of A',
    'one third of the way from A to B',
    'the middle of three',
    '0.3 from A, from wherever it comes',
    'in line with two others',
    'on the segment of two',
    '0.4 from A and north of it',
    'halfway to A',
    'left of x = −0.3',
    'at least 0.5 from A',
    'within a square of side 0.6 round A',
    'between 0.3 and 0.5 from A',
)
_POINTS, _OUTLINE = (grid(size, event_panels.REACH) for size in (71, 161))
_COLUMNS, _CELL = 4, 2.1  # inches
_ENTITIES = (5, 6)


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw a novel scene of each concept; the numbers say in which of them it is brought about."""
    model = models.get(MAIN)
    concepts = [c for c in CONCEPTS if c.name in _SHOWN]
    rows = -(-len(concepts) // _COLUMNS)
    figure = style.canvas(_CELL * _COLUMNS, 1.1 * _CELL * rows)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    numbers = {}
    for ax, concept in zip(axes, concepts, strict=True):
        numbers[concept.name] = _draw_concept(ax, model, concept, seed)
        ax.set_title(concept.name + (' *' if concept.held_out else ''), fontsize=7.5)
    return figure, numbers


@torch.no_grad()
def _draw_concept(ax, model: ConceptModel, concept: OpenConcept, seed: int) -> dict[str, bool]:
    conditions = Conditions(num_entities=_ENTITIES)
    m = conditions.demonstrations
    events = generation(seeded(seed), concept, 1, m + 1, conditions)
    asked, w = events[:, m], codes(model, events[:, :m])
    norm = style.energy_norm(energy := energy_over_plane(model, asked, w, _POINTS)[0])
    style.draw_energy(ax, _POINTS, energy, norm)
    chain, _ = generation_chain(model, asked, w, GENERATION_RESTARTS)
    done = asked[0]
    states = done.states.copy()
    states[1:, 0] = chain[0, -1, :, 0].numpy()
    event_panels.draw_event(ax, type(done)(**{**vars(done), 'states': states}), 'position')
    _outline(ax, concept, asked)
    right = bool(holds_after(concept, model, asked, w)[0])
    event_panels.verdict(ax, right)
    return {'held_out': concept.held_out, 'brought_about': right}


def _outline(ax, concept: OpenConcept, asked) -> None:
    """Outline where the concept holds of the actor."""
    start = asked.before[0, :1, POSITION].astype(float)
    where = asked.before[0, 1 : 1 + concept.references, POSITION].astype(float)
    places = _OUTLINE.reshape(-1, 1, 2)
    many = len(places)
    off = concept.violation(
        places, np.repeat(start[None], many, 0), np.repeat(where[None], many, 0)
    )
    holds = (off <= SUCCESS_DISTANCE).reshape(_OUTLINE.shape[:2])
    event_panels.draw_admissible(ax, _OUTLINE, holds)


def table(numbers: dict) -> str:
    """Return which concepts are brought about in their scene."""
    rows = [
        [name, 'yes' if row['held_out'] else '', 'yes' if row['brought_about'] else 'no']
        for name, row in numbers.items()
    ]
    return markdown_table(['concept', 'kind held out', 'brought about'], rows, ':--')


FIGURE = FigureSpec(
    'Twelve concepts that have no name',
    'A novel scene for each, after five demonstrations in others: the energy of the actor (dark is '
    'high), where it was (hollow) and where it is brought, and in green where the concept, written '
    'by hand, holds to within 0.1. A star marks kinds that are held out of training.',
    (MAIN,),
    draw,
    table,
)
