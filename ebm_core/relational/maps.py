# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Places that a linear map tells exactly: the part of the energy that nothing has to train.

A third of the way, a corner of a parallelogram, mirrored, a step: where the one mover is to be is
linear in where it was and where those of each role are. A network only comes near that, and of five
demonstrations a few numbers follow exactly. So the energy has six residuals more,

    r = κ (p − C q − o),  c = κ (n − n̄),

of the mover's place p, what the others' places and its start amount to, q, and how many take part,
n. Their coefficients are part of the code, and so linear in it as the network's are. A code takes
the network or a map, never both: which one, the demonstrations decide. A map counts if every one of
them follows from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .kept import kept
from .moments import number_of_moments

# κ² = 20 per unit²: near the minimum the chains' last steps, of about 0.05, lead into it.
_STIFFNESS = 20.0**0.5
# How far a demonstration may be from where the others say, particle units: root of mean square.
_NEAR = 0.03
# What is nearer than this differs by rounding, and fewer coefficients count for more.
_EXACT = 0.01
# How many numbers of the demonstrations are left over once the coefficients have been chosen.
_FEWEST_LEFT_OVER = 2
# Where nobody moved so far in any of them, still scenes are shown, which are the network's.
_MOVED = 0.1
_LITTLE = 1e-9
ALIKE = 1e-3  # numbers of entities that rounding alone makes different
_X, _Y = 0, 1


class Layout(NamedTuple):
    """Where the coefficients stand in a code's part (V,) for maps, and which residuals there are.

    entities: the mover's start, then each role. First comes what switches the map on.
    """

    entities: int

    @property
    def offset(self) -> int:
        """The first of two: what is added to a place."""
        return 1 + 4 * self.entities

    @property
    def counts(self) -> int:
        """The first of those that say how many movers, and how many of each role."""
        return self.offset + 2

    @property
    def size(self) -> int:
        """V."""
        return self.counts + self.entities

    @property
    def residuals(self) -> int:
        """The number of residuals: two of the place, the others of how many take part."""
        return 2 + self.entities

    def coefficient(self, entity: int, row: int, column: int) -> int:
        """Where the coefficient of an entity's x or y in the place's x or y is."""
        return 1 + 4 * entity + 2 * row + column


class Families(NamedTuple):
    """Structures of maps: coefficients (P,) = fixed + free @ numbers that are to be found.

    fixed: (F, P); free: (F, P, D), of which `number` (F,) columns count. uses: (F, E) bool, whose
    places each needs.
    """

    fixed: Tensor
    free: Tensor
    number: Tensor
    uses: Tensor

    def some(self, which: Tensor) -> Families:
        """Return those of which `which` (F,) is True, and no more columns than they have."""
        fixed, free, number, uses = (part[which] for part in self)
        return Families(fixed, free[..., : int(number.max())], number, uses)


class Shown(NamedTuple):
    """What M demonstrations of each of C codes show.

    place: (C, M, 2) where the mover came to be; mean: (C, M, E, 2) its start, and where those of
    each role are in the mean. number: (C, E) of how many. counts: (C, E) the same, but of movers
    first. may_be_map: (C,) whether one entity moved, in one state, and as many took part each time.
    """

    place: Tensor
    mean: Tensor
    number: Tensor
    counts: Tensor
    may_be_map: Tensor


