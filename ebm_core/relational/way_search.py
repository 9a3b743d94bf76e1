# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A way through time is right in most of its times: what is wrong in one, another time has right.

Shapes: B events, M chains, T times, P entities, F features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def with_times_exchanged(
    energy: Callable[[Tensor], Tensor], ends: Tensor, mutable: Tensor
) -> Tensor:
    """Return the best way (B, 1, T, P, F) after each time has tried every state that chains end in.

    ends: (B, M, T, P, F); mutable: (B, P, F), 1 for what may change. Chains of Langevin steps
    seldom cross over from where somebody waits to where it follows, and states do not depend on
    how they were come by.
    """
    best, changes = least(energy, ends, 1), mutable.unsqueeze(1) > 0.5
    for time in range(ends.shape[2]):
        tried = [best]
        for other in range(ends.shape[2]):
            one = best.repeat(1, ends.shape[1], 1, 1, 1)
            one[:, :, time] = torch.where(changes, ends[:, :, other], one[:, :, time])
            tried.append(one)
        best = least(energy, torch.cat(tried, 1), 1)
    return best


def least(energy: Callable[[Tensor], Tensor], states: Tensor, number: int) -> Tensor:
    """Return the states (B, number, T, P, F) of least energy, or all if there are fewer."""
    few = min(number, states.shape[1])
    which = energy(states).topk(few, 1, largest=False).indices
    return states[torch.arange(len(states), device=states.device).unsqueeze(1), which]
