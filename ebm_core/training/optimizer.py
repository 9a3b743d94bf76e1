# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What takes the training's steps: Muon for matrices, Adam for everything else.

Muon makes a matrix's step orthogonal, so that all its directions are learned alike; the losses fall
in far fewer steps than with Adam alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from ..config import RunConfig
from ..protocols import ParameterGroup


def learning_rate(run: RunConfig, step: int) -> float:
    """Linear warm-up, then a cosine down to 2 % (without the decay late steps undo early ones)."""
    warm = min(1.0, (step + 1) / max(1, run.warmup_steps))
    return (
        run.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / run.steps)))
    )


class MuonAndAdam:
    """Two optimisers that look like one; the state is numbered through, Muon's first.

    Every parameter group keeps its rate before decay as 'initial_lr'.
    """

    def __init__(self, groups: Sequence[ParameterGroup]) -> None:
        self.groups = tuple(groups)
        by_muon, by_adam = [], []
        for group in self.groups:
            muons = [p for p in group.parameters if group.matrix_rate is not None and p.ndim == 2]
            taken = {id(p) for p in muons}
            rest = [p for p in group.parameters if id(p) not in taken]
            by_muon += [_rated(muons, group.matrix_rate)] if muons else []
            by_adam += [_rated(rest, group.rate)] if rest else []
        parts: list[torch.optim.Optimizer] = []
        if by_muon:
            parts.append(
                torch.optim.Muon(by_muon, weight_decay=0.0, adjust_lr_fn='match_rms_adamw')
            )
        if by_adam:
            parts.append(torch.optim.Adam(by_adam))
        self.parts = tuple(parts)

    @property
    def param_groups(self) -> list[dict]:
        """The groups of both."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self, run: RunConfig, step: int) -> bool:
        """Take a step at its rate with clipped gradients, unless they are not finite."""
        rate = learning_rate(run, step) / run.learning_rate
        for group in self.param_groups:
            group['lr'] = group['initial_lr'] * rate
        norms = [
            nn.utils.clip_grad_norm_(group.parameters, run.gradient_clip) for group in self.groups
        ]
        taken = bool(torch.isfinite(torch.stack(norms)).all())
        if taken:
            for part in self.parts:
                part.step()
        return taken

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


def _rated(parameters: list[nn.Parameter], rate: float | None) -> dict:
    return {'params': parameters, 'lr': rate, 'initial_lr': rate}
