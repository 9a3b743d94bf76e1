# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What recipes of presets share: one batch a step, one rate, and losses that stay the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

from torch import nn

from .config import Config, RunConfig, share_of_batch
from .protocols import ParameterGroup

AnyPreset = TypeVar('AnyPreset', bound=Config)
AnyRun = TypeVar('AnyRun', bound=RunConfig)


@dataclass(frozen=True)
class PresetRecipe(Generic[AnyPreset, AnyRun]):
    """The part of `protocols.Recipe` that follows from a preset, whose `training` is the run."""

    preset: AnyPreset

    @property
    def run(self) -> AnyRun:
        """The preset's training."""
        return self.preset.training

    @property
    def config(self) -> dict:
        """The preset."""
        return self.preset.model_dump()

    @property
    def work(self) -> float:
        """The batch of a step."""
        return self.run.batch

    @property
    def shown(self) -> Mapping[str, str]:
        """The loss."""
        return {'loss': 'loss'}

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe with this process's share of each step's batch."""
        return self.with_training(share_of_batch(self.run, rank, number))

    def with_training(self, training: AnyRun) -> Self:
        """Return the recipe with another training."""
        return replace(self, preset=self.preset.model_copy(update={'training': training}))

    def parameter_groups(self, module: nn.Module) -> Sequence[ParameterGroup]:
        """Return all parameters."""
        return (ParameterGroup(tuple(module.parameters()), self.run.learning_rate),)

    def phase(self, step: int) -> Hashable:
        """Return None: every step has the same losses."""
        return None
