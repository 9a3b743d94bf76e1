# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The phases of a move as one picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Phase, Stage
from ebm_concept_ros.report.block_renderer import BlockRenderer, View

matplotlib.use('Agg')
import matplotlib.pyplot as plt

_SHOWN = (Phase.DOWN, Phase.CLOSE, Phase.CARRY, Phase.LOWER, Phase.RELEASE, Phase.RETREAT)
_SIZE = (320, 240)
_COLUMNS = 3
_FROM_THE_SIDE = View(azimuth_deg=150.0, elevation_deg=-28.0, distance_m=0.9)


class PhasePictures:
    """Draws what there is at the beginning of each phase of the first move."""

    def __init__(self) -> None:
        self._pictures: dict[Phase, np.ndarray] = {}
        self._stage: Stage | None = None

    def __call__(self, simulation: BlockSimulation, stage: Stage) -> None:
        """See one step."""
        if stage is self._stage:
            return
        self._stage = stage
        if stage.phase in _SHOWN and stage.phase not in self._pictures:
            self._pictures[stage.phase] = self._drawn(simulation)

    def save(self, path: Path) -> None:
        """Write the picture."""
        rows = -(-len(self._pictures) // _COLUMNS)
        figure, axes = plt.subplots(
            rows, _COLUMNS, figsize=(3.2 * _COLUMNS, 2.6 * rows), layout='constrained'
        )
        for axis in axes.flat:
            axis.axis('off')
        for axis, (phase, picture) in zip(axes.flat, self._pictures.items(), strict=False):
            axis.imshow(picture)
            axis.set_title(phase.name, fontsize=9)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
        plt.close(figure)

    @staticmethod
    def _drawn(simulation: BlockSimulation) -> np.ndarray:
        with BlockRenderer(simulation, _SIZE, _FROM_THE_SIDE) as renderer:
            return renderer.draw()
