# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One look for all figures: entities as they are, energies from light (low) to dark (high)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgba
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import LogFormatter

from ..world.scene import COLOUR, POSITION, SHAPE, SHAPES

MARKERS = dict(zip(SHAPES, ('X', 'o', 's', '^'), strict=True))
# Okabe and Ito's colours, which people with colour vision deficiencies tell apart.
BLUE, ORANGE, GREEN, VERMILION = '#0072b2', '#e69f00', '#009e73', '#d55e00'
DARK, GREY, LIGHT = '#222222', '#8a8a8a', '#d9d9d9'
# One hue, so that lightness alone tells energies apart and no entity's colour is lost in it.
HEAT = LinearSegmentedColormap.from_list(
    'energy', ['#ffffff', '#dfe5ee', '#b9c4d6', '#8f9fba', '#66799b', '#43557a']
)
SIZE = 90.0  # area of an entity's marker, points²
_STYLE = {
    'font.family': 'DejaVu Sans',
    'font.size': 9,
    'axes.titlesize': 9.5,
    'axes.labelsize': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.edgecolor': GREY,
    'axes.linewidth': 0.8,
    'xtick.color': DARK,
    'ytick.color': DARK,
    'xtick.labelsize': 8,
    'ytick.labelsize': 8,
    'legend.fontsize': 8,
    'legend.frameon': False,
    'figure.facecolor': 'white',
    'savefig.dpi': 160,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the look to what is drawn and saved within."""
    with mpl.rc_context(_STYLE):
        yield


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure, inches; it belongs to no window and needs none."""
    return Figure(figsize=(width, height), layout='constrained')


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG file's content."""
    buffer = BytesIO()
    figure.savefig(buffer, format='png')
    return buffer.getvalue()


def plane(ax: Axes, title: str = '') -> None:
    """Make axes the world's square, in particle units."""
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect='equal', title=title)
    ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.tick_params(length=2)
    for spine in ax.spines.values():
        spine.set_visible(True)


def draw_entities(
    ax: Axes, states: np.ndarray, *, hollow: bool = False, alpha: float = 1.0, size: float = SIZE
) -> None:
    """Draw entities (N, F) with their colours and shapes; hollow: as outlines."""
    for index, shape in enumerate(SHAPES):
        rows = states[states[:, SHAPE].argmax(1) == index]
        if not len(rows):
            continue
        colours = np.clip(rows[:, COLOUR], 0, 1)
        ax.scatter(
            *rows[:, POSITION].T,
            s=size,
            marker=MARKERS[shape],
            facecolor='white' if hollow else colours,
            edgecolor=colours if hollow else 'white',
            linewidth=1.2 if hollow else 0.8,
            alpha=alpha,
            zorder=3,
        )


def draw_attention(ax: Axes, states: np.ndarray, attention: np.ndarray) -> None:
    """Draw rings around entities (N, F), as large and as opaque as the attention (N,) in [0, 1]."""
    ax.scatter(
        *states[:, POSITION].T,
        s=SIZE * (1 + 4 * attention),
        facecolor='none',
        edgecolor=[to_rgba(DARK, float(np.clip(value, 0.03, 1))) for value in attention],
        linewidth=1.6,
        zorder=2,
    )


def draw_path(ax: Axes, path: np.ndarray, colour: str = DARK, width: float = 1.2) -> None:
    """Draw a chain's positions (K + 1, 2), a dot for every step."""
    ax.plot(*path.T, color=colour, linewidth=width, zorder=2.5)
    ax.plot(*path[1:-1].T, '.', color=colour, markersize=3.5, zorder=2.5)


def energy_norm(energies: np.ndarray) -> LogNorm:
    """Return a logarithmic scale for energies; the few lowest are as light as can be."""
    low, high = np.quantile(energies, (0.0005, 0.999))
    return LogNorm(max(float(low), float(high) * 1e-4, 1e-12), max(float(high), 1e-11), clip=True)


def draw_energy(ax: Axes, points: np.ndarray, energy: np.ndarray, norm: LogNorm) -> ScalarMappable:
    """Draw E (rows, columns) over the points (rows, columns, 2)."""
    x, y = points[..., 0], points[..., 1]
    image = ax.pcolormesh(
        x, y, energy, cmap=HEAT, norm=norm, shading='gouraud', rasterized=True, zorder=0
    )
    shown = np.clip(energy, norm.vmin, norm.vmax)
    levels = np.geomspace(norm.vmin, norm.vmax, 9)[1:-1]
    if float(np.ptp(shown)) > 0:
        ax.contour(x, y, shown, levels=levels, colors='white', linewidths=0.5, zorder=1)
    return image


def energy_bar(
    figure: Figure | SubFigure, image: ScalarMappable, axes: Sequence[Axes], label: str
) -> None:
    """Draw the scale of energies beside a row of axes."""
    axis = figure.colorbar(image, ax=axes, label=label, pad=0.015).ax.yaxis
    axis.set_major_formatter(_Plain())
    axis.set_minor_formatter(_Plain(minor_thresholds=(1.3, 0.4)))


class _Plain(LogFormatter):
    """Labels where LogFormatter has some, but 0.3 in place of 3e-01."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f'{x:g}' if super().__call__(x, pos) else ''
