# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of the plane's energy and its training, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..config import Config, RunConfig, changed
from ..errors import InvalidInput

Curve = Literal['spiral', 'moons', 'rings', 'mixture']
Objective = Literal['likelihood', 'ranking']
Negatives = Literal['random', 'hard', 'answers']


class PlaneConfig(Config):
    """The network's sizes, and the chains that sample from it."""

    hidden: int = Field(64, ge=2, le=1024, description='units per hidden layer')
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
    objective: Objective = Field(
        'likelihood', description='likelihood, against samples of chains; or margin ranking'
    )
    negatives: Negatives = Field(
        'random', description='of ranking: random, hard (mined), or answers: other y of the same x'
    )
    margin: float = Field(1.0, gt=0, description='of ranking: by how much negatives are higher')
    candidates: int = Field(8, ge=1, description='of hard negatives: tried for each one taken')


class PlanePreset(Config):
    """What `--preset` names."""

    model: PlaneConfig = PlaneConfig()
    training: PlaneTraining = PlaneTraining()


RANKING = {'objective': 'ranking', 'energy_weight': 0.05}
PRESETS = {
    'spiral': PlanePreset(),
    'moons': PlanePreset(training=PlaneTraining(curve='moons')),
    'rings': PlanePreset(training=PlaneTraining(curve='rings')),
    'mixture': PlanePreset(training=PlaneTraining(curve='mixture', spread=0.06)),
    'ranking': PlanePreset(training=PlaneTraining(**RANKING)),
    'conditional': PlanePreset(training=PlaneTraining(**RANKING, negatives='answers')),
}


def preset(name: str, hidden: int | None = None, **changes: object) -> PlanePreset:
    """Return a preset with some values changed; errors name key, value and bounds.

    hidden: the network's units per layer. changes: of the training's values.
    """
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    base = PRESETS[name]
    model = changed(base.model, {} if hidden is None else {'hidden': hidden})
    training = changed(base.training, changes)
    if training.batch > model.buffer:
        raise InvalidInput(
            f'batch: {training.batch} is refused: at most {model.buffer}, the buffer'
        )
    return PlanePreset(model=model, training=training)
