# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images in rows and columns."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from .config import ImageConfig

_INCHES = 0.6  # of an image's side


def grid_png(rows: Sequence[Sequence[Tensor]], config: ImageConfig, title: str) -> bytes:
    """Return a PNG of images (pixels,) in rows; shorter rows are filled up with white."""
    columns, side = max(map(len, rows)), config.size + 1
    canvas = np.ones((len(rows) * side, columns * side, config.channels), np.float32)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            pixels = image.detach().cpu().reshape(config.channels, config.size, config.size)
            place = canvas[i * side : i * side + config.size, j * side : j * side + config.size]
            place[:] = np.moveaxis(pixels.numpy(), 0, -1)
    figure = Figure(figsize=(_INCHES * columns, _INCHES * len(rows) + 0.4), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(canvas if config.channels == 3 else canvas[..., 0], cmap='gray', vmin=0, vmax=1)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=100)
    return file.getvalue()
