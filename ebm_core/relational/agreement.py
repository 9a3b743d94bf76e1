# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of several demonstrations disagrees with the others, if one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..world.scene import Demonstration
from .understanding import BOUNDS

if TYPE_CHECKING:
    from .model import ConceptModel

# Of two that differ nobody knows which is odd.
_FEWEST = 3
# How much better the others have to fit together without it, in the score's unit: nats.
_MARGIN = 1.0


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well demonstrations fit together, and whether they would better without one of them.

    score: the understanding of all. without: (n,) that of all others, for each; NaN of a single
    one, and where all fit together too well for one to be odd. odd: the index of the one that
    disagrees, None where there is none, or more than one.
    """

    score: float
    without: np.ndarray
    odd: int | None


def agreement(
    model: ConceptModel,
    demonstrations: Sequence[Demonstration],
    seed: int = 0,
    *,
    in_time: bool = True,
    known: float | None = None,
) -> Agreement:
    """Return how well demonstrations agree; seed and in_time are as of `understanding`.

    known: the understanding of all, where it is known already.
    One is odd where the others are understood and fit together clearly better than all do. Raises
    InvalidInput where there are none.
    """

    def score(some: Sequence[Demonstration]) -> float:
        return model.understanding(some, seed, in_time=in_time)

    shown = list(demonstrations)
    of_all = score(shown) if known is None else known
    if len(shown) == 1 or of_all + _MARGIN > BOUNDS[1]:
        return Agreement(of_all, np.full(len(shown), np.nan), None)
    without = np.array([score(shown[:i] + shown[i + 1 :]) for i in range(len(shown))])
    best = int(without.argmax())
    threshold = model.understanding_threshold or 0.0
    is_odd = (
        len(shown) >= _FEWEST and without[best] >= threshold and without[best] - of_all >= _MARGIN
    )
    return Agreement(of_all, without, best if is_odd else None)
