# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From states to what the energy sees of them: in trajectories, how entities have moved."""

from __future__ import annotations

import torch
from torch import Tensor

from ..world.scene import LAST_STEP, NUM_FEATURES, NUM_INPUTS, POSITION, UNTIL_THEN


def with_motion(states: Tensor, before: Tensor) -> Tensor:
    """Return the inputs (..., T, N, NUM_INPUTS) of states x¹ … xᵀ (..., T, N, NUM_FEATURES).

    before: x⁰, (..., N, NUM_FEATURES). A single state (T = 1) is judged without regard to what was
    before. The sum over time of eq. 4 forgets the order of the states; what an entity did in the
    last step and until then restores it.
    """
    if states.shape[-3] == 1:
        return torch.nn.functional.pad(states, (0, NUM_INPUTS - NUM_FEATURES))
    now = states[..., POSITION]
    start = before.unsqueeze(-3)[..., POSITION].expand_as(now[..., :1, :, :])
    earlier = torch.cat((start, now[..., :-1, :, :]), -3)
    return torch.cat((states, now - earlier, earlier - start), -1)


def pull_back(gradient: Tensor) -> Tensor:
    """Return ∂E/∂states (..., T, N, NUM_FEATURES) of ∂E/∂inputs (..., T, N, NUM_INPUTS)."""
    out = gradient[..., :NUM_FEATURES]
    if gradient.shape[-3] == 1:
        return out
    step, until_then = gradient[..., LAST_STEP], gradient[..., UNTIL_THEN]
    from_later = torch.nn.functional.pad((until_then - step)[..., 1:, :, :], (0, 0, 0, 0, 0, 1))
    position = out[..., POSITION] + step + from_later
    return torch.cat((position, out[..., POSITION.stop :]), -1)
