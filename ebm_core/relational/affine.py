# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Residuals as what they are of a code: affine, each part of them in columns of its own.

One matrix of all residuals and all columns would be zeros for nine tenths, and to fill, copy and
multiply them was half of what it took to infer a code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .layers import homogeneous


class Affine(NamedTuple):
    """[A | b] of the residuals that a code is inferred from.

    network: (..., R, D + 1), of the D columns of the network's code and a one.
    maps: (..., residuals, V) and formations: (..., sums, V), of the V columns of their own parts;
        None where the energy has none.
    """

    network: Tensor
    maps: Tensor | None = None
    formations: Tensor | None = None

    def each(self, of: Callable[[Tensor], Tensor]) -> Affine:
        """Return what a function makes of each part: another shape, some of the rows."""
        return Affine(*(None if part is None else of(part) for part in self))

    def energy(self, w: Tensor, maps: slice | None, formations: slice | None) -> Tensor:
        """Return E = ‖A w + b‖² (...) of codes w (..., D); the columns of the parts that are there.

        Where there are maps, the column behind the network's code says whether it counts.
        """
        network = homogeneous(w) if maps is None else w[..., : self.network.shape[-1]]
        energy = _square(self.network, network)
        for part, columns in ((self.maps, maps), (self.formations, formations)):
            if part is not None:
                energy = energy + _square(part, w[..., columns])
        return energy


def joined(parts: Sequence[Affine]) -> Affine:
    """Return what several have as one, along the first axis."""
    return Affine(*(None if of[0] is None else torch.cat(of) for of in zip(*parts, strict=True)))


def ridge_code(quadratic: Tensor, ridge: Tensor) -> Tensor:
    """Return the w (C, D) of least (w, 1)ᵀ Q (w, 1) + ridge · ‖w‖²; quadratic: Q (C, D+1, D+1)."""
    size = quadratic.shape[-1] - 1
    matrix = quadratic[:, :size, :size] + ridge * torch.eye(size, device=quadratic.device)
    factor = torch.linalg.cholesky_ex(matrix).L
    # Two triangular solves: torch.cholesky_solve of a batch cannot be part of a CUDA graph.
    half = torch.linalg.solve_triangular(factor, -quadratic[:, :size, size:], upper=False)
    return torch.linalg.solve_triangular(factor.mT, half, upper=True).squeeze(-1)


def _square(matrix: Tensor, code: Tensor) -> Tensor:
    return (matrix @ code.unsqueeze(-1)).squeeze(-1).square().sum(-1)
