# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The run seen from above in 2-D: what remains when no OpenGL can be had."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.report.heat_map import heat_map
from ebm_concept_ros.report.video import frame_times_s
from ebm_concept_ros.workspace import Workspace

TOP_VIEW_SIZE = (640, 640)
_MARKERS = {'circle': 'o', 'square': 's', 'triangle': '^', 'cross': 'P'}


class TopView:
    """Table, energy, entities and goal; the effector's path is drawn over them."""

    def __init__(
        self,
        workspace: Workspace,
        table_scene: TableScene,
        field: EnergyField | None,
        goal_in_base_m: np.ndarray | None,
        caption: str,
    ) -> None:
        # Late, for nobody else needs it.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=np.array(TOP_VIEW_SIZE) / 100, dpi=100, layout='constrained')
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        half = np.full(2, workspace.half_width_units)
        low, high = workspace.to_base(np.stack([-half, half]))
        if field is not None:
            axes.imshow(heat_map(field), extent=(low[0], high[0], low[1], high[1]))
        for entity in table_scene.entities:
            at = entity.position_in_base_m
            axes.plot(
                *at,
                _MARKERS[entity.shape],
                color=entity.rgb,
                markeredgecolor='black',
                markersize=16,
            )
            axes.annotate(entity.id, at, (0, 13), textcoords='offset points', ha='center')
        axes.plot([], [], 'k-', label='effector')
        if goal_in_base_m is not None:
            axes.plot(*goal_in_base_m[:2], 'x', color='lime', markersize=14, mew=3, label='goal')
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=caption)
        axes.set(xlabel='x in base (m)', ylabel='y in base (m)', aspect='equal')
        axes.legend(loc='upper right')
        canvas.draw()
        self._background = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
        self._to_pixels = axes.transData.transform
        self._font = ImageFont.load_default(15)

    def draw(self, trail_in_base_m: np.ndarray, text: str = '') -> np.ndarray:
        """Return (height, width, 3) uint8, the effector at the end of its path (M, 2 or 3) m."""
        image = self._background.copy()
        draw = ImageDraw.Draw(image)
        pixels = self._to_pixels(trail_in_base_m[:, :2])
        pixels[:, 1] = image.height - pixels[:, 1]
        draw.line([tuple(point) for point in pixels], fill='black', width=2)
        x, y = pixels[-1]
        draw.line((x - 8, y, x + 8, y), fill='black', width=5)
        draw.line((x, y - 8, x, y + 8), fill='black', width=5)
        draw.text((8, image.height - 24), text, fill='black', font=self._font)
        return np.asarray(image)

    def frames(self, times_s: np.ndarray, trail_in_base_m: np.ndarray) -> Iterator[np.ndarray]:
        """Yield a video's frames of the path (M, 2 or 3) m recorded at (M,) s."""
        for time_s, text in zip(*frame_times_s(times_s), strict=True):
            so_far = int(np.searchsorted(times_s, time_s, side='right'))
            yield self.draw(trail_in_base_m[: max(so_far, 1)], text)
