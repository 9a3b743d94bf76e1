# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A grammar of concepts: kinds with continuous parameters, in place of a list of names.

A kind is one short class (see `kind.Kind`) and a line below. These kinds are kept out, so that the
evaluation can tell what the energy makes of a kind that nobody trained: to be equally far from two,
to keep away from something, ellipses, ratios of distances, rings of other norms, quadrants and
sectors.
"""

from __future__ import annotations

from ...world.scene import MAX_ROLES
from .conditions import (
    AcrossPair,
    Along,
    AlongPair,
    Both,
    Box,
    Condition,
    Distance,
    Nearer,
    NearestDistance,
    Segment,
)
from .kind import Concepts, Kind
from .places import Frame, Mirror, Point, Step, StepTowards, Towards

__all__ = ['KINDS', 'Concepts', 'Kind']

_ONE = {'fewest': 1, 'most': 1}
_PAIR = {'fewest': 2, 'most': 2}
_RING = Condition('ring', measure=Distance())
_LINE = Condition('line', measure=Along())
_HALF_PLANE = Condition('half_plane', measure=Along(), at_most=True)
_DISC = Condition('disc', measure=Distance(), at_most=True)
_THROUGH = Condition('through_two', measure=AcrossPair())

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Point('point'),
        Mirror('mirror', fewest=1, most=2),
        Frame('frame', **_PAIR, ordered=True),
        Towards('towards', fewest=1),
        Step('step'),
        StepTowards('step_towards', fewest=1, most=2),
        _RING,
        _DISC,
        _LINE,
        _HALF_PLANE,
        Condition('box', measure=Box(), at_most=True, most=0),
        Condition('through_two', measure=AcrossPair(), **_PAIR),
        Condition('beside_two', measure=AcrossPair(), **_PAIR, ordered=True, at_most=True),
        Condition('across_two', measure=AlongPair(), **_PAIR, ordered=True),
        Condition('past_two', measure=AlongPair(), **_PAIR, ordered=True, at_most=True),
        Condition('nearer', measure=Nearer(), **_PAIR, ordered=True, at_most=True),
        Condition('from_nearest', measure=NearestDistance(), fewest=2, ordered=False),
        Segment('segment', **_PAIR),
        Both('ring_and_half_plane', first=_RING, second=_HALF_PLANE, most=1),
        Both('line_and_disc', first=_LINE, second=_DISC, most=2),
        Both('line_and_ring', first=_LINE, second=_RING, most=2),
        Both('two_lines', first=_LINE, second=_LINE, fewest=1, most=2),
        Both('two_rings', first=_RING, second=_RING, fewest=1, most=2),
        Both('through_two_and_ring', first=_THROUGH, second=_RING, **_PAIR),
        Both('through_two_and_half_plane', first=_THROUGH, second=_HALF_PLANE, **_PAIR),
    )
}
assert all(kind.most <= MAX_ROLES for kind in KINDS.values())
