# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Typed, bounded configuration: what every system's has in common, and that of a training run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Config(BaseModel):
    """Values that are checked once and never change; an unknown key is refused."""

    model_config = ConfigDict(extra='forbid', frozen=True)


class RunConfig(Config):
    """A training run of any energy."""

    steps: int = Field(1000, ge=1, description='optimiser steps')
    learning_rate: float = Field(
        1e-2, gt=0, le=0.1, description='of the matrices (Muon), before decay'
    )
    warmup_steps: int = Field(50, ge=0, description='steps of linear warm-up')
    gradient_clip: float = Field(0.5, gt=0, description='largest norm of the gradient')
    seed: int = Field(0, ge=0, description='of everything random in the run')
    checkpoint_every: int = Field(250, ge=1, description='steps between checkpoints')
    cuda_graphs: bool = Field(
        False, description='on a GPU, whether losses and gradients are replayed from CUDA graphs'
    )


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


def keys_help(config: type[BaseModel]) -> str:
    """Return a line for each key: what it means, and what is allowed."""
    lines = []
    for name, field in config.model_fields.items():
        bounds = ', '.join(
            f'{sign} {getattr(rule, key)}'
            for rule in field.metadata
            for key, sign in (('ge', '≥'), ('gt', '>'), ('le', '≤'))
            if hasattr(rule, key)
        )
        lines.append(f'  {name:22} {field.description}' + (f' ({bounds})' if bounds else ''))
    return '\n'.join(lines)
