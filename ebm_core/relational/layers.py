# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pieces that the energy is made of, with their slopes where its gradients need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

SOFTENING = 0.05  # particle units; the distance has no kink where two entities meet


class LastLayer(NamedTuple):
    """f's last layer for given codes: residuals = t @ weight + bias.

    weight: (B, H + Z, R); bias: (B, 1, R).
    """

    weight: Tensor
    bias: Tensor


def silu_and_slope(u: Tensor) -> tuple[Tensor, Tensor]:
    """Return SiLU(u) and its derivative."""
    gate = torch.sigmoid(u)
    value = u * gate
    return value, gate + value * (1 - gate)


def separation(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return softened distances (...) of positions (..., 2), and ∂/∂first of them (..., 2)."""
    offset = first - second
    distance = (offset.square().sum(-1) + SOFTENING**2).sqrt()
    return distance, offset / distance.unsqueeze(-1)


def block_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Return one matrix (..., rows, columns) with the blocks (..., r, c) on its diagonal."""
    columns = sum(block.shape[-1] for block in blocks)
    rows, before = [], 0
    for block in blocks:
        after = columns - before - block.shape[-1]
        rows.append(torch.nn.functional.pad(block, (before, after)))
        before += block.shape[-1]
    return torch.cat(rows, -2)


def homogeneous(w: Tensor) -> Tensor:
    """Return the code (B, D) with a one appended: A w + b = [A | b] (w, 1)."""
    return torch.cat((w, torch.ones_like(w[..., :1])), -1)
