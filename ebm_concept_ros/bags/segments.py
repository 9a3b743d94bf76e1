# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Demonstrations in a stream of scenes: from rest to rest, one entity was moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.types import NamedScene
from ebm_core.world.scene import Demonstration, InvalidInput, Scene


@dataclass(frozen=True)
class Rest:
    """What counts as rest, and as a move. still, moved: particle units."""

    rest_s: float = 0.5
    still: float = 0.02
    moved: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.still < self.moved:
            raise InvalidInput(f'still: {self.still} is not within (0, moved = {self.moved})')
        if not self.rest_s > 0.0:
            raise InvalidInput(f'rest_s: {self.rest_s} is not greater than 0')


@dataclass(frozen=True, eq=False)
class Segment:
    """What happened from one rest to the next.

    demonstration: None where not just one entity was moved; why then says so.
    """

    from_s: float
    to_s: float
    demonstration: Demonstration | None
    why: str = ''


def segments(
    scenes: Iterable[tuple[float, NamedScene]], taking_part: Sequence[str], rest: Rest
) -> Iterator[Segment]:
    """Yield what happened from rest to rest, of scenes and when they were so, s, in order.

    A scene holds until the next one comes, and at the end. Whoever was moved acts; taking_part are
    the ids of all others who take part. Raises InvalidInput for an id that a scene does not have.
    """
    settled: tuple[float, NamedScene] | None = None  # the last rest
    anchor: tuple[float, NamedScene] | None = None  # since when everything is where it is
    for time_s, scene in scenes:
        if anchor is not None:
            if time_s - anchor[0] >= rest.rest_s:
                found = settled and _segment(settled, anchor, taking_part, rest)
                if found:
                    yield found
                if found or settled is None:
                    settled = anchor
            if scene.ids != anchor[1].ids:
                settled = None  # somebody appeared or vanished: nothing is known of before
        if anchor is None or _furthest(anchor[1], scene) > rest.still:
            anchor = (time_s, scene)
    if settled is not None and (found := _segment(settled, anchor, taking_part, rest)):
        yield found


def _segment(
    before: tuple[float, NamedScene],
    after: tuple[float, NamedScene],
    taking_part: Sequence[str],
    rest: Rest,
) -> Segment | None:
    """Return what happened, None where nothing did."""
    ids, then, now = before[1].ids, before[1].scene, after[1].scene
    moved = np.linalg.norm(now.positions - then.positions, axis=1) > rest.moved
    names = [name for name, m in zip(ids, moved, strict=True) if m]
    if not names:
        return None
    if len(names) > 1:
        return Segment(before[0], after[0], None, f'{", ".join(names)} were moved at once')
    if unknown := [name for name in taking_part if name not in ids]:
        raise InvalidInput(f'taking_part: {unknown[0]!r} is not in the scene; {", ".join(ids)} are')
    attention = np.array(
        [float(m or name in taking_part) for name, m in zip(ids, moved, strict=True)]
    )
    # Who did not act is where it was: what a camera's noise moved is no part of what was shown.
    positions = np.where(moved[:, None], now.positions, then.positions)
    states = [
        Scene(place, then.colours, then.shapes, moved) for place in (then.positions, positions)
    ]
    return Segment(before[0], after[0], Demonstration(tuple(states), attention.astype(float)))


def _furthest(one: NamedScene, other: NamedScene) -> float:
    if one.ids != other.ids:
        return np.inf
    return float(np.linalg.norm(one.scene.positions - other.scene.positions, axis=1).max())
