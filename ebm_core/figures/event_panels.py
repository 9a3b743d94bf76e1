# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Single events as small pictures: where entities come from, where they go, who takes part."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..concepts import Concept, EventBatch
from ..world.scene import COLOUR, POSITION
from . import style

_DISTRACTORS_ALPHA = 0.55
REACH = 1.3  # half the side of what is shown, particle units: moving entities leave the square


def empty(ax: Axes, text: str) -> None:
    """Make axes a panel that says why it shows nothing."""
    _panel(ax)
    ax.text(0, 0, text, ha='center', va='center', color=style.GREY, fontsize=8)


def draw_event(ax: Axes, event: EventBatch, changes: str, chain: np.ndarray | None = None) -> None:
    """Draw one event (): where it begins hollow, where it ends filled, rings around who takes part.

    changes: `Concept.changes`. chain: of what the model changes after each of K steps, positions
    (K + 1, P, 2) or colours (K + 1, P, 3); it need not begin at x⁰. None draws straight arrows.
    """
    _panel(ax)
    part = event.attention > 0.5
    others = event.present & ~part
    still = np.flatnonzero(part & ~event.mutable.any(-1))
    moved = np.flatnonzero(event.mutable.any(-1))
    if len(event.states) > 2:
        _draw_courses(ax, event, part, others)
        return
    style.draw_entities(ax, event.before[others], alpha=_DISTRACTORS_ALPHA)
    style.draw_entities(ax, event.before[still])
    style.draw_attention(ax, event.after[part], event.attention[part])
    if changes == 'colour':
        style.draw_entities(ax, event.after[moved])
        colours = event.states[:, moved[0], COLOUR] if chain is None else chain[:, 0]
        _draw_colours(ax, colours)
        return
    begin = event.before[moved]
    if chain is not None:
        begin[:, POSITION] = chain[0, moved]
    style.draw_entities(ax, begin, hollow=True)
    for i in moved:
        if chain is None:
            _arrow(ax, event.before[i, POSITION], event.after[i, POSITION])
        else:
            style.draw_path(ax, chain[:, i], width=1.0)
    style.draw_entities(ax, event.after[moved])


def draw_still(ax: Axes, event: EventBatch, attention: np.ndarray) -> None:
    """Draw a scene () of identification, still or in motion, and the mask (N,) found in it.

    Dashed rings are around those who are meant and were not found.
    """
    _panel(ax)
    missed = (event.attention > 0.5) & (attention <= 0.5)
    if event.any_of[1]:
        missed[:] = False
    found = event.present & (attention > 0.5)
    others = event.present & ~found
    if (event.states[0] != event.states[-1]).any():
        _draw_courses(ax, event, found, others)
    else:
        style.draw_entities(ax, event.before[others], alpha=_DISTRACTORS_ALPHA)
        style.draw_entities(ax, event.before[found])
        style.draw_attention(ax, event.before[found], attention[found])
    for place in event.after[missed, POSITION]:
        ax.scatter(
            *place, s=5 * style.SIZE, facecolor='none', edgecolor=style.VERMILION, linestyle='--'
        )


def verdict(ax: Axes, right: bool) -> None:
    """Write into the corner whether the predicate is satisfied."""
    ax.text(
        0.04,
        0.04,
        'right' if right else 'wrong',
        transform=ax.transAxes,
        fontsize=7,
        color='white',
        bbox={
            'boxstyle': 'round,pad=0.25',
            'facecolor': style.GREEN if right else style.VERMILION,
            'linewidth': 0,
        },
        zorder=5,
    )


def draw_admissible(ax: Axes, points: np.ndarray, admissible: np.ndarray) -> None:
    """Outline where a predicate (rows, columns) holds of points (rows, columns, 2)."""
    x, y = points[..., 0], points[..., 1]
    ax.contour(x, y, admissible, levels=[0.5], colors=style.GREEN, linewidths=1.1, zorder=1.5)


def legend(concept: Concept, *, answered: bool) -> list[Line2D]:
    """Return the handles of what stands in the panels of a family.

    answered: whether there is more than the demonstrations.
    """

    def mark(label: str, **look: object) -> Line2D:
        return Line2D(
            [], [], label=label, **{'linestyle': '', 'marker': 'o', 'markersize': 8} | look
        )

    handles = [mark('takes part', markerfacecolor='none', markeredgecolor=style.DARK)]
    if answered and concept.generates:
        missed = {'markerfacecolor': 'none', 'markeredgecolor': style.VERMILION}
        handles.append(mark('not found', **missed))
    if not concept.generates:
        return handles
    if concept.changes == 'colour':
        return [*handles, mark('its colours, from x⁰ on', marker='s', color=style.GREY)]
    handles += [
        mark('before', markerfacecolor='white', markeredgecolor=style.GREY),
        mark('after', color=style.GREY),
    ]
    path = {'color': style.DARK, 'linestyle': '-', 'marker': '.'}
    if concept.steps > 1:
        return [*handles, mark(f'course, in {concept.steps} steps of time', **path)]
    if answered:
        handles.append(mark('the K steps on the way', **path))
    if concept.changes == 'position':
        handles.append(mark('admissible', color=style.GREEN, linestyle='-', marker=''))
    return handles


def _panel(ax: Axes) -> None:
    style.plane(ax)
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[])


def _arrow(ax: Axes, start: np.ndarray, end: np.ndarray) -> None:
    look = {'arrowstyle': '-|>', 'color': style.DARK, 'linewidth': 1.0, 'shrinkA': 5, 'shrinkB': 6}
    ax.annotate('', end, start, arrowprops=look, zorder=2.5)


def _draw_colours(ax: Axes, colours: np.ndarray) -> None:
    """Draw colours (K + 1, 3) from left to right below a panel."""
    places = np.linspace(0.08, 0.92, max(len(colours), 11))[: len(colours)]
    ax.scatter(
        places,
        np.full(len(colours), -0.07),
        s=34,
        marker='s',
        c=np.clip(colours, 0, 1),
        transform=ax.transAxes,
        clip_on=False,
    )


def _draw_courses(ax: Axes, event: EventBatch, part: np.ndarray, others: np.ndarray) -> None:
    """Draw where entities are from x⁰ to xᵀ, dots that grow with time; part, others: (N,) bool."""
    for mask, colour, alpha in ((others, style.GREY, 0.4), (part, style.DARK, 1.0)):
        for i in np.flatnonzero(mask):
            course = event.states[:, i, POSITION]
            ax.plot(*course.T, color=colour, alpha=alpha, linewidth=1.0, zorder=2.5)
            sizes = np.linspace(4, 22, len(course))[:-1]
            ax.scatter(*course[:-1].T, s=sizes, color=colour, alpha=alpha, zorder=2.6, linewidth=0)
    style.draw_entities(ax, event.after[others], alpha=_DISTRACTORS_ALPHA)
    style.draw_entities(ax, event.before[part], hollow=True)
    style.draw_attention(ax, event.after[part], np.ones(int(part.sum())))
    # Who comes to another is drawn on top of it.
    style.draw_entities(ax, event.after[part][::-1])
