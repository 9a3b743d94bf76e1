# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Formations of several movers, told exactly by distances and offsets: nothing has to train them.

A row of four, a rectangle, three around a reference: what all demonstrations have in common are the
distances between movers, or from movers to references, whichever mover stands where. Sums of
Chebyshev polynomials, cos(kωd) for k = 1 … K, tell K distances whatever their order, as power sums
tell the roots of a polynomial. Where the turn is shown too, so are sums of cos(q·o) and sin(q·o) of
the offsets o. So the energy has residuals more,

    r = κ (S / ν − t),

of a sum S over pairs, what it is worth for a unit of distance, ν, and what the demonstrations agree
on, t. 1 / ν and t are part of the code, and so linear in it as the network's are; a part that the
demonstrations do not agree on is zero. The network stays: where a formation is to be, it tells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..world.scene import MOVABLE, NUM_INPUTS, POSITION

_DISTANCES = 10  # K: of five movers there are as many distances
_FREQUENCY = 1.0  # ω, radians per unit: half a turn is more than the plane's diagonal
# q, radians per unit: the longer waves for what is far, the shorter for what is near.
_WAVES = ((2.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, -2.0), (5.0, 0.0), (0.0, 5.0))
_SOFTENING = 0.02  # particle units; the distance has no kink where two meet
_COUNT, _DISTANCE = 0, 1  # the first parts of a kind of pairs; the third is of offsets
_PARTS = (1, _DISTANCES, 2 * len(_WAVES))
_BASE = sum(_PARTS)
# κ² = 400 per unit²: what is a tenth aside costs 4.
_STIFFNESS = 20.0
# How far demonstrations may be from what the others say, particle units: root of mean square.
_NEAR = 0.03
_NOISES = 2.5  # the same, times the noise of what is seen: it is in either end
_COUNT_UNIT = 4.0  # particle units: one who is missing costs as much as a third of a unit
_ALIKE = 1e-3  # numbers of entities that rounding alone makes different


class Layout(NamedTuple):
    """Where a code's part (V,) for formations has what belongs to each kind of pairs.

    kinds: mover and mover, then mover and each role of references. Each has parts: how many pairs,
    their distances, their offsets; each part has 1 / ν, and targets.
    """

    kinds: int

    @property
    def sums(self) -> int:
        """The number of sums over pairs, and of residuals."""
        return self.kinds * _BASE

    @property
    def size(self) -> int:
        """V."""
        return self.kinds * (len(_PARTS) + _BASE)

    def scales(self, code: Tensor) -> Tensor:
        """Return 1 / ν (..., sums) of a code's part (..., V)."""
        scale = code[..., : self.kinds * len(_PARTS)].unflatten(-1, (self.kinds, len(_PARTS)))
        repeats = torch.tensor(_PARTS, device=code.device)
        return scale.repeat_interleave(repeats, -1, output_size=_BASE).flatten(-2)

    def targets(self, code: Tensor) -> Tensor:
        """Return t (..., sums) of a code's part (..., V)."""
        return code[..., self.kinds * len(_PARTS) :]


