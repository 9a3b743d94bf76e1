# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy over the plane, with the curve's points and the chains' samples."""

from __future__ import annotations

import io

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .curves import HALF_WIDTH, point_on
from .energy import PlaneLearner

_POINTS = 201  # per side


@torch.no_grad()
def energy_png(learner: PlaneLearner, curve: str) -> bytes:
    """Return a PNG of the energy, the curve (white) and the samples of the buffer (black)."""
    side = torch.linspace(-HALF_WIDTH, HALF_WIDTH, _POINTS)
    x, y = torch.meshgrid(side, side, indexing='xy')
    energy = learner.energy(torch.stack((x, y), -1)).squeeze(-1).numpy()
    figure = Figure(figsize=(5, 4.3), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect='equal', title=f'E(x), trained on: {curve}')
    picture = axes.pcolormesh(side.numpy(), side.numpy(), energy, cmap='viridis')
    figure.colorbar(picture)
    axes.plot(*point_on(curve, np.linspace(0, 1, 400)).T, 'w.', markersize=1)
    axes.plot(*learner.buffer.samples[:500].T.numpy(), 'k.', markersize=1.5)
    axes.set(xlim=(-HALF_WIDTH, HALF_WIDTH), ylim=(-HALF_WIDTH, HALF_WIDTH))
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=120)
    return file.getvalue()
