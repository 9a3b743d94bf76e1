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
    width: int = Field(96, ge=6, le=1024, description='numbers that tell a square of 4 × 4 pixels')
    blocks: int = Field(6, ge=1, le=32, description='layers, in each of which squares look around')
    embedding: int = Field(64, ge=8, le=1024, description='numbers that tell the noise')
    least_noise: float = Field(0.05, gt=0, description='standard deviation of the lowest level')
    most_noise: float = Field(5.0, gt=0, le=100, description='of the highest level')


class AttributeTraining(RunConfig):
    """One training run."""

    steps: int = Field(4000, ge=1, description='optimiser steps')
    learning_rate: float = Field(0.02, gt=0, le=0.1, description='of the matrices (Muon)')
    adam_rate: float = Field(3e-3, gt=0, le=0.1, description='of what is no matrix (Adam)')
    gradient_clip: float = Field(1.0, gt=0, description='largest norm of the gradient')
    batch: int = Field(64, ge=1, description='images per step')
    bfloat16: bool = Field(True, description='products of matrices in bfloat16, as training needs')


class AttributePreset(Config):
    """What `--preset` names."""

    model: AttributeConfig = AttributeConfig()
    training: AttributeTraining = AttributeTraining()


PRESETS = {
    # What a CPU core trains in minutes, what a GPU does (not measured), and what the tests train.
    'shapes': AttributePreset(),
    'shapes_gpu': AttributePreset(
        model=AttributeConfig(width=192, blocks=8),
        training=AttributeTraining(steps=8000, warmup_steps=200, batch=256),
    ),
    'tiny': AttributePreset(
        model=AttributeConfig(width=12, blocks=2, embedding=16),
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
