# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies over the plane, with the curve, samples, and the paths that chains take."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from .curves import HALF_WIDTH, point_on
from .energy import PlaneLearner
from .quality import grid

_POINTS = 161  # per side


class Panel(NamedTuple):
    """One picture of the plane.

    energy: from points (..., 2) to E (..., 1), or None. curve: drawn white. samples: (N, 2), drawn
    black. paths: (steps, N, 2), drawn as lines.
    """

    title: str
    energy: Callable[[Tensor], Tensor] | None = None
    curve: str | None = None
    samples: np.ndarray | None = None
    paths: np.ndarray | None = None


def energy_png(learner: PlaneLearner, curve: str) -> bytes:
    """Return a PNG of the energy, the curve (white) and the samples of the buffer (black)."""
    samples = learner.buffer.samples[:500].numpy()
    return panels_png([Panel(f'E(x), trained on: {curve}', learner.energy, curve, samples)])


@torch.no_grad()
def panels_png(panels: Sequence[Panel], columns: int = 3) -> bytes:
    """Return a PNG of panels in rows.

    The colour is the energy where there is one panel, and else its rank: the share of the square
    that has a lower one.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    size = (5, 4.3) if len(panels) == 1 else (2.9 * columns, 3.1 * rows)
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, place, aspect='equal')
        axes.set_title(panel.title, fontsize=9)
        _draw(figure, axes, panel, bar=len(panels) == 1)
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=120)
    return file.getvalue()


def ranks(energy: np.ndarray) -> np.ndarray:
    """Return the share of all energies (H, W) that is lower than each, the same for equal ones.

    Energies rise without end away from the curve, and would leave one colour for all that is near.
    """
    return np.searchsorted(np.sort(energy, axis=None), energy) / energy.size


def _draw(figure: Figure, axes, panel: Panel, bar: bool) -> None:
    side = np.linspace(-HALF_WIDTH, HALF_WIDTH, _POINTS)
    if panel.energy is not None:
        energy = panel.energy(grid(_POINTS)).squeeze(-1).numpy()
        if not bar:
            energy = ranks(energy)
        picture = axes.pcolormesh(side, side, energy, cmap='viridis')
        if bar:
            figure.colorbar(picture)
    if panel.curve is not None:
        colour = 'w.' if panel.energy is not None else 'c.'
        axes.plot(*point_on(panel.curve, np.linspace(0, 1, 400)).T, colour, markersize=1)
    if panel.paths is not None:
        for path in np.moveaxis(panel.paths, 1, 0):
            axes.plot(*path.T, color='white', linewidth=0.5, alpha=0.7)
    if panel.samples is not None:
        colour = 'r.' if panel.paths is not None else 'k.'
        axes.plot(*panel.samples.T, colour, markersize=1.5)
    axes.set(xlim=(-HALF_WIDTH, HALF_WIDTH), ylim=(-HALF_WIDTH, HALF_WIDTH))
    axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
