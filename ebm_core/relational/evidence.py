# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much noisy demonstrations speak for an exact explanation.

Numbers that an explanation leaves over follow it up to the noise of what is seen, and up to that of
a hand, which nobody told. So the latter is one more unknown,

    p(numbers) = Σ_hand P(hand) p(numbers | σ² = seen² + hand²),

and what it costs to choose coefficients among those that could have been comes with it. The result
is in nats, by which the numbers are more likely so than anywhere in the plane.
"""

from __future__ import annotations

import math

from torch import Tensor

# Particle units, and what is believed of each beforehand.
_HAND = (0.004, 0.01, 0.02, 0.03)
_BELIEF = (0.7, 0.1, 0.1, 0.1)
_TOLD = (0.8, 1.0, 1.25)  # times what was seen, which is not told exactly
# Variance of a coefficient that nobody has seen yet.
_COEFFICIENT = 1.0
_HALF_WIDTH = 1.0  # of the plane


def evidence_of_fit(missed: Tensor, spread: Tensor, number: int, seen: Tensor) -> Tensor:
    """Return log p (...) of numbers that a linear fit leaves over.

    missed: (...) sum of squares that is left over. spread: (..., D) eigenvalues of the fit's normal
    matrix, zero where there is no coefficient. Both are in units in which noise is as large as in
    what is seen. number: how many were fitted. seen: (...) noise of what is seen.
    """
    hand = missed.new_tensor(_HAND).square()
    told = missed.new_tensor(_TOLD).square()
    variance = (seen.square()[..., None, None] * told.unsqueeze(-1) + hand).flatten(-2)
    belief = missed.new_tensor(_BELIEF).log().repeat(len(_TOLD)) - math.log(len(_TOLD))
    of_choice = (1 + _COEFFICIENT * spread.unsqueeze(-2) / variance.unsqueeze(-1)).log().sum(-1)
    anywhere = (2 * math.pi * variance).log() / 2 - math.log(2 * _HALF_WIDTH)
    of_each = missed.unsqueeze(-1) / (2 * variance)
    return (belief - number * anywhere - of_each - of_choice / 2).logsumexp(-1)
