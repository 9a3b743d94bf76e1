# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Langevin steps whose sizes are learned:  v ← v − α_k · clip(∇E) + noise  (eq. 3).

The paper prints a plus, but the step must descend. A chain takes K steps; each variable that chains
move has K step sizes α_k and a clipping radius of its own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn


class StepRange(NamedTuple):
    """How a variable's chain begins to learn: its first and last step size, and its clip radius."""

    first: float
    last: float
    clip: float


class Langevin(nn.Module):
    """K steps for each of some variables, by name; sizes and radii are learned as logarithms."""

    def __init__(self, steps: int, variables: Mapping[str, StepRange]) -> None:
        super().__init__()
        self.steps = steps
        self.log_step = nn.ParameterDict(
            {
                name: nn.Parameter(torch.linspace(math.log(v.first), math.log(v.last), steps))
                for name, v in variables.items()
            }
        )
        self.log_clip = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(v.clip))) for name, v in variables.items()}
        )

    def step(self, variable: str, k: int, value: Tensor, gradient: Tensor, noise: float) -> Tensor:
        """Return the value (..., n) after step k of the variable's chain.

        The gradient is clipped softly, g / (1 + |g| / c): a far start moves at a bounded pace, a
        near one as the gradient says. noise: standard deviation of what is added.
        """
        radius = self.log_clip[variable].exp()
        norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        value = value - self.log_step[variable][k].exp() * gradient / (1 + norm / radius)
        return value + noise * torch.randn_like(value) if noise else value

    def chain(
        self,
        variable: str,
        start: Tensor,
        gradient: Callable[[Tensor], Tensor],
        noise: float,
        project: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Return where K steps from `start` (..., n) end; the rest as in `path`."""
        return deque(self.path(variable, start, gradient, noise, project), maxlen=1).pop()

    def path(
        self,
        variable: str,
        start: Tensor,
        gradient: Callable[[Tensor], Tensor],
        noise: float,
        project: Callable[[Tensor], Tensor] | None = None,
    ) -> Iterator[Tensor]:
        """Yield `start` (..., n) and the value after each of K steps.

        gradient: from a value to ∂E/∂value. project: from a value to the nearest that is allowed.
        """
        value = start
        yield value
        for k in range(self.steps):
            value = self.step(variable, k, value, gradient(value), noise)
            value = value if project is None else project(value)
            yield value
