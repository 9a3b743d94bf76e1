"""Typed, bounded configuration of model and training, and the presets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .scene import InvalidInput


class _Config(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True)


class ModelConfig(_Config):
    """The network's sizes; weights load only into the configuration they were made with."""

    hidden: int = Field(128, ge=8, le=1024, description='units per hidden layer of f and g')
    residuals: int = Field(8, ge=1, le=64, description='R, the length of the residual vector')
    code_size: int = Field(8, ge=1, le=64, description='D, the length of a concept code')
    sampler_steps: int = Field(10, ge=1, le=50, description='K, Langevin steps per chain')


class TrainingConfig(_Config):
    """One training run (Algorithm 1)."""

    steps: int = Field(6000, ge=1, description='optimiser steps')
    concepts: int = Field(64, ge=1, le=4096, description='concepts per step')
    demonstrations: int = Field(5, ge=1, le=20, description='events that a code is inferred from')
    queries: int = Field(2, ge=1, le=50, description='novel events per concept and context')
    learning_rate: float = Field(1e-3, gt=0, le=0.1, description="Adam's, before decay")
    warmup_steps: int = Field(50, ge=0, description='steps of linear warm-up')
    gradient_clip: float = Field(0.5, gt=0, description='largest norm of the gradient')
    kl_weight: float = Field(1.0, ge=0, description='weight of the sampler (KL) loss')
    kl_from: float = Field(
        0.2, ge=0, le=1, description='share of the steps after which the KL loss joins'
    )
    positive_weight: float = Field(
        0.1, ge=0, description='weight of the demonstrated events own energy, which is to be zero'
    )
    seed: int = Field(0, ge=0, description='of everything random in the run')
    checkpoint_every: int = Field(250, ge=1, description='steps between checkpoints')


class Preset(_Config):
    """What `--preset` names."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


PRESETS: dict[str, Preset] = {
    'placement': Preset(),
    'tiny': Preset(
        model=ModelConfig(hidden=32),
        training=TrainingConfig(steps=60, concepts=8, queries=2, checkpoint_every=20),
    ),
}


def preset(name: str, **changes: object) -> Preset:
    """Return a preset with some training values changed; errors name key, value and bounds."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    base = PRESETS[name]
    try:
        training = TrainingConfig.model_validate({**base.training.model_dump(), **changes})
    except ValidationError as error:
        raise InvalidInput(describe(error, TrainingConfig)) from None
    return Preset(model=base.model, training=training)


def describe(error: ValidationError, config: type[BaseModel]) -> str:
    """Return one line per mistake: the key, the value it was given, what is allowed."""
    lines = []
    for item in error.errors():
        key = '.'.join(str(part) for part in item['loc'])
        if item['type'] == 'extra_forbidden':
            lines.append(f'{key}: unknown key; known are {", ".join(config.model_fields)}')
        else:
            lines.append(f'{key}: {item["input"]!r} is refused: {item["msg"]}')
    return '; '.join(lines)
