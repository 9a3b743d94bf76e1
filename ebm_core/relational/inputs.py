# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the energy sees of states: features, how entities have moved, and the roles they play."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..world.scene import LAST_STEP, MOVABLE, NUM_FEATURES, NUM_INPUTS, POSITION, UNTIL_THEN


@dataclass(frozen=True)
class Inputs:
    """The layout of an energy's inputs, and the way from states to inputs and back.

    roles: how many roles the energy tells apart; their columns follow NUM_INPUTS. Zero for an
    energy to which all references are alike.
    displacement: whether a single state (T = 1) is judged with the displacement since x⁰. Without
    it, what is relative to where an entity was cannot be expressed.
    """

    roles: int = 0
    displacement: bool = False

    @property
    def number(self) -> int:
        """The number I of inputs of an entity."""
        return NUM_INPUTS + self.roles

    def __call__(self, states: Tensor, before: Tensor, roles: Tensor | None = None) -> Tensor:
        """Return the inputs (..., T, N, I) of states x¹ … xᵀ (..., T, N, NUM_FEATURES).

        before: x⁰, (..., N, NUM_FEATURES). roles: (..., N, roles) of 0 and 1; None: all that is not
        movable plays the first.
        The sum over time of eq. 4 forgets the order of the states; what an entity did in the last
        step and until then restores it.
        """
        if states.shape[-3] == 1 and not self.displacement:
            seen = pad(states, (0, NUM_INPUTS - NUM_FEATURES))
        else:
            now = states[..., POSITION]
            start = before.unsqueeze(-3)[..., POSITION].expand_as(now[..., :1, :, :])
            earlier = torch.cat((start, now[..., :-1, :, :]), -3)
            seen = torch.cat((states, now - earlier, earlier - start), -1)
        if not self.roles:
            return seen
        if roles is None:
            return pad(torch.cat((seen, 1 - states[..., [MOVABLE]]), -1), (0, self.roles - 1))
        return torch.cat((seen, roles.unsqueeze(-3).expand(*seen.shape[:-1], -1)), -1)

    def one_hot(self, roles: np.ndarray) -> Tensor:
        """Return the roles (..., N, R) of 0 and 1 that numbers (..., N) stand for; 0 is none."""
        known = np.arange(1, self.roles + 1)
        return torch.from_numpy((roles[..., None] == known).astype(np.float32))

    def vector_jacobian(self, gradient: Tensor) -> Tensor:
        """Return ∂E/∂states (..., T, N, NUM_FEATURES) of ∂E/∂inputs (..., T, N, I)."""
        out = gradient[..., :NUM_FEATURES]
        if gradient.shape[-3] == 1 and not self.displacement:
            return out
        step, until_then = gradient[..., LAST_STEP], gradient[..., UNTIL_THEN]
        from_later = pad((until_then - step)[..., 1:, :, :], (0, 0, 0, 0, 0, 1))
        position = out[..., POSITION] + step + from_later
        return torch.cat((position, out[..., POSITION.stop :]), -1)
