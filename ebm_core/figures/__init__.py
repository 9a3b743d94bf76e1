# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The paper's figures, one file each, and a picture of every concept family; the registry of them.

A figure is added by a file with a `FIGURE`, and its name below. The files are imported when they
are asked for: training and evaluation run without matplotlib.
"""

from __future__ import annotations

from importlib import import_module

from ..concepts import FAMILIES
from ..world.scene import InvalidInput
from .spec import FigureSpec

_MODULES = {
    'fig4': 'farthest',
    'fig5': 'transfer',
    'fig6': 'colour_codes',
    'fig7_shapes': 'shape_paths',
    'fig7_attention': 'attention_paths',
    'fig7_codes': 'code_landscapes',
    'fig8': 'kl_energies',
    'changes': 'changes',
    'open_concepts': 'open_concepts',
}
_FAMILY = 'family_'
FAMILY_FIGURES: tuple[str, ...] = tuple(_FAMILY + family for family in FAMILIES)
FIGURES: tuple[str, ...] = (*FAMILY_FIGURES, *_MODULES)


def get_figure(name: str) -> FigureSpec:
    """Return a figure by name; an unknown name raises InvalidInput that lists the known ones."""
    if name in FAMILY_FIGURES:
        return import_module('.families', __name__).family_figure(name.removeprefix(_FAMILY))
    if name not in _MODULES:
        raise InvalidInput(
            f'figure: {name!r} is unknown; known are all, families, {", ".join(FIGURES)}'
        )
    return import_module(f'.{_MODULES[name]}', __name__).FIGURE


def figure_names(name: str) -> tuple[str, ...]:
    """Return the figures that a name stands for: all, families, or one."""
    return {'all': FIGURES, 'families': FAMILY_FIGURES}.get(name, (name,))
