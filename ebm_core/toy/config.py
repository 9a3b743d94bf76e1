# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of the plane's energy and its training, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError

from ..config import Config, RunConfig, describe
from ..errors import InvalidInput

Curve = Literal['spiral', 'moons', 'rings']


class PlaneConfig(Config):
    """The network's sizes, and the chains that sample from it."""

    hidden: int = Field(64, ge=8, le=1024, description='units per hidden layer')
    chain_steps: int = Field(10, ge=1, le=200, description='Langevin steps per training step')
    buffer: int = Field(2048, ge=1, description='samples that the replay buffer keeps')


class PlaneTraining(RunConfig):
    """One training run."""

    steps: int = Field(600, ge=1, description='optimiser steps')
    learning_rate: float = Field(1e-2, gt=0, le=0.1, description='of everything (Adam)')
    curve: Curve = Field('spiral', description='what the points lie on')
    batch: int = Field(256, ge=1, description='points per step, at most as many as the buffer')
    spread: float = Field(0.02, ge=0, description='standard deviation of points around the curve')
    energy_weight: float = Field(
        0.005, ge=0, description='weight of the squared energies, which keeps them from drifting'
    )


class PlanePreset(Config):
    """What `--preset` names."""

    model: PlaneConfig = PlaneConfig()
    training: PlaneTraining = PlaneTraining()


PRESETS = {name: PlanePreset(training=PlaneTraining(curve=name)) for name in Curve.__args__}


def preset(name: str, **changes: object) -> PlanePreset:
    """Return a preset with some training values changed; errors name key, value and bounds."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    base = PRESETS[name]
    try:
        training = PlaneTraining.model_validate({**base.training.model_dump(), **changes})
    except ValidationError as error:
        raise InvalidInput(describe(error, PlaneTraining)) from None
    if training.batch > base.model.buffer:
        raise InvalidInput(
            f'batch: {training.batch} is refused: at most {base.model.buffer}, the buffer'
        )
    return base.model_copy(update={'training': training})
