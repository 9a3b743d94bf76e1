"""Attention is a choice among entities: after the chains, single entities are tried in and out.

Langevin steps on logits find the neighbourhood of a mask; among many entities they often end one
entity away from it, and no small step leads there. Here the energy of hard masks decides.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .energy import Energy, LastLayer

MOST_SWAPPED = 16  # with more entities than that only additions and removals are tried


def refine(
    energy: Energy, pairs: Tensor, present: Tensor, last: LastLayer, masks: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the mask (B, N) of least energy, and that energy (B,), reached from any of `masks`.

    pairs: `Energy.pair_sums` (B, Q, H); present: (B, N); masks: (B, C, N) of 0 and 1. From each,
    the best of all masks that differ by one entity, or have one exchanged, is taken until
    none is better. Nobody attended to is no answer.
    """
    b, c, n = masks.shape
    changes = _changes(n, masks.device)
    value = _energies(energy, pairs, last, masks)
    for _ in range(n):
        around = (masks.unsqueeze(2) - changes).abs() * present[:, None, None]
        values = _energies(energy, pairs, last, around.flatten(1, 2)).unflatten(1, (c, -1))
        least, which = values.min(2)
        better = least < value
        if not better.any():
            break
        chosen = around.gather(2, which[..., None, None].expand(b, c, 1, n)).squeeze(2)
        masks = torch.where(better.unsqueeze(-1), chosen, masks)
        value = torch.minimum(value, least)
    best = value.argmin(1)
    rows = torch.arange(b, device=masks.device)
    return masks[rows, best], value[rows, best]


def _energies(energy: Energy, pairs: Tensor, last: LastLayer, masks: Tensor) -> Tensor:
    """Return E (B, C), infinite where nobody is attended to."""
    values = energy.energy_of_gates(pairs, masks, last)
    return values.masked_fill(masks.sum(-1) == 0, torch.inf)


def _changes(n: int, device: torch.device) -> Tensor:
    """Return (changes, N) with ones for the entities whose attention is turned over."""
    one = torch.eye(n, device=device)
    if n > MOST_SWAPPED:
        return one
    i, j = torch.triu_indices(n, n, 1, device=device)
    return torch.cat((one, one[i] + one[j]))
