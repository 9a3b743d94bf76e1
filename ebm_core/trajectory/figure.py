# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures: ways through a maze, states proposed between start and goal, and futures."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .points import Maze, Particle

_WIDEST_INCHES, _TALLEST_INCHES = 11.5, 2.0  # of a world in a picture of states
_LABELS_INCHES = 0.6  # beside and around it


def world_axes(axes: Axes, world: Particle) -> None:
    """Draw a world's walls and obstacle."""
    axes.set(xlim=(world.low[0], world.high[0]), ylim=(world.low[1], world.high[1]), aspect='equal')
    walls = []
    if isinstance(world, Maze):
        for corridor in range(world.corridors):
            left, below = corridor - 0.5, corridor % 2 == 0
            walls.append((left, -1 if below else -0.25, left + 0.5, 0.25 if below else 1))
    if world.obstacle:
        walls.append(world.obstacle)
    for left, bottom, right, top in walls:
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, color='0.75'))


def ways_png(panels: Mapping[str, tuple[Particle, np.ndarray]]) -> bytes:
    """Return a PNG of trajectories (N, T, 2) in worlds, a panel each, by title.

    A circle marks where they begin.
    """
    figure = Figure(figsize=(3.1 * len(panels), 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    for place, (title, (world, paths)) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place, title=title)
        world_axes(axes, world)
        for path in paths:
            axes.plot(*path.T, linewidth=0.9)
        axes.plot(*paths[0, 0], 'ko', fillstyle='none')
    return _png(figure)


def proposals_png(
    world: Maze,
    start: np.ndarray,
    goal: np.ndarray,
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> bytes:
    """Return a PNG of states (N, 2) and the way (T, 2) that was found over them, a panel each."""
    width, height = world.high - world.low
    inches = min(_WIDEST_INCHES / width, _TALLEST_INCHES / height)  # of 1
    size = (width * inches + _LABELS_INCHES, (height * inches + _LABELS_INCHES) * len(panels))
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    for place, (title, (states, way)) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(len(panels), 1, place, title=title)
        world_axes(axes, world)
        axes.plot(*states.T, '.', color='tab:blue', markersize=3)
        axes.plot(*way.T, color='tab:orange', linewidth=1)
        axes.plot(*start, 'ko', *goal, 'k*', markersize=5)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=110)
    return file.getvalue()
