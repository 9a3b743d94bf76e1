# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 7, left: shapes form in one step, in ten, in twenty; and without a relation network."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..concepts import SUCCESS_DISTANCE
from ..concepts.arrangement import Arrangement
from ..evaluation.contexts import generate_events
from ..relational.model import ConceptModel
from ..world.scene import POSITION
from . import style
from .models import Models
from .probe import codes, draw_events, generation_chain, seeded, variants
from .spec import FigureSpec, markdown_table, percent

SHAPES = ('line', 'triangle', 'square')
_COLUMNS = {
    'shapes_one_step': '1 step',
    'shapes': '10 steps',
    'shapes_twenty_steps': '20 steps',
    'shapes_no_relations': '10 steps, no relations',
}
_CHUNK = 250  # scenes at once


def shape_errors(model: ConceptModel, name: str, seed: int, scenes: int) -> np.ndarray:
    """Return (scenes,) the largest error of a distance within the shape, particle units.

    Of one chain from x⁰, as it is drawn: the best of several would hide what steps are worth.
    """
    rng, errors = seeded(seed), []
    for at in range(0, scenes, _CHUNK):
        concepts = variants(name, min(_CHUNK, scenes - at), rng)
        shown, asked = draw_events(concepts, rng, 'generation')
        done = generate_events(model, asked, codes(model, shown), restarts=1)
        shape = concepts[0]
        assert isinstance(shape, Arrangement)
        errors.append(shape.violation(done.after[:, : shape.num_participants, POSITION]))
    return np.concatenate(errors)


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw one scene of each shape for each model; the numbers are of `scenes` novel scenes."""
    figure = style.canvas(11.6, 8.8)
    axes = figure.subplots(len(SHAPES), len(_COLUMNS), sharex=True, sharey=True)
    numbers: dict[str, dict] = {}
    for column, (preset, title) in enumerate(_COLUMNS.items()):
        model = models.get(preset)
        numbers[preset] = {}
        for row, name in enumerate(SHAPES):
            errors = shape_errors(model, name, seed, scenes)
            numbers[preset][name] = cell = {
                'success': float((errors <= SUCCESS_DISTANCE).mean()),
                'median_error': float(np.median(errors)),
            }
            ax = axes[row, column]
            _draw_one(ax, model, name, seed)
            ax.set_title(
                f'{title}\n' * (row == 0)
                + f'{percent(cell["success"])} right, median error {cell["median_error"]:.3f}'
            )
            if column == 0:
                ax.set_ylabel(name, fontsize=11)
    return figure, numbers


def _draw_one(ax: Axes, model: ConceptModel, name: str, seed: int) -> None:
    """Draw how a shape forms; the scene is the same for all models."""
    rng = seeded(seed)
    shown, asked = draw_events(variants(name, 1, rng), rng, 'generation')
    chain = generation_chain(model, asked, codes(model, shown))[0][0, :, 0].numpy()
    style.plane(ax)
    ends = chain[-1, :, POSITION]
    angle = np.arctan2(*(ends - ends.mean(0)).T[::-1])
    outline = ends[np.append(angle.argsort(), angle.argmin())]
    ax.plot(*outline.T, color=style.GREY, linewidth=4, alpha=0.35, solid_joinstyle='round')
    for entity in chain.swapaxes(0, 1):
        style.draw_path(ax, entity[:, POSITION])
    style.draw_entities(ax, chain[0], hollow=True)
    style.draw_entities(ax, chain[-1])


def table(numbers: dict) -> str:
    """Return success and error by model and shape."""
    return markdown_table(
        ('', *(f'{name}{what}' for name in SHAPES for what in (', right', ', median error'))),
        [
            (
                _COLUMNS[preset],
                *(
                    text
                    for name in SHAPES
                    for text in (percent(row[name]['success']), f'{row[name]["median_error"]:.3f}')
                ),
            )
            for preset, row in numbers.items()
        ],
    )


FIGURE = FigureSpec(
    'Figure 7 (left): shapes form in several steps, and by relations',
    'Generation trajectories, one chain each, of models that were trained and are run with 1, 10 '
    'and 20 steps, and of one whose energy sums over entities in place of pairs ("no RN" in the '
    'paper). Hollow: where the entities start; filled: where they end; a dot for every step; the '
    'grey line joins the ends. In a row, all models get the same scene and demonstrations, the '
    'first of the seed. The error of a shape is the largest difference, in particle units, '
    'between its pairwise distances in ascending order and those of the true shape; its median '
    f'over novel scenes is given, and the share of scenes where it is at most {SUCCESS_DISTANCE}.',
    tuple(_COLUMNS),
    draw,
    table,
)