class Maps(nn.Module):
    """The residuals of maps, and the search for the map that demonstrations follow.

    columns: where in a code its part stands; `first` is the first of them.
    """

    def __init__(self, roles: int, first: int = 0) -> None:
        super().__init__()
        self.layout = Layout(1 + roles)
        self.columns = slice(first, first + self.layout.size)
        linear, constant = _residuals(self.layout, number_of_moments(roles))
        self.register_buffer('linear', linear)
        self.register_buffer('constant', constant)

    def matrix(self, sums: Tensor) -> Tensor:
        """Return what code coefficients are multiplied with, (..., residuals, V).

        sums: (..., Z) moments of all who take part, times how many of them are movable.
        """
        return torch.einsum('...z,vzr->...rv', sums, self.linear) + self.constant.T

    def layer(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (B, Z, residuals) and bias (B, residuals) that codes (B, V) amount to."""
        return torch.einsum('bv,vzr->bzr', code, self.linear), code @ self.constant

    def infer(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes (C, V), and whether (C,) there is a map that the demonstrations follow.

        matrix: (C, M, residuals, V) of M demonstrations.
        """
        at = self.layout
        shown = self._shown(matrix.double() / -self.constant[at.offset, _X])
        score = shown.place.new_full((len(matrix),), torch.inf)
        found = shown.place.new_zeros(len(matrix), at.counts - 1)
        if matrix.is_cuda:  # to ask whether any may be one would be to wait for it
            score, found = self._best(shown)
        elif shown.may_be_map.any():
            some = shown.may_be_map.nonzero().squeeze(1)
            score[some], found[some] = self._best(Shown(*(part[some] for part in shown)))
        is_map = shown.may_be_map & score.isfinite()
        return self.code_of(shown, found).to(matrix), is_map

    def _shown(self, matrix: Tensor) -> Shown:
        """Read what demonstrations show from what a code's coefficients are multiplied with."""
        at = self.layout
        place, counts = matrix[..., :2, 0], matrix[..., 2:, 0]
        first = [at.coefficient(e, _X, _X) for e in range(at.entities)]
        others = torch.stack([-matrix[..., _X, c : c + 2] for c in first], -2)
        is_one_mover = (counts[..., 0] - 1).abs().amax(1) < ALIKE
        is_constant = (counts - counts[:, :1]).abs().amax((1, 2)) < ALIKE
        moved = (place - others[..., 0, :]).norm(dim=-1).amax(1) > _MOVED
        number = torch.cat((torch.ones_like(counts[:, 0, :1]), counts[:, 0, 1:]), -1)
        mean = others / number.clamp_min(1.0)[:, None, :, None]
        return Shown(place, mean, number, counts[:, 0], is_one_mover & is_constant & moved)

    def code_of(self, shown: Shown, coefficients: Tensor) -> Tensor:
        """Return the code's part (C, V) of a map with coefficients (C, 4 E + 2)."""
        # What was found is of a role's mean place; the residuals are of the sum.
        each = shown.number.clamp_min(1.0).repeat_interleave(4, 1)
        on = torch.ones_like(each[:, :1])
        places = coefficients[:, :-2] / each
        return torch.cat((on, places, coefficients[:, -2:], shown.counts), 1)

    def _best(self, shown: Shown) -> tuple[Tensor, Tensor]:
        """Return the score (C,) of the best map, least is best, and its coefficients (C, 4 E + 2).

        The score is infinite where no map fits.
        """
        families = families_of(self.layout.entities, shown.place.device)
        is_there = ((shown.number > 0.5).unsqueeze(1) | ~families.uses).all(-1)
        if not is_there.is_cuda:  # for whose shapes to depend on it, a GPU would be waited for
            families = families.some(is_there.any(0))
            is_there = is_there[:, is_there.any(0)]
        m = shown.place.shape[1]
        design = design_of(shown.mean).unsqueeze(1)
        wanted = shown.place.unsqueeze(1) - (design @ families.fixed[:, None, :, None]).squeeze(-1)
        columns = design @ families.free.unsqueeze(1)
        missed, numbers = left_out(columns, wanted, families.number)
        error = missed.square().mean((-1, -2)).sqrt()
        is_told = 2 * (m - 1) - families.number >= _FEWEST_LEFT_OVER
        fits = (error < _NEAR) & is_there & is_told
        score = 2 * m * (error.square() + _EXACT**2).sqrt().log() + families.number
        best, which = torch.where(fits, score, torch.inf).min(1)
        of_best = torch.take_along_dim(numbers, which[:, None, None], 1).squeeze(1)
        free = (families.free[which] @ of_best.unsqueeze(-1)).squeeze(-1)
        return best, families.fixed[which] + free


def left_out(columns: Tensor, wanted: Tensor, number: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how much each demonstration is missed by what all others say, and the solution.

    columns: (C, F, M, 2, D) of which the first `number` (F,) count, the others are zero. wanted:
    (C, F, M, 2). The solution (C, F, D) is that of all of them, of least squares. One left out is
    missed by (1 − H)⁻¹ times its residual, H its part of the hat matrix.
    """
    flat, size = columns.flatten(-3, -2), columns.shape[-1]
    # What two coefficients do alike, as of an entity that never moves, neither of them may do.
    unused = torch.arange(size, device=number.device) >= number.unsqueeze(-1)
    normal = flat.mT @ flat + torch.diag_embed(torch.where(unused, 1.0, _LITTLE)).to(flat)
    # Without a check for errors: a GPU would be waited for.
    inverse = torch.linalg.inv_ex(normal).inverse
    numbers = (inverse @ (flat.mT @ wanted.flatten(-2).unsqueeze(-1))).squeeze(-1)
    residual = wanted - (columns @ numbers[..., None, :, None]).squeeze(-1)
    own = columns @ inverse.unsqueeze(-3) @ columns.mT
    rest = (1 + _LITTLE) * torch.eye(2).to(own) - own
    return torch.linalg.solve_ex(rest, residual.unsqueeze(-1)).result.squeeze(-1), numbers


def design_of(mean: Tensor) -> Tensor:
    """Return (C, M, 2, 4 E + 2): what the coefficients of entities and offset are multiplied by."""
    c, m, e, _ = mean.shape
    rows = mean.new_zeros(c, m, 2, e, 2, 2)
    rows[:, :, _X, :, _X] = rows[:, :, _Y, :, _Y] = mean
    offset = torch.eye(2).to(mean).expand(c, m, 2, 2)
    return torch.cat((rows.flatten(3), offset), -1)


@kept
def families_of(entities: int, device: torch.device) -> Families:
    """Return all structures at once."""
    each = list(_structures(entities))
    most = max(free.shape[1] for _, free, _ in each)
    pad = torch.nn.functional.pad
    return Families(
        torch.stack([fixed for fixed, _, _ in each]).to(device),
        torch.stack([pad(free, (0, most - free.shape[1])) for _, free, _ in each]).to(device),
        torch.tensor([free.shape[1] for _, free, _ in each], device=device),
        torch.stack([uses for _, _, uses in each]).to(device),
    )


def _structures(entities: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield fixed, free and uses of what places may have in common, without an offset and with it.

    Of some entities: any multiples, for what depends on where the plane's middle is; an affine
    combination; and one whose differences are also turned, as similarities do.
    """
    size = 4 * entities + 2
    as_it_is, turned = torch.eye(2), torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    offset = list(torch.eye(size, dtype=torch.float64)[-2:])

    def of(entity: int, part: Tensor) -> Tensor:
        out = torch.zeros(size, dtype=torch.float64)
        out[4 * entity : 4 * entity + 4] = part.flatten()
        return out

    nothing = torch.zeros(size, dtype=torch.float64)
    for few in range(entities + 1):
        for chosen in combinations(range(entities), few):
            uses = torch.tensor([e in chosen for e in range(entities)])
            structures = [(nothing, [of(e, as_it_is) for e in chosen])]
            if chosen:
                first, *others = chosen
                apart = [of(e, as_it_is) - of(first, as_it_is) for e in others]
                structures.append((of(first, as_it_is), apart))
            if few > 1:
                across = [of(e, turned) - of(first, turned) for e in others]
                structures.append((of(first, as_it_is), apart + across))
            for fixed, columns in structures:
                for free in (columns, columns + offset):
                    if chosen or free:  # nothing at all would be the plane's middle
                        matrix = torch.stack(free, 1) if free else fixed.new_zeros(size, 0)
                        yield fixed, matrix, uses


def _residuals(at: Layout, z: int) -> tuple[Tensor, Tensor]:
    """Return the residuals as linear in code and sums, (V, Z, residuals), and their constants."""
    linear, constant = torch.zeros(at.size, z, at.residuals), torch.zeros(at.size, at.residuals)
    each = z // at.entities  # of a part: that it is there, its place, its last step

    def place(part: int) -> list[int]:
        return [part * each + 1, part * each + 2]

    for axis in (_X, _Y):
        linear[0, place(0)[axis], axis] = 1.0
        for column in (_X, _Y):
            start = at.coefficient(0, axis, column)
            linear[start, place(0)[column], axis] = -1.0
            linear[start, place(0)[column] + 2, axis] = 1.0  # where it was: its place less its step
            for role in range(1, at.entities):
                linear[at.coefficient(role, axis, column), place(role)[column], axis] = -1.0
        constant[at.offset + axis, axis] = -1.0
    for part in range(at.entities):
        linear[0, part * each, 2 + part] = 1.0
        constant[at.counts + part, 2 + part] = -1.0
    return _STIFFNESS * linear, _STIFFNESS * constant
