# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of the energies of shapes and of their training, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..config import Config, RunConfig, changed_parts
from ..errors import InvalidInput


class AttributeConfig(Config):
    """Which attribute the energy knows, and the sizes of its network."""

    attribute: Literal['any', 'shape', 'size', 'position', 'colour', 'turn'] = Field(
        'any', description='the one whose value is told; any: none, the energy is of all images'
    )
    outlines: int = Field(4096, ge=1, le=65536, description='that are remembered')
    colours: int = Field(8, ge=1, le=256, description='that are remembered')
    least_noise: float = Field(0.2, gt=0, description='standard deviation of the lowest level')
    most_noise: float = Field(3.0, gt=0, le=100, description='of the highest level')


class AttributeTraining(RunConfig):
    """One training run."""

    steps: int = Field(60, ge=1, description='optimiser steps')
    learning_rate: float = Field(1e-3, gt=0, le=0.1, description='of outlines and colours (Adam)')
    naming_rate: float = Field(0.05, gt=0, le=1, description='of what they are called (Adam)')
    gradient_clip: float = Field(1.0, gt=0, description='largest norm of the gradient')
    batch: int = Field(64, ge=1, description='images per step')


class AttributePreset(Config):
    """What `--preset` names."""

    model: AttributeConfig = AttributeConfig()
    training: AttributeTraining = AttributeTraining()


PRESETS = {
    # What a CPU core trains in minutes, and what the tests train.
    'shapes': AttributePreset(),
    'tiny': AttributePreset(
        model=AttributeConfig(outlines=32, colours=6),
        training=AttributeTraining(steps=10, batch=16),
    ),
}


def preset(name: str, **changes: object) -> AttributePreset:
    """Return a preset with some values of model or training changed; errors name key and value."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    made = changed_parts(PRESETS[name], changes)
    if made.model.least_noise >= made.model.most_noise:
        raise InvalidInput(
            f'least_noise: {made.model.least_noise:g} is refused: below most_noise, '
            f'{made.model.most_noise:g}'
        )
    return made
