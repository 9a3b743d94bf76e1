"""The run seen from above in 2-D: what remains when no OpenGL can be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.mpc.energy_field import EnergyField
from ebm_concept_ros.report.heat_map import heat_map
from ebm_concept_ros.workspace import Workspace
from ebm_core.scene import COLOURS

_MARKERS = {'circle': 'o', 'square': 's', 'triangle': '^', 'cross': 'P'}


def draw_top_view(
    path: Path,
    workspace: Workspace,
    table_scene: TableScene,
    field: EnergyField | None,
    goal_in_base_m: np.ndarray | None,
    trail_in_base_m: np.ndarray,
    caption: str,
) -> None:
    """Write a PNG of table, energy, entities, goal and the effector's path (M, 2 or 3) m."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 6.4), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    half = np.array([1.0, 1.0]) * workspace.half_width_units
    low, high = workspace.to_base(np.stack([-half, half]))
    if field is not None:
        axes.imshow(heat_map(field), extent=(low[0], high[0], low[1], high[1]))
    for entity in table_scene.entities:
        axes.plot(
            *entity.position_in_base_m,
            _MARKERS[entity.shape],
            color=COLOURS[entity.colour],
            markeredgecolor='black',
            markersize=16,
        )
        axes.annotate(
            entity.id, entity.position_in_base_m, (0, 13), textcoords='offset points', ha='center'
        )
    axes.plot(trail_in_base_m[:, 0], trail_in_base_m[:, 1], 'k-', label='effector')
    axes.plot(*trail_in_base_m[-1, :2], 'kP', markersize=10)
    if goal_in_base_m is not None:
        axes.plot(*goal_in_base_m[:2], 'x', color='lime', markersize=14, mew=3, label='goal')
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=caption)
    axes.set(xlabel='x in base (m)', ylabel='y in base (m)', aspect='equal')
    axes.legend(loc='upper right')
    figure.savefig(path)
