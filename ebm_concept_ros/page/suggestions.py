# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Beside which things an example probably is: those that look like those of the others."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ebm_concept_ros.page.lesson import Example, Place, Thing


def suggested(
    examples: Sequence[Example], things: Sequence[Thing], after: Place | None = None
) -> frozenset[str]:
    """Return the ids of the things beside which an example probably is.

    examples: of the same concept. Those beside which they are have shapes or colours in common, and
    so have those who are suggested; where more do than took part before, those nearest to `after`,
    where the hand was brought. things: of which none is moved. Without examples it is the thing
    nearest to `after`.
    """

    def nearest(some: Collection[Thing], number: int) -> frozenset[str]:
        if len(some) > number:
            if after is None:
                return frozenset()
            some = sorted(some, key=lambda thing: math.dist(thing.place, after))[:number]
        return frozenset(thing.id for thing in some)

    if not examples:
        return nearest(things, 1)
    parts = [example.references for example in examples]
    number = max(map(len, parts))
    shapes = _in_common([[thing.shape for thing in part] for part in parts])
    colours = _in_common([[thing.colour for thing in part] for part in parts])
    alike = [thing for thing in things if thing.shape in shapes and thing.colour in colours]
    if len(alike) < number:
        alike = [thing for thing in things if thing.shape in shapes or thing.colour in colours]
    return nearest(alike or things, number)


def _in_common(looks: Sequence[Sequence[str]]) -> set[str]:
    """Return the looks that all examples have, or nothing where they differ."""
    first = set(looks[0])
    return first if all(set(other) == first for other in looks) else set()
