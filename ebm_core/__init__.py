# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concept learning with energy-based models (Mordatch 2018) in a 2D particle world.

    from ebm_core import Demonstration, Scene, load_model

    model = load_model()                        # the shipped weights
    inferred = model.infer(demonstrations)      # five of them are usual
    attention = model.identify(scene, inferred.argument_code)
    goal = model.generate(scene, attention, inferred.action_code)

`world` has scenes, `concepts` what can be demonstrated, `relational` the energy of concepts,
`sampling` and `training` what every energy shares, `evaluation` and `figures` the measurements.
Nothing here knows ROS. What stands in `__all__` is the public face; the rest may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .concepts import concept_names, get_concept
from .errors import InvalidInput, ModelError
from .world.scene import COLOURS, SHAPES, Demonstration, Scene

if TYPE_CHECKING:
    from .relational.model import ConceptModel, InferredConcept, load_model

__all__ = [
    'COLOURS',
    'SHAPES',
    'ConceptModel',
    'Demonstration',
    'InferredConcept',
    'InvalidInput',
    'ModelError',
    'Scene',
    'concept_names',
    'get_concept',
    'load_model',
]
_NEEDS_TORCH = ('ConceptModel', 'InferredConcept', 'load_model')


def __getattr__(name: str) -> object:
    """Import what needs torch when it is asked for: torch takes seconds, scenes need none of it."""
    if name not in _NEEDS_TORCH:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from .relational import model

    return getattr(model, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
