# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of an image energy and its training, and the presets."""

from __future__ import annotations

from pydantic import Field

from ..config import Config, RunConfig, changed_parts
from ..errors import InvalidInput


class ImageConfig(Config):
    """The network's sizes, the images that it takes, and the chains that sample them."""

    channels: int = Field(1, ge=1, le=4, description='of an image')
    size: int = Field(8, ge=4, le=64, description='pixels per side')
    classes: int = Field(10, ge=1, description='labels; 1: the energy knows none')
    width: int = Field(24, ge=4, le=512, description='channels of the first layer')
    chain_steps: int = Field(10, ge=1, le=1000, description='Langevin steps per training step')
    buffer: int = Field(500, ge=1, description='samples that the replay buffer keeps')
    step: float = Field(1.0, gt=0, description='size of a Langevin step')
    clip: float = Field(0.5, gt=0, description="radius of a gradient's soft clipping")
    noise: float = Field(0.005, ge=0, description='standard deviation of a step')

    @property
    def pixels(self) -> int:
        """Values of an image."""
        return self.channels * self.size**2


class ImageTraining(RunConfig):
    """One training run."""

    steps: int = Field(600, ge=1, description='optimiser steps')
    learning_rate: float = Field(5e-3, gt=0, le=0.1, description='of everything (Adam)')
    batch: int = Field(64, ge=1, description='images per step, at most as many as the buffer')
    data_noise: float = Field(0.03, ge=0, description='standard deviation added to images')
    energy_weight: float = Field(0.02, ge=0, description='weight of the squared energies')
    classify_weight: float = Field(
        4.0, ge=0, description='of −log p(y | x), beside −log p(x) (JEM); 0: E(x, y) alone'
    )
    largest_energy: float = Field(100.0, gt=0, description='beyond which a run has diverged')


class ImagePreset(Config):
    """What `--preset` names."""

    model: ImageConfig = ImageConfig()
    training: ImageTraining = ImageTraining()


PRESETS = {
    'digits': ImagePreset(),
    'generative': ImagePreset(training=ImageTraining(classify_weight=0.0)),
    'unconditional': ImagePreset(
        model=ImageConfig(classes=1), training=ImageTraining(classify_weight=0.0)
    ),
    # What a CPU core trains in minutes, of MNIST or Fashion-MNIST.
    'mnist': ImagePreset(model=ImageConfig(size=28, width=16), training=ImageTraining(steps=800)),
    'tiny': ImagePreset(
        model=ImageConfig(width=8, chain_steps=5, buffer=200),
        training=ImageTraining(steps=80, batch=32),
    ),
}


def preset(name: str, **changes: object) -> ImagePreset:
    """Return a preset with some values of model or training changed; errors name key and value."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    made = changed_parts(PRESETS[name], changes)
    if made.training.batch > made.model.buffer:
        raise InvalidInput(
            f'batch: {made.training.batch} is refused: at most {made.model.buffer}, the buffer'
        )
    return made
