# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures, from trained models to files."""

from __future__ import annotations

from pathlib import Path

from ..errors import InvalidInput
from ..files import write_atomically
from . import get_figure
from .models import Models


def draw_figures(
    names: tuple[str, ...], models: Models, output: Path, *, seed: int, scenes: int
) -> dict[str, dict]:
    """Draw figures into output/NAME.png, and return the numbers of each by name.

    Models that are missing are told of before anything is drawn.
    """
    try:
        from . import style
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None

    specs = {name: get_figure(name) for name in names}
    models.require(dict.fromkeys(preset for spec in specs.values() for preset in spec.needs))
    results = {}
    for name, spec in specs.items():
        with style.style():
            figure, numbers = spec.draw(models, seed, scenes)
            write_atomically(output / f'{name}.png', style.png(figure))
        results[name] = numbers
    return results
