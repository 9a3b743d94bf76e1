# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What entities look like, as far as codes say it: a colour, a shape, or both.

Shapes: C codes, M demonstrations, N entities, F features.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..world.scene import COLOUR, SHAPE, SHAPES

SIZE_OF_LOOKS = 2 + 3 + len(SHAPES)
SAME_LOOKS = 0.3  # how far off in RGB whoever is taken for the same may be, noise included
# By how much whoever leads has to lead, that it be no chance: particle units, and of looks RGB.
CLEARLY = 0.1
SURE = 0.1  # nats that explain so little more need nothing else to explain them
# Nats: that who was meant looks the same each time would be a chance, one of so many; and how much
# of that is left, the less alike they look.
_COLOURS, _SHAPES = math.log(6), math.log(4)
_ALIKE = 0.12


class Looks(NamedTuple):
    """What of looks counts, 0 or 1, and what it is: (...), but colour (..., 3), shape (..., 4)."""

    by_colour: Tensor
    by_shape: Tensor
    colour: Tensor
    shape: Tensor

    @staticmethod
    def of(code: Tensor) -> Looks:
        """Return the looks that a part (..., SIZE_OF_LOOKS) of a code says."""
        return Looks(code[..., 0], code[..., 1], code[..., 2:5], code[..., 5:])

    def code(self) -> Tensor:
        """Return the part (..., SIZE_OF_LOOKS) of a code that says them."""
        counts = torch.stack((self.by_colour, self.by_shape), -1)
        return torch.cat((counts, self.colour, self.shape), -1)

    def by(self, colour: Tensor | float, shape: Tensor | float) -> Looks:
        """Return them with so much of colour and shape counting: numbers, or (V, …) of choices."""
        on = torch.ones_like(self.by_colour)
        return self._replace(by_colour=colour * on, by_shape=shape * on)

    def off(self, x: Tensor) -> Tensor:
        """Return how far from these looks (...) entities are, (..., N); x: (..., N, F)."""
        of_colour = (x[..., COLOUR] - self.colour.unsqueeze(-2)).norm(dim=-1)
        of_shape = 1 - (x[..., SHAPE] * self.shape.unsqueeze(-2)).sum(-1)
        return self.by_colour.unsqueeze(-1) * of_colour + self.by_shape.unsqueeze(-1) * of_shape


def mean_looks(x: Tensor, some: Tensor, *, of_others: bool = False) -> Looks:
    """Return the looks (..., M) of some (..., M, N) bool in all demonstrations together.

    x: (..., M, N, F). of_others: in all demonstrations but each, for what tells in one has to be
    seen in the others; a single one has only itself.
    """
    weight = some.unsqueeze(-1).to(x)
    looks = torch.cat((x[..., COLOUR], x[..., SHAPE]), -1)
    own, own_number = (weight * looks).sum(-2), weight.sum(-2)
    total, number = (part.sum(-2, keepdim=True).expand_as(part) for part in (own, own_number))
    if of_others and x.shape[-3] > 1:
        total, number = total - own, number - own_number
    mean = total / number.clamp_min(1)
    return Looks(
        torch.ones_like(mean[..., 0]), torch.ones_like(mean[..., 0]), *mean.split((3, 4), -1)
    )


BY_COLOUR, BY_SHAPE = (1.0, 0.0), (0.0, 1.0)
BY_BOTH = (1.0, 1.0)


def likelihood_of_looks(
    x: Tensor, some: Tensor, others: Tensor, *counts: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Return how likely (V, C, …) looks make it that some are meant, not others; how they recur.

    Both are logarithms. x: (C, …, M, N, F); some, others: (C, …, M, N) bool; counts: V choices of
    how much colour and shape count.
    """
    of, m = mean_looks(x, some, of_others=True), x.shape[-3]
    v = x.new_tensor(counts).view(-1, 2, *(1,) * of.by_colour.dim()).unbind(1)
    off = of.by(*v).off(x)
    chance = (v[0] * _COLOURS + v[1] * _SHAPES).unsqueeze(-1)
    alike = (chance - 0.5 * (off / _ALIKE).square()).clamp_min(0) * some
    each = alike.sum(-1) / some.sum(-1).clamp_min(1)
    return likelihood(-off, some, others).sum(-1), each.sum(-1) * (m - 1) / m


def likelihood(ahead: Tensor, some: Tensor, others: Tensor) -> Tensor:
    """Return how likely it is (...) that some lead the others: logarithms, summed over them.

    ahead: (..., N); some, others: (..., N) bool.
    """
    scaled = ahead / CLEARLY
    best = scaled.masked_fill(~others, -torch.inf).logsumexp(-1, keepdim=True)
    # Of no others, everybody leads.
    return torch.where(some, torch.nn.functional.logsigmoid(scaled - best), 0.0).sum(-1)
