# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who takes part: scenes in which references are told by what they look like, or by a relation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...world.batch import EventBatch
from ...world.scene import SHAPES
from .appearance import Telling, dressed, features
from .geometry import length
from .scenes import Conditions, drawn_until, presence, seen, still, with_roles

CLEAR_MARGIN = 0.15  # by which the one that a relation means leads all others, particle units
_CROSS = SHAPES.index('cross')


@dataclass(frozen=True)
class Cast:
    """An actor and references, told by 'colour', by 'shape' or by 'both'; a group per role."""

    name: str
    roles: tuple[int, ...]
    told_by: str

    @property
    def asked(self) -> tuple[int, ...]:
        """The roles that have an argument code each."""
        return tuple(sorted(set(self.roles)))

    def draw(
        self, rng: np.random.Generator, sets: int, events: int, conditions: Conditions
    ) -> EventBatch:
        """Return still scenes (S, E)."""
        present = presence(rng, (sets, events), conditions.num_entities, 1 + len(self.roles))
        n = present.shape[-1]
        looks = dressed(rng, (0, *self.roles), Telling.by(self.told_by, sets), events, n)
        positions = rng.uniform(-1, 1, (*present.shape, 2))
        return _scenes(rng, positions, *looks, present, self.roles, conditions)


@dataclass(frozen=True)
class Relation:
    """An actor and the one that leads all others, for some in relation to an anchor.

    lead(positions): (..., N) of positions (..., N, 2), of which the first is the actor, the second
    the one that is meant, and the third the anchor, if there is one. anchor: the anchor is the only
    'cross' that is no actor, or the only one of a 'colour'.
    """

    name: str
    lead: Callable[[np.ndarray], np.ndarray]
    anchor: str | None = None

    @property
    def asked(self) -> tuple[None]:
        """One argument code for all that take part."""
        return (None,)

    def draw(
        self, rng: np.random.Generator, sets: int, events: int, conditions: Conditions
    ) -> EventBatch:
        """Return still scenes (S, E)."""
        roles = (1, 2) if self.anchor else (1,)
        present = presence(rng, (sets, events), conditions.num_entities, 1 + len(roles))
        flat = present.reshape(-1, present.shape[-1])
        places = np.zeros((*flat.shape, 2))

        def good(rows: np.ndarray) -> np.ndarray:
            places[rows] = some = rng.uniform(-1, 1, (len(rows), *places.shape[1:]))
            lead = self.lead(some)
            others = flat[rows].copy()
            others[:, : 1 + len(roles)] = False
            return lead[:, 1] - np.where(others, lead, -np.inf).max(1) >= CLEAR_MARGIN

        drawn_until(good, len(places), self.name)
        n = present.shape[-1]
        told = (0, 1) if self.anchor == 'colour' else (0,)
        colours, shapes = dressed(rng, told, Telling.by('colour', sets), events, n)
        if self.anchor == 'colour':  # of the two, only the anchor is told by what it looks like
            colours[:, :, [1, 2]] = colours[:, :, [2, 1]]
        if self.anchor == 'cross':
            shapes[:, :, 2] = _CROSS
        positions = places.reshape(*present.shape, 2)
        return _scenes(rng, positions, colours, shapes, present, roles, conditions)


def argument(batch: EventBatch, role: int | None) -> EventBatch:
    """Return the scenes with the attention of the actor and of one role, or of all.

    Roles are not told: all that stays plays the first. Those that are attended to come first.
    """
    attention = batch.attention
    if role is not None:
        attention = attention * ((batch.roles == role) | (np.arange(attention.shape[-1]) == 0))
    order = np.argsort(-attention, -1, kind='stable')
    return replace(
        batch,
        states=np.take_along_axis(batch.states, order[..., None, :, None], -2),
        attention=np.take_along_axis(attention, order, -1),
        present=np.take_along_axis(batch.present, order, -1),
        roles=None,
    )


def _scenes(
    rng: np.random.Generator,
    positions: np.ndarray,
    colours: np.ndarray,
    shapes: np.ndarray,
    present: np.ndarray,
    roles: tuple[int, ...],
    conditions: Conditions,
) -> EventBatch:
    index = np.arange(present.shape[-1])
    state = features(rng, positions, colours, shapes, present & (index == 0), present)
    attention = (present & (index <= len(roles))).astype(np.float32)
    batch = still(state, attention, present, with_roles(present, 1, roles))
    return standing(seen(rng, batch, conditions))


def standing(batch: EventBatch) -> EventBatch:
    """Return scenes whose two states are the same, as one look at them gives."""
    return replace(batch, states=np.repeat(batch.states[..., :1, :, :], 2, -3))


def _near(to: int, sign: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda places: -sign * length(places - places[..., to : to + 1, :])


_ONE, _TWO, _THREE = (1,), (1, 1), (1, 1, 1)
CASTS: tuple[Cast, ...] = (
    Cast('one of a colour', _ONE, 'colour'),
    Cast('two of a colour', _TWO, 'colour'),
    Cast('three of a colour', _THREE, 'colour'),
    Cast('one of a shape', _ONE, 'shape'),
    Cast('two of a shape', _TWO, 'shape'),
    Cast('one of a colour and shape', _ONE, 'both'),
    Cast('two of a colour and shape', _TWO, 'both'),
    Cast('two roles by colour', (1, 2), 'colour'),
    Cast('two roles by shape', (1, 2), 'shape'),
    Cast('two roles by colour and shape', (1, 2), 'both'),
    Cast('three roles by colour', (1, 2, 3), 'colour'),
    Cast('three roles by colour and shape', (1, 2, 3), 'both'),
)
RELATIONS: tuple[Relation, ...] = (
    Relation('whichever is closest to the cross', _near(2), 'cross'),
    Relation('whichever is farthest from the cross', _near(2, -1), 'cross'),
    Relation('whichever is closest to the one of a colour', _near(2), 'colour'),
    Relation('whichever is closest to the actor', _near(0)),
    Relation('the northernmost', lambda places: places[..., 1]),
    Relation('the leftmost', lambda places: -places[..., 0]),
)
