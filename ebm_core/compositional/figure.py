# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images in rows, one more attribute asked for with each."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from ..datasets.shapes import ATTRIBUTES

_INCHES = 1.1  # of an image's side


def rows_png(rows: Sequence[Tensor], names: Sequence[str], asked: Tensor) -> bytes:
    """Return a PNG of rows of images (C, 3, H, W), a name for each, and what columns ask for."""
    columns = len(asked)
    figure = Figure(
        figsize=(_INCHES * columns + 1, _INCHES * len(rows) + 0.8), layout='constrained'
    )
    FigureCanvasAgg(figure)
    for i, images in enumerate(rows):
        for j, image in enumerate(images.cpu()):
            axes = figure.add_subplot(len(rows), columns, i * columns + j + 1)
            axes.imshow(image.permute(1, 2, 0).numpy())
            axes.set_xticks([])
            axes.set_yticks([])
            if not j:
                axes.set_ylabel(names[i], fontsize=8)
            if not i:
                words = (v[k] for v, k in zip(ATTRIBUTES.values(), asked[j].tolist(), strict=True))
                axes.set_title('\n'.join(words).replace('_', ' '), fontsize=7)
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=100)
    return file.getvalue()
