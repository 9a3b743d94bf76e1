# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was understood, in words for the person who teaches, and whether it may be run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_SURE, _MAYBE = 0.9, 0.05  # how likely the concept is that is meant, and one that may be


@dataclass(frozen=True, eq=False)
class Understood:
    """What the learner says of a concept, and of a scene with it; see srv/Understood.srv.

    odd_one: number of the example that disagrees, 0 where there is none. attention: by id.
    energies: (size, size) over ±half_width particle units, None where no scene was given. lowest:
    where they are lowest. readings: how likely each concept is that the examples may mean.
    """

    demonstrations: int
    score: float
    threshold: float
    without: tuple[float, ...]
    odd_one: int
    attention: dict[str, float]
    half_width: float = 1.0
    energies: np.ndarray | None = None
    lowest: tuple[float, float] = (0.0, 0.0)
    readings: tuple[float, ...] = ()

    @property
    def is_understood(self) -> bool:
        """Tell whether the score is enough."""
        return math.isnan(self.threshold) or self.score >= self.threshold

    @property
    def left(self) -> int:
        """Return how many concepts they may mean; 1 where one of them is nearly sure."""
        if not self.readings or self.readings[0] >= _SURE:
            return 1
        return max(2, sum(likely >= _MAYBE for likely in self.readings))


@dataclass(frozen=True)
class Verdict:
    """What the page says of the examples.

    level: 'nothing', 'little', 'good' or 'bad', which a page shows by a sign. words: what was
    understood. advice: what to do next. may_run: whether the arm may set out.
    """

    level: str
    words: str
    advice: str
    may_run: bool = False


def verdict(
    number: int, needed: int, found: Understood | None, moves_things: bool = False
) -> Verdict:
    """Return what to say of so many examples.

    found: None where the learner has not answered. moves_things: whether they are of things that
    are moved, not of the hand.
    """
    if number == 0:
        how = 'Drag the hand (the black cross) to where it belongs.'
        if moves_things:
            how = 'Drag what is to be moved to where it belongs, then press Show.'
        return Verdict('nothing', 'Nothing has been shown yet.', how)
    if found is None or found.demonstrations != number:
        return Verdict('nothing', 'The learner is being asked …', '')
    left = needed - number
    more = f'{left} more example{"s" if left != 1 else ""}'
    # Of fewer than needed, one may stand out although all fit together.
    if found.odd_one and (left <= 0 or not found.is_understood):
        return Verdict(
            'bad',
            f'Example {found.odd_one} does not fit: the others agree with each other without it.',
            f'Delete example {found.odd_one}, or click it and show it again.',
        )
    if number == 1:
        return Verdict(
            'little',
            'One example fits many concepts.',
            f'Show {more}, each in another arrangement.',
        )
    if not found.is_understood:
        if number < 3:
            return Verdict(
                'little', 'Two examples do not tell yet what they have in common.', f'Show {more}.'
            )
        return Verdict(
            'bad',
            f'The {number} examples do not fit together '
            f'(score {found.score:.1f}, understood from {found.threshold:.1f}).',
            _improve(found, left),
        )
    if left > 0 and found.left > 1:
        return Verdict(
            'little',
            f'The {number} examples fit {found.left} concepts.',
            f'Show {more}, each in another arrangement.',
        )
    sure = 'Understood' if number >= needed else 'So far they fit together'
    words = f'{sure} (score {found.score:.1f}, understood from {found.threshold:.1f}).'
    if left > 0:
        return Verdict('little', words, f'Show {more} to be sure.')
    then = 'Look where the hand would go, then run it.'
    if moves_things:
        then = 'Run it: the arm moves what it takes until it holds.'
    return Verdict('good', words, then, may_run=True)


def _improve(found: Understood, left: int) -> str:
    worst = int(np.nanargmax(found.without)) + 1 if len(found.without) else 0
    if left > 0:
        return f'Show another, or show example {worst} again, which fits least.'
    return f'Show example {worst} again, which fits least; then the next.'


def levels(energies: np.ndarray) -> np.ndarray:
    """Return the energies as 0 to 255, (size, size) uint8, by rank: 0 is the lowest.

    What is seen does not depend on the energy's scale, nor on how steep it is far away.
    """
    flat = energies.ravel()
    ranks = np.searchsorted(np.sort(flat), flat)
    return (ranks * (255.0 / max(1, flat.size - 1))).astype(np.uint8).reshape(energies.shape)
