# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How well each structure of maps fits noisy demonstrations of one mover's place.

Shapes: C codes, M demonstrations, E entities, F structures of P coefficients, D numbers of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..world.scene import MOVABLE, POSITION
from .maps import ALIKE, Families, Layout, Shown, design_of

# Nats, to say which of so many structures it is; more for what is seldom meant: that where it was
# and others count together, and multiples of places, for which the plane's middle counts.
_COST, _OF_START, _OF_MULTIPLES = math.log(128), 1.5, 3.0
_LEAST_SPREAD = 1e-4  # what demonstrations tell less of than this, they do not tell


class Fit(NamedTuple):
    """How each of F structures fits: coefficients (C, F, P), and what is left over.

    missed: (C, F) the sum of squares. spread: (C, F, D) eigenvalues of the normal matrix, zero
    beyond the structure's numbers. is_there: (C, F) whether those take part whose places it needs.
    """

    coefficients: Tensor
    missed: Tensor
    spread: Tensor
    is_there: Tensor


def shown_in(states: Tensor, gates: Tensor, roles: Tensor | None, entities: int) -> Shown:
    """Return what demonstrations show: states (C, M, 2, P, F), the mover first.

    gates: (C, M, P) of 0 and 1; roles: (C, M, P, E - 1) of 0 and 1; None: all play the first.
    """
    before, after = states[:, :, 0, :, POSITION].double(), states[:, :, 1, :, POSITION].double()
    movable = states[:, :, 0, :, MOVABLE].double() * gates
    stays = gates.double() - movable
    first = torch.eye(entities - 1).to(before)[0]
    of = stays.unsqueeze(-1) * (first if roles is None else roles.double())  # (C, M, P, E - 1)
    number = of.sum(2)
    mean = of.mT @ after / number.clamp_min(1.0).unsqueeze(-1)
    counts = torch.cat((movable.sum(-1, keepdim=True), number), -1)
    is_one = (counts[..., 0] - 1).abs().amax(1) < ALIKE
    is_constant = (counts - counts[:, :1]).abs().amax((1, 2)) < ALIKE
    there = torch.cat((torch.ones_like(counts[:, 0, :1]), number[:, 0]), -1)
    mean = torch.cat((before[:, :, :1], mean), 2)
    return Shown(after[:, :, 0], mean, there, counts[:, 0], is_one & is_constant)


def missed_by(code: Tensor, shown: Shown, at: Layout) -> Tensor:
    """Return (C,) how far places are from where maps (C, V) say, root of mean square."""
    each = shown.number.clamp_min(1.0).repeat_interleave(4, 1)
    coefficients = torch.cat((code[:, 1 : at.offset] * each, code[:, at.offset : at.counts]), 1)
    said = (design_of(shown.mean) @ coefficients.to(each)[:, None, :, None]).squeeze(-1)
    return (shown.place - said).square().mean((-1, -2)).sqrt()


def fits(shown: Shown, families: Families) -> Fit:
    """Return the fits of least squares of all structures."""
    design = design_of(shown.mean).unsqueeze(1)
    wanted = shown.place.unsqueeze(1) - (design @ families.fixed[:, None, :, None]).squeeze(-1)
    flat, wanted = (design @ families.free.unsqueeze(1)).flatten(-3, -2), wanted.flatten(-2)
    normal = flat.mT @ flat
    spread, axes = torch.linalg.eigh(normal)
    along = (axes.mT @ (flat.mT @ wanted.unsqueeze(-1))).squeeze(-1)
    numbers = axes @ (along / spread.clamp_min(_LEAST_SPREAD)).unsqueeze(-1)
    missed = (wanted - (flat @ numbers).squeeze(-1)).square().sum(-1)
    is_there = (shown.number > 0.5).unsqueeze(1) | ~families.uses
    coefficients = families.fixed + (families.free @ numbers).squeeze(-1)
    return Fit(coefficients, missed, spread.clamp_min(0), is_there.all(-1))


def costs(families: Families) -> Tensor:
    """Return what it costs, in nats, to say which structure (F,) it is; the simplest least."""
    is_affine = families.fixed[:, :-2].abs().amax(-1) > 0
    parts = families.uses.sum(-1)
    of_start = families.uses[:, 0] * (parts - 1)
    return _COST + _OF_START * of_start + _OF_MULTIPLES * (~is_affine & (parts > 0))


def nobody_moves(families: Families) -> Tensor:
    """Tell (F,) which structure says that who acts stays where it is."""
    return families.uses[:, 0] & (families.number == 0)
