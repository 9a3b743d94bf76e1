# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Typed, bounded configuration: what every system's has in common, and that of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InvalidInput


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


AnyConfig = TypeVar('AnyConfig', bound=Config)
AnyRun = TypeVar('AnyRun', bound=RunConfig)


def changed(base: AnyConfig, changes: Mapping[str, object]) -> AnyConfig:
    """Return a configuration with some values changed; InvalidInput names key, value and bounds."""
    try:
        return type(base).model_validate({**base.model_dump(), **changes})
    except ValidationError as error:
        raise InvalidInput(describe(error, type(base))) from None


def changed_parts(base: AnyConfig, changes: Mapping[str, object]) -> AnyConfig:
    """Return the same where each key belongs to the one of base's parts that has it."""
    parts = {name: getattr(base, name) for name in type(base).model_fields}
    known = [key for part in parts.values() for key in type(part).model_fields]
    if unknown := [key for key in changes if key not in known]:
        raise InvalidInput(f'{", ".join(unknown)}: unknown key; known are {", ".join(known)}')
    made = {
        name: changed(part, {k: v for k, v in changes.items() if k in type(part).model_fields})
        for name, part in parts.items()
    }
    return base.model_copy(update=made)


def share_of_batch(run: AnyRun, rank: int, number: int) -> AnyRun:
    """Return a run with the share of each step's batch that process `rank` of `number` takes."""
    batch = run.batch // number + (rank < run.batch % number)
    if not batch:
        raise InvalidInput(f'batch: {run.batch} is too few for {number} processes')
    return run.model_copy(update={'batch': batch})


def describe(error: ValidationError, config: type[BaseModel]) -> str:
    """Return one line per mistake: the key, the value it was given, what is allowed."""
    lines, unknown = [], []
    for item in error.errors():
        key = '.'.join(str(part) for part in item['loc'])
        if item['type'] == 'extra_forbidden':
            unknown.append(key)
        else:
            lines.append(f'{key}: {item["input"]!r} is refused: {item["msg"]}')
    if unknown:
        known = ', '.join(config.model_fields)
        lines.append(f'{", ".join(unknown)}: unknown key; known are {known}')
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
