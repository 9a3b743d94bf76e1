# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Attention is a choice among entities: beside the chains, masks grow, and are tried in variations.

Langevin steps on logits find the neighbourhood of a mask; among many entities they often end one
entity away from it, or at a part of another that looks alike, and no small step leads on. Here the
energy of hard masks decides.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .mask_energies import MaskEnergies

MOST_TRIED = 10  # with no more entities, all masks are tried, and nothing is searched for
# With more entities there are no chains, only the best pairs grow and only single ones are tried.
MOST_SEARCHED = 16
_PAIRS = 32  # so many of them
# How many masks are grown on after the first step, and in how many more; how many are kept then.
_BEAM, _STEPS, _KEPT = 8, 2, 2


def best_of_all_masks(energies: MaskEnergies, present: Tensor) -> Tensor:
    """Return the mask (B, N) of least energy of all 2ᴺ − 1; present: (B, N) of 0 and 1."""
    n = present.shape[-1]
    numbers = torch.arange(1, 2**n, device=present.device).unsqueeze(-1)
    masks = (numbers >> torch.arange(n, device=present.device) & 1).to(present)
    absent = (masks > present.unsqueeze(1)).any(-1)
    values = energies.of(masks.unsqueeze(0)).masked_fill(absent, torch.inf)
    return masks[values.argmin(1)]


def grow_masks(energies: MaskEnergies, present: Tensor) -> Tensor:
    """Return masks (B, C, N) of 0 and 1 worth refining: grown entity by entity from every pair.

    What several entities satisfy together, no two of them show; from the pair that begins it each
    further one is the best of all there are. Arguments as of `refine_masks`.
    """
    n = present.shape[-1]
    one = torch.eye(n, device=present.device)
    i, j = torch.triu_indices(n, n, device=present.device)  # i = j: an entity by itself
    masks = torch.maximum(one[i], one[j]) * present.unsqueeze(1)
    value = energies.of_pairs().masked_fill(present[:, i] * present[:, j] == 0, torch.inf)
    if n > MOST_SEARCHED:
        masks, value = _least(masks, value, _PAIRS)
    masks, value = _best_toggle(energies, present, masks, value)
    masks, value = _least(masks, value, _BEAM)
    for _ in range(_STEPS):
        masks, value = _best_toggle(energies, present, masks, value)
    return _least(masks, value, _KEPT)[0]


def refine_masks(energies: MaskEnergies, present: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mask (B, N) of least energy, and that energy (B,), reached from any of `masks`.

    present, masks: (B, N), (B, C, N) of 0 and 1. From each, the best of all masks that differ by
    one entity, or have one exchanged, is taken until none is better. Nobody attended to is no
    answer.
    """
    n = masks.shape[-1]
    best = _best_toggle if n > MOST_SEARCHED else _best_change
    value = energies.of(masks)
    for _ in range(n):
        before = value
        masks, value = best(energies, present, masks, before)
        if not (value < before).any():
            break
    masks, value = _least(masks, value, 1)
    return masks.squeeze(1), value.squeeze(1)


def energies_around(energies: MaskEnergies, present: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return E (B,) of a mask (B, N), and (B, changes) of all that differ by one or two entities.

    It is infinite of those who are absent. present: as of `refine_masks`.
    """
    around = (mask.unsqueeze(1) - _changes(mask.shape[-1], mask.device)).abs()
    absent = (around > present.unsqueeze(1)).any(-1)
    values = energies.of(torch.cat((mask.unsqueeze(1), around), 1))
    return values[:, 0], values[:, 1:].masked_fill(absent, torch.inf)


def _best_toggle(
    energies: MaskEnergies, present: Tensor, masks: Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    """Return masks (B, C, N) and energies (B, C) after one entity more or less, if that is better.

    value: (B, C) of `masks`.
    """
    # One who is absent is in no mask, and turned over is in one.
    values = energies.of_toggles(masks).masked_fill(present.unsqueeze(1) == 0, torch.inf)
    least, which = values.min(2)
    turned = masks.scatter(
        2, which.unsqueeze(-1), 1.0 - masks.take_along_dim(which.unsqueeze(-1), 2)
    )
    return torch.where((least < value).unsqueeze(-1), turned, masks), torch.minimum(value, least)


def _best_change(
    energies: MaskEnergies, present: Tensor, masks: Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the same after one entity more or less, or another in the place of one."""
    changes = _changes(masks.shape[-1], masks.device)
    around = (masks.unsqueeze(2) - changes).abs() * present[:, None, None]
    values = energies.of(around.flatten(1, 2)).unflatten(1, (masks.shape[1], -1))
    least, which = values.min(2)
    chosen = around.take_along_dim(which[..., None, None], 2).squeeze(2)
    return torch.where((least < value).unsqueeze(-1), chosen, masks), torch.minimum(value, least)


def _least(masks: Tensor, value: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return the masks (B, number, N) of least energy, or all if there are fewer, and these."""
    value, which = value.topk(min(number, value.shape[1]), 1, largest=False)
    return masks.take_along_dim(which.unsqueeze(-1), 1), value


def _changes(n: int, device: torch.device) -> Tensor:
    """Return (changes, N) with ones for the one or two entities whose attention is turned over."""
    one = torch.eye(n, device=device)
    i, j = torch.triu_indices(n, n, 1, device=device)
    return torch.cat((one, one[i] + one[j]))
