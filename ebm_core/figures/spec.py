# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a figure is to the command line and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .models import Models


@dataclass(frozen=True)
class FigureSpec:
    """One figure.

    caption: what is shown and how its numbers are defined, Markdown.
    needs: presets of the models that it compares; 'concepts' is the main model.
    draw: from models, seed and number of scenes to the drawing and its numbers (JSON values).
    table: from these numbers to a Markdown table.
    concepts: what the main model must have been trained on for it to show anything.
    """

    title: str
    caption: str
    needs: tuple[str, ...]
    draw: Callable[[Models, int, int], tuple[Figure, dict]]
    table: Callable[[dict], str]
    concepts: tuple[str, ...] = ()


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str = '--:') -> str:
    """Return a Markdown table; align: of all columns but the first, by default to the right."""
    lines = [header, ['---', *[align] * (len(header) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage."""
    return f'{100 * share:.1f} %'
