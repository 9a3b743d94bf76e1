# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A replay buffer of samples: chains go on where earlier ones ended (Du & Mordatch 2019).

Short chains from noise stay far from what the energy means; going on with the ends of earlier
chains makes them long, at the cost of a short one per training step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ReplayBuffer(nn.Module):
    """S samples (S, ...), kept with the model so that a checkpoint has them."""

    def __init__(self, samples: Tensor, restart_share: float = 0.05) -> None:
        """Keep `samples` (S, ...) as the first ones; restart_share: of draws that begin anew."""
        super().__init__()
        self.restart_share = restart_share
        self.register_buffer('samples', samples.clone())

    def draw(self, fresh: Tensor) -> tuple[Tensor, Tensor]:
        """Return starts (B, ...) of chains and their places (B,) in the buffer, none twice.

        fresh: (B, ...) samples of where chains begin anew; a share of them is taken. B is at most
        the size of the buffer.
        """
        number, device = len(fresh), self.samples.device
        places = torch.randperm(len(self.samples), device=device)[:number]
        anew = torch.rand(number, device=device) < self.restart_share
        anew = anew.view(-1, *[1] * (fresh.ndim - 1))
        return torch.where(anew, fresh, self.samples[places]), places

    def put(self, places: Tensor, samples: Tensor) -> None:
        """Keep where chains ended, samples (B, ...), in the places (B,) that they were drawn from.

        What is not finite is left out: a chain that diverged once would do so for ever.
        """
        finite = torch.isfinite(samples).flatten(1).all(1).view(-1, *[1] * (samples.ndim - 1))
        self.samples[places] = torch.where(finite, samples.detach(), self.samples[places])
