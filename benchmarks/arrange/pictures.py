# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One picture for each kind of failure: what was shown, the table, and what came of it.

Seen from above, in particle units. An arrow goes from where somebody was to where it went; who is
meant has a solid ring, whom the plan took for that a dashed one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use('Agg')

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from benchmarks.arrange.judging import places_in_base_m
from benchmarks.arrange.series import Episode
from benchmarks.arrange.tasks import DEMONSTRATIONS
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import SHAPES, Demonstration, Scene

_MARKERS = {'cross': 'P', 'circle': 'o', 'square': 's', 'triangle': '^'}
_INCHES = (2.1, 2.5)  # of a panel
_MOVED = 0.02  # particle units: what is drawn as an arrow
_DPI = 80
_REASON = 150  # letters to a line


def write_pictures(episodes: Sequence[Episode], folder: Path, workspace: Workspace) -> Path:
    """Write the first failure of each kind, and all of them as failures.png; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    first: dict[str, Episode] = {}
    for episode in episodes:
        if not episode.row['success']:
            first.setdefault(episode.row['failure'], episode)
    for kind, episode in first.items():
        _draw([episode], folder / f'{kind.replace(" ", "_")}.png', workspace)
    together = folder / 'failures.png'
    if first:
        _draw(list(first.values()), together, workspace)
    return together


def _draw(episodes: Sequence[Episode], path: Path, workspace: Workspace) -> None:
    columns = DEMONSTRATIONS + 2
    rows = [len(episode.task.shown) for episode in episodes]
    size = (_INCHES[0] * columns, sum(_INCHES[1] * number + 0.3 for number in rows))
    figure = plt.figure(figsize=size, layout='constrained')
    parts = figure.subfigures(len(episodes), 1, squeeze=False, height_ratios=rows)
    for part, episode in zip(parts[:, 0], episodes, strict=True):
        _draw_episode(part, episode, workspace)
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _draw_episode(figure: Figure | SubFigure, episode: Episode, workspace: Workspace) -> None:
    row, task, plan, after = episode
    why = f': {row["detail"]}' if row['detail'] else ''
    if 'off_m' in row and not why:
        why = f': {1e3 * row["off_m"]:.0f} mm off'
    # The detail of a refusal begins with its kind.
    what = row['failure'] + why.removeprefix(f': {row["failure"]}')
    title = f'{row["concept"]}, table {row["seed"]}: {what}'
    figure.suptitle(textwrap.fill(title, _REASON), fontsize=9, x=0.01, ha='left')
    grid = figure.subplots(len(task.shown), DEMONSTRATIONS + 2, squeeze=False)
    for axes, shown in zip(grid, task.shown, strict=True):
        for i, demonstration in enumerate(shown.demonstrations):
            _draw_demonstration(axes[i], demonstration, f'shown {i + 1}')
        for spare in axes[DEMONSTRATIONS:]:
            spare.set_visible(False)
    ids = [thing.id for thing in task.standing]
    movers, references = ((), ()) if plan is None else (plan.movers, plan.references)
    taken = [i for i, id_ in enumerate(ids) if id_ in {*movers, *references}]
    meant = [*task.look_alikes, *task.references]
    end = task.scene.with_positions(workspace.to_plane(places_in_base_m(after)))
    ended = 'how it ended' if row.get('moves') else 'nothing was moved'
    for axes, scene, name in (
        (grid[0, DEMONSTRATIONS], task.scene, 'the table'),
        (grid[0, DEMONSTRATIONS + 1], end, ended),
    ):
        axes.set_visible(True)
        _draw_scene(axes, scene, name)
        _ring(axes, scene.positions[meant], 'solid')
        _ring(axes, scene.positions[taken], 'dashed')
    _draw_ways(grid[0, DEMONSTRATIONS + 1], task.scene, end)


def _draw_demonstration(axes: Axes, demonstration: Demonstration, name: str) -> None:
    _draw_scene(axes, demonstration.after, name)
    _draw_ways(axes, demonstration.before, demonstration.after)
    _ring(axes, demonstration.after.positions[demonstration.attention > 0.5], 'solid')


def _draw_scene(axes: Axes, scene: Scene, name: str) -> None:
    for place, colour, shape in zip(scene.positions, scene.colours, scene.shapes, strict=True):
        axes.plot(*place, _MARKERS[SHAPES[shape]], color=colour, markersize=8, mec='black', mew=0.5)
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), xticks=(), yticks=(), aspect='equal')
    axes.set_title(name, fontsize=8)


def _draw_ways(axes: Axes, before: Scene, after: Scene) -> None:
    for start, end in zip(before.positions, after.positions, strict=True):
        if np.linalg.norm(end - start) > _MOVED:
            axes.annotate('', end, start, arrowprops={'arrowstyle': '->', 'shrinkB': 5})


def _ring(axes: Axes, places: Iterable[np.ndarray], style: str) -> None:
    radius = 0.15 if style == 'solid' else 0.19
    for place in places:
        axes.add_patch(plt.Circle(tuple(place), radius, fill=False, linestyle=style, lw=0.8))
