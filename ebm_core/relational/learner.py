# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is trained, saved and loaded: the energy, and the step sizes of the chains on it."""

from __future__ import annotations

from torch import nn

from .config import ModelConfig
from .energy import Energy
from .inputs import Inputs
from .sampler import Sampler


class Learner(nn.Module):
    """One energy with the sampler that descends it."""

    def __init__(self, size: ModelConfig) -> None:
        super().__init__()
        self.energy = Energy(
            size.hidden,
            size.residuals,
            size.code_size,
            size.relational,
            size.distances,
            Inputs(size.roles, size.displacement),
            size.maps,
            size.relations,
            size.curves,
            size.formations,
        )
        self.sampler = Sampler(size.sampler_steps, ridge=size.ridge)
