# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""First moments of those who take part: of them maps are made (`maps`)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..world.scene import COLOUR, LAST_STEP, MOVABLE, NUM_INPUTS, POSITION, SHAPE

_WHAT = 5  # that it is there, its position, and its last step


def number_of_moments(roles: int) -> int:
    """Return the number Z of moments of an entity, where so many roles are told apart."""
    return (1 + roles) * _WHAT


def moments(x: Tensor) -> Tensor:
    """Return what an entity adds to the moments (..., Z); x: its inputs (..., I).

    For each part that it may play (it is movable, it has a role): that it is there, where, and by
    how much it moved in the last step. What it looks like is not among them: where it does not
    matter it is noise, and a linear way has nothing that would ignore it.
    """
    part, what = _part(x), _what(x)
    return (part.unsqueeze(-1) * what.unsqueeze(-2)).flatten(-2)


def is_movable(z: Tensor) -> Tensor:
    """Return (..., 1), of moments (..., Z) of an entity or of a sum of them: how many can move."""
    return z[..., :1]


def vector_jacobian(x: Tensor, gradient: Tensor) -> Tensor:
    """Return ∂E/∂inputs (..., I) of ∂E/∂moments (..., Z); x: the inputs (..., I)."""
    part, what = _part(x), _what(x)
    gradient = gradient.unflatten(-1, (-1, _WHAT))
    d_part = (gradient @ what.unsqueeze(-1)).squeeze(-1)
    d_what = (part.unsqueeze(-2) @ gradient).squeeze(-2)
    _, position, step = d_what.split((1, 2, 2), -1)
    movable, roles = d_part.split((1, x.shape[-1] - NUM_INPUTS), -1)
    looks = torch.zeros_like(x[..., COLOUR.start : SHAPE.stop])
    # In the order of the inputs, of which the moments have all but the way until then.
    seen = torch.cat((position, looks, movable), -1)
    return torch.cat((seen, step, torch.zeros_like(step), roles), -1)


def _part(x: Tensor) -> Tensor:
    return torch.cat((x[..., [MOVABLE]], x[..., NUM_INPUTS:]), -1)


def _what(x: Tensor) -> Tensor:
    there = torch.ones_like(x[..., :1])
    return torch.cat((there, x[..., POSITION], x[..., LAST_STEP]), -1)
