# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What takes the training's steps: Muon for matrices, Adam for biases and the chains' step sizes.

Muon makes a matrix's step orthogonal, so that all its directions are learned alike; the losses fall
in far fewer steps than with Adam alone.
"""

from __future__ import annotations

import torch
from torch import nn

from ..relational.config import TrainingConfig


class MuonAndAdam:
    """Two optimisers that look like one; the state is numbered through, Muon's first.

    Every parameter group keeps its rate before decay as 'initial_lr'.
    """

    def __init__(self, energy: nn.Module, sampler: nn.Module, config: TrainingConfig) -> None:
        matrices = [p for p in energy.parameters() if p.ndim == 2]
        vectors = [p for p in energy.parameters() if p.ndim != 2]
        rate = config.learning_rate
        muon = torch.optim.Muon(
            [{'params': matrices, 'initial_lr': rate}],
            lr=rate,
            weight_decay=0.0,
            adjust_lr_fn='match_rms_adamw',
        )
        adam = torch.optim.Adam(
            [
                {'params': vectors, 'initial_lr': config.bias_learning_rate},
                {
                    'params': list(sampler.parameters()),
                    'initial_lr': config.sampler_learning_rate,
                },
            ]
        )
        self.parts: tuple[torch.optim.Optimizer, ...] = (muon, adam)

    @property
    def param_groups(self) -> list[dict]:
        """The groups of both."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        """Take a step."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict:
        """Return {'state': moments by parameter}."""
        state, first = {}, 0
        for part, size in zip(self.parts, self._sizes(), strict=True):
            state |= {first + i: moments for i, moments in part.state_dict()['state'].items()}
            first += size
        return {'state': state}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take what `state_dict` returned."""
        first = 0
        for part, size in zip(self.parts, self._sizes(), strict=True):
            mine = {
                i - first: moments
                for i, moments in state_dict['state'].items()
                if first <= i < first + size
            }
            part.load_state_dict({**part.state_dict(), 'state': mine})
            first += size

    def _sizes(self) -> list[int]:
        return [sum(len(group['params']) for group in part.param_groups) for part in self.parts]
