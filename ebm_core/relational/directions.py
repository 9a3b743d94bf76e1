# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Directions that demonstrators go by: from one reference to another, from one to where they began.

*0.3 to the left of A, seen towards B* is not linear in places, but in directions: unit vectors, and
what is as long as two references are apart. Nor are feet of perpendiculars.

Shapes: B any batch axes, K = 3 references at most.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_APART = 0.05  # particle units, of two places whose direction counts
PAIRS = ((0, 1), (0, 2), (1, 2))
# Each of two numbers. Unit vectors of pairs, then from each reference and from the middle of all to
# where the mover began; the latter as long as the reference is far from each other; feet of
# perpendiculars from there on the lines of pairs.
OF_PAIRS, FROM_REFERENCES, FROM_MIDDLE, AS_FAR, FEET = 0, 3, 6, 7, 13
UNIT = 7  # of these, the first, whose length is one where two places are apart
VECTORS = 16
OF_START = FROM_REFERENCES  # the first of those that are of where the mover began
ORDERED = tuple((i, j) for i in range(3) for j in range(3) if i != j)


def vectors(references: Tensor, middle: Tensor, start: Tensor) -> Tensor:
    """Return the vectors (B, VECTORS, 2); references: (B, 3, 2), middle, start: (B, 2).

    Of references that there are not, they mean nothing.
    """
    each = references.unbind(-2)
    one, other = (torch.stack([each[i] for i in of], -2) for of in zip(*PAIRS, strict=True))
    of_pairs = _unit(other - one)
    back = _unit(start.unsqueeze(-2) - torch.cat((references, middle.unsqueeze(-2)), -2))
    apart = (other - one).norm(dim=-1, keepdim=True).unbind(-2)
    from_each = back.unbind(-2)
    as_far = [apart[PAIRS.index((min(of), max(of)))] * from_each[of[0]] for of in ORDERED]
    along = ((start.unsqueeze(-2) - one) * of_pairs).sum(-1, keepdim=True)
    feet = one + along * of_pairs
    return torch.cat((of_pairs, back, torch.stack(as_far, -2), feet), -2)


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm(dim=-1, keepdim=True).clamp_min(LEAST_APART)