class Formations(nn.Module):
    """The residuals of formations, and what demonstrations agree on.

    columns: where in a code its part stands; `first` is the first of them.
    """

    def __init__(self, roles: int, first: int = 0) -> None:
        super().__init__()
        self.layout = at = Layout(1 + roles)
        self.columns = slice(first, first + at.size)
        part = torch.arange(at.kinds * len(_PARTS))
        owner = at.scales(part.expand(1, -1)).squeeze(0)
        # Weights have none of it: whatever was trained takes formations as it is.
        owner = (owner == part.unsqueeze(-1)).float()
        self.register_buffer('owner', owner, persistent=False)

    def pairs(self, x: Tensor) -> Tensor:
        """Return what ordered pairs add to the sums, (..., N, N, sums); x: (..., N, I)."""
        movers = x[..., MOVABLE].sum(-1)
        if not (x.is_cuda or bool((movers > 1.5).any())):  # nobody has anybody to stand beside
            return x.new_zeros(*x.shape[:-1], x.shape[-2], self.layout.sums)
        weights, base = pair_kinds(x), of_offsets(offsets(x[..., POSITION]))
        return (weights.unsqueeze(-1) * base.unsqueeze(-2)).flatten(-2)

    def matrix(self, sums: Tensor) -> Tensor:
        """Return what a code's part is multiplied with, (..., sums, V)."""
        targets = torch.eye(sums.shape[-1], device=sums.device).expand(*sums.shape, -1)
        return _STIFFNESS * torch.cat((sums.unsqueeze(-1) * self.owner.T, -targets), -1)

    def layer(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (B, sums, sums) and bias (B, sums) that codes (B, V) amount to."""
        scale = torch.diag_embed(self.layout.scales(code))
        return _STIFFNESS * scale, -_STIFFNESS * self.layout.targets(code)

    def infer(self, matrix: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return codes (C, V), zero where there is no formation that the demonstrations agree on.

        matrix: (C, M, sums, V) of M demonstrations. seen: (C,) the noise of what is seen, particle
        units, by which they differ as well; None: there is none.
        """
        at, m = self.layout, matrix.shape[1]
        sums = matrix[..., : at.kinds * len(_PARTS)].double().sum(-1) / _STIFFNESS
        each = sums.unflatten(-1, (at.kinds, _BASE))
        mean = each.mean(1)
        count = mean[..., 0]
        if not (matrix.is_cuda or bool((count[:, 0] > 0.5).any())):  # a GPU would be waited for
            return matrix.new_zeros(len(matrix), at.size)
        is_constant = (each[..., 0] - count.unsqueeze(1)).abs().amax((1, 2)) < _ALIKE
        # Pairs of movers are summed in both orders.
        twice = torch.tensor([2.0] + [1.0] * (at.kinds - 1)).to(sums)
        unit = (twice * count.clamp_min(1.0)).sqrt().unsqueeze(-1) * _units().to(sums)
        # One left out is missed by what the others say.
        missed = (each - mean.unsqueeze(1)) * m / max(1, m - 1)
        error = torch.stack([p.square().sum(-1).mean(1) for p in missed.split(_PARTS, -1)], -1)
        noise = sums.new_zeros(len(sums)) if seen is None else _NOISES * seen
        near = (_NEAR**2 + noise.square()).sqrt()[:, None, None]
        agreed = (error.sqrt() < near * unit) & (count > 0.5).unsqueeze(-1)
        is_formation = is_constant & (count[:, 0] > 0.5) & agreed[..., _DISTANCE].any(-1) & (m > 1)
        agreed[..., _COUNT] = True
        scale = torch.where(agreed & is_formation[:, None, None], 1 / unit, 0.0).flatten(1)
        if seen is not None:
            mean = mean / _faded(seen, at.kinds)
        return torch.cat((scale, at.scales(scale) * mean.flatten(1)), -1).to(matrix)


def _faded(seen: Tensor, kinds: int) -> Tensor:
    """Return by how much noise (C,) of what is seen lessens waves in the mean, (C, kinds, base)."""
    k = torch.arange(1, _DISTANCES + 1, device=seen.device) * _FREQUENCY
    q, _ = _waves(seen)
    square = torch.cat((torch.zeros_like(q[:1, 0]), k**2, *2 * (q.square().sum(-1),)))
    # Both ends of a pair have it; references are seen twice.
    of_pair = seen.new_tensor([2.0] + [1.5] * (kinds - 1))
    variance = seen.double().square()[:, None, None] * of_pair.unsqueeze(-1)
    return (-variance * square / 2).exp()


def _units() -> Tensor:
    """Return what a unit of distance of one pair is worth in each part's sums, (3,)."""
    return torch.tensor([_COUNT_UNIT, (_DISTANCES / 2) ** 0.5, (len(_WAVES) / 2) ** 0.5])


def offsets(place: Tensor) -> Tensor:
    """Return the offsets (..., N, N, 2) from each of places (..., N, 2) to each."""
    return place.unsqueeze(-3) - place.unsqueeze(-2)


def pair_kinds(x: Tensor) -> Tensor:
    """Return what ordered pairs of inputs (..., N, I) are, (..., N, N, kinds) of 0 and 1.

    One mover alone forms nothing: its places are the network's, or a map's.
    """
    mover = x[..., MOVABLE]
    mover = mover * (mover.sum(-1, keepdim=True) > 1.5)
    second = torch.cat((mover.unsqueeze(-1), x[..., NUM_INPUTS:]), -1)
    pairs = mover[..., :, None, None] * second.unsqueeze(-3)
    other = 1.0 - torch.eye(x.shape[-2], device=x.device)
    return pairs * other.unsqueeze(-1)


def of_offsets(offset: Tensor) -> Tensor:
    """Return what offsets (..., 2) add to the sums, (..., base)."""
    k = torch.arange(1, _DISTANCES + 1, device=offset.device) * _FREQUENCY
    distance = (offset.square().sum(-1, keepdim=True) + _SOFTENING**2).sqrt()
    q, length = _waves(offset)
    phase = offset @ q.T
    one = torch.ones_like(distance)
    return torch.cat(
        (one, (k * distance).cos() / k, phase.cos() / length, phase.sin() / length), -1
    )


def slopes(offset: Tensor) -> Tensor:
    """Return ∂(what `of_offsets` gives)/∂offset, (..., base, 2)."""
    k = torch.arange(1, _DISTANCES + 1, device=offset.device) * _FREQUENCY
    distance = (offset.square().sum(-1, keepdim=True) + _SOFTENING**2).sqrt()
    q, length = _waves(offset)
    phase = (offset @ q.T).unsqueeze(-1)
    direction = q / length.unsqueeze(-1)
    of_distance = -(k * distance).sin().unsqueeze(-1) * (offset / distance).unsqueeze(-2)
    zero = torch.zeros_like(of_distance[..., :1, :])
    return torch.cat((zero, of_distance, -phase.sin() * direction, phase.cos() * direction), -2)


def _waves(offset: Tensor) -> tuple[Tensor, Tensor]:
    q = torch.tensor(_WAVES).to(offset)
    return q, q.norm(dim=-1)
