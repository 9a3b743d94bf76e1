# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the shared training asks of an energy's recipe; each system implements it beside its energy.

A recipe says what a module is trained on and how. It holds no tensors: all that a run changes is in
the module, so that a checkpoint of the module and of the random states continues the run exactly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from .config import RunConfig

Module = TypeVar('Module', bound=nn.Module)
Batch = TypeVar('Batch')


class StepLosses(NamedTuple):
    """The scalar that a step descends, and the scalars that it is made of, by name."""

    total: Tensor
    parts: Mapping[str, Tensor]


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters whose gradient is clipped as one, and the rates that they are learned at.

    rate: of what Adam learns. matrix_rate: of the matrices, which Muon learns then; None leaves
    them to Adam. Both are before decay.
    """

    parameters: tuple[nn.Parameter, ...]
    rate: float
    matrix_rate: float | None = None


class Recipe(Protocol[Module, Batch]):
    """Something that the loop of `ebm_core.training` trains."""

    @property
    def run(self) -> RunConfig:
        """How long, how fast, and from which seed."""

    @property
    def config(self) -> dict:
        """All that decides the run, as JSON values; a checkpoint continues under the same alone."""

    @property
    def work(self) -> float:
        """How much this recipe draws per step: its weight among the shares of a step."""

    @property
    def shown(self) -> Mapping[str, str]:
        """Which of the losses the progress bar shows, each under a short label."""

    def share(self, rank: int, number: int) -> Self:
        """Return the part of each step's work that process `rank` of `number` does.

        Too little work to be shared raises InvalidInput.
        """

    def build(self) -> Module:
        """Return the module with its weights drawn from torch's generator.

        In a run of several processes parameters are the same in all; buffers are each one's own.
        """

    def parameter_groups(self, module: Module) -> Sequence[ParameterGroup]:
        """Return what is learned; every parameter of the module is in one group."""

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> Batch:
        """Draw a step's data; what is random comes from `rng` and torch's generators alone."""

    def losses(self, module: Module, batch: Batch, step: int) -> StepLosses:
        """Return the losses of a batch, which are differentiated."""

    def phase(self, step: int) -> Hashable:
        """Return what the losses depend on besides module and batch: steps of a phase are alike."""
