# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of the energy of an attribute and of its training, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..config import Config, RunConfig, changed_parts
from ..errors import InvalidInput


class AttributeConfig(Config):
    """Which attribute the energy knows, and the sizes of its network."""

    attribute: Literal['shape', 'size', 'position', 'colour', 'turn'] = Field(
        'shape', description='the one whose value is told'
    )
    width: int = Field(32, ge=4, le=256, description='channels of the finest layers')
    embedding: int = Field(128, ge=8, le=1024, description='numbers that tell noise and value')
    least_noise: float = Field(0.03, gt=0, description='standard deviation of the lowest level')
    most_noise: float = Field(4.0, gt=0, le=100, description='of the highest level')


class AttributeTraining(RunConfig):
    """One training run."""

    steps: int = Field(4000, ge=1, description='optimiser steps')
    learning_rate: float = Field(3e-3, gt=0, le=0.1, description='of everything (Adam)')
    gradient_clip: float = Field(1.0, gt=0, description='largest norm of the gradient')
    batch: int = Field(256, ge=1, description='images per step')
    untold_share: float = Field(0.15, ge=0, le=1, description='of images whose value is not told')


class AttributePreset(Config):
    """What `--preset` names."""

    model: AttributeConfig = AttributeConfig()
    training: AttributeTraining = AttributeTraining()


PRESETS = {
    # What a GPU trains in minutes, what a CPU core does, and what the tests train.
    'shapes': AttributePreset(training=AttributeTraining(learning_rate=2e-3, warmup_steps=200)),
    'shapes_small': AttributePreset(
        model=AttributeConfig(width=16), training=AttributeTraining(steps=1000, batch=64)
    ),
    'tiny': AttributePreset(
        model=AttributeConfig(width=4, embedding=16),
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
