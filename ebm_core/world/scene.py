# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes, events and demonstrations of the particle world.

A scene is a set of entities in a plane. Positions are in *particle units*: the demonstrated world
is the square [-1, 1]². Everything a caller hands in is checked here, once, and refused with an
error that names the field; the rest of the package may then rely on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ..errors import InvalidInput
from . import trajectory

SHAPES: tuple[str, ...] = ('cross', 'circle', 'square', 'triangle')
COLOURS: dict[str, tuple[float, float, float]] = {
    'red': (0.9, 0.1, 0.1),
    'green': (0.1, 0.7, 0.2),
    'blue': (0.1, 0.3, 0.9),
    'yellow': (0.95, 0.85, 0.1),
    'purple': (0.6, 0.1, 0.8),
    'orange': (0.95, 0.5, 0.05),
}
ACTOR_COLOUR: tuple[float, float, float] = (0.1, 0.1, 0.1)

# Demonstrations may leave the square a little (a robot's table has no hard edge); further out the
# energy was never trained and a demonstration there is a mistake of units or frames.
WORKSPACE_LIMIT = 1.5
# How many roles an event tells apart: "from the first towards the second".
MAX_ROLES = 3
# A controller's plane reaches beyond the square that scenes are drawn in.
PLANE_HALF_WIDTH = 1.25
MAX_ENTITIES = 128
MAX_STATES = 10_000  # of a demonstration: more than five minutes at 30 Hz

# Feature layout of one entity, as the networks see it.
POSITION = slice(0, 2)
COLOUR = slice(2, 5)
SHAPE = slice(5, 5 + len(SHAPES))
MOVABLE = 5 + len(SHAPES)
NUM_FEATURES = MOVABLE + 1
# What the energy sees besides, in trajectories: the displacement of the last step, and the one from
# the start until then. Both are zero where a single state is judged.
LAST_STEP = slice(NUM_FEATURES, NUM_FEATURES + 2)
UNTIL_THEN = slice(NUM_FEATURES + 2, NUM_FEATURES + 4)
NUM_INPUTS = NUM_FEATURES + 4


def _array(name: str, value: object, shape: tuple[int | None, ...], dtype: type) -> np.ndarray:
    try:
        array = np.array(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f'{name}: not an array of {dtype.__name__} ({error})') from None
    if array.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=True)
    ):
        wanted = ' x '.join('N' if n is None else str(n) for n in shape)
        raise InvalidInput(f'{name}: shape {array.shape}, expected {wanted}')
    if dtype is float and not np.isfinite(array).all():
        raise InvalidInput(f'{name}: contains NaN or infinity')
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Scene:
    """N entities at one instant.

    positions: (N, 2) particle units, within ±WORKSPACE_LIMIT.
    colours: (N, 3) RGB in [0, 1].
    shapes: (N,) indices into SHAPES.
    movable: (N,) bool; the entities that may act. Generation moves only these.
    """

    positions: np.ndarray
    colours: np.ndarray
    shapes: np.ndarray
    movable: np.ndarray

    def __post_init__(self) -> None:
        positions = _array('positions', self.positions, (None, 2), float)
        n = len(positions)
        if n == 0:
            raise InvalidInput('positions: a scene needs at least one entity')
        if n > MAX_ENTITIES:
            raise InvalidInput(f'positions: {n} entities, at most {MAX_ENTITIES} are allowed')
        if np.abs(positions).max() > WORKSPACE_LIMIT:
            worst = int(np.abs(positions).max(axis=1).argmax())
            raise InvalidInput(
                f'positions: entity {worst} at {positions[worst].round(3).tolist()} is out of the '
                f'workspace, which is ±{WORKSPACE_LIMIT} particle units'
            )
        colours = _array('colours', self.colours, (n, 3), float)
        if colours.min() < 0 or colours.max() > 1:
            raise InvalidInput('colours: components must be within [0, 1]')
        shapes = _array('shapes', self.shapes, (n,), int)
        if shapes.min() < 0 or shapes.max() >= len(SHAPES):
            raise InvalidInput(f'shapes: must be indices of {SHAPES}')
        movable = _array('movable', self.movable, (n,), bool)
        for name, value in (
            ('positions', positions),
            ('colours', colours),
            ('shapes', shapes),
            ('movable', movable),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.positions)

    def features(self) -> np.ndarray:
        """Return the (N, NUM_FEATURES) float32 array that the energy takes."""
        out = np.zeros((len(self), NUM_FEATURES), np.float32)
        out[:, POSITION] = self.positions
        out[:, COLOUR] = self.colours
        out[np.arange(len(self)), SHAPE.start + self.shapes] = 1.0
        out[:, MOVABLE] = self.movable
        return out

    def participants(self, attention: np.ndarray) -> np.ndarray:
        """Return the indices (P,) of the attended entities, movable ones first.

        attention: (N,), attended above 0.5; InvalidInput where it has another shape.
        """
        attention = np.asarray(attention)
        if attention.shape != (len(self),):
            raise InvalidInput(
                f'attention: shape {attention.shape}, the scene has {len(self)} entities'
            )
        attended = np.flatnonzero(attention > 0.5)
        return attended[np.argsort(~self.movable[attended], kind='stable')]

    def references(self, attention: np.ndarray) -> np.ndarray:
        """Return (N,) bool, which attended entities are not movable; attention: (N,)."""
        return (np.asarray(attention) > 0.5) & ~self.movable

    def with_positions(self, positions: np.ndarray) -> Scene:
        """Return the same entities elsewhere; positions: (N, 2) particle units."""
        return Scene(positions, self.colours, self.shapes, self.movable)

    def only(self, kept: np.ndarray) -> Scene:
        """Return some of the entities; kept: (N,) bool, at least one of them."""
        return Scene(
            self.positions[kept], self.colours[kept], self.shapes[kept], self.movable[kept]
        )


@dataclass(frozen=True, eq=False)
class Demonstration:
    """One event, as it was recorded, with attention a.

    Where nothing changes it shows whom to attend to, not what to do.

    states: 2 to MAX_STATES scenes with the same entities in equal intervals of time; only positions
        and colours may change, and no colour may go and come back.
    attention: (N,) in [0, 1]; 1 marks the entities that take part.
    roles: (N,) the role that each reference plays, 1 to MAX_ROLES, 0 for everybody else; None where
        the demonstrator does not say.
    keyframes: the states x⁰ … xᵀ that the recording amounts to, which Algorithm 1 takes; see
        trajectory.py. T is 1, or trajectory.WAY_STEPS where a reference moves.
    """

    states: tuple[Scene, ...]
    attention: np.ndarray
    roles: np.ndarray | None = None
    keyframes: tuple[Scene, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        states = tuple(self.states)
        if len(states) < 2:
            raise InvalidInput(f'states: {len(states)} given, at least 2 (before and after) needed')
        if len(states) > MAX_STATES:
            raise InvalidInput(f'states: {len(states)} given, at most {MAX_STATES} are allowed')
        _check_entities(states)
        attention = _array('attention', self.attention, (len(states[0]),), float)
        if attention.min() < 0 or attention.max() > 1:
            raise InvalidInput('attention: values must be within [0, 1]')
        if not (attention > 0.5).any():
            raise InvalidInput('attention: no entity is attended to')
        keyframes = _keyframes(states, states[0].references(attention))
        if _changes(keyframes) and not (states[0].movable & (attention > 0.5)).any():
            raise InvalidInput('attention: no movable entity is attended to, so nobody acts')
        object.__setattr__(self, 'states', states)
        object.__setattr__(self, 'attention', attention)
        object.__setattr__(self, 'keyframes', keyframes)
        if self.roles is not None:
            roles = _array('roles', self.roles, (len(states[0]),), int)
            _check_roles(roles, states[0].references(attention))
            object.__setattr__(self, 'roles', roles)

    def judged(self, *, in_time: bool) -> tuple[Scene, ...]:
        """Return the keyframes; where the way is not to count (in_time), the first and the last."""
        return self.keyframes if in_time else (self.before, self.after)

    @property
    def before(self) -> Scene:
        """x⁰, how things stood before."""
        return self.keyframes[0]

    @property
    def after(self) -> Scene:
        """xᵀ, how they stand after."""
        return self.keyframes[-1]


def _check_roles(roles: np.ndarray, references: np.ndarray) -> None:
    """Raise InvalidInput unless references, and nobody else, play the roles 1, 2, … up to some."""
    if roles.min() < 0 or roles.max() > MAX_ROLES:
        worst = roles[np.abs(roles).argmax()]
        raise InvalidInput(f'roles: must be 0 to {MAX_ROLES}, one is {worst}')
    if len(wrong := np.flatnonzero((roles > 0) != references)):
        entity, who = wrong[0], 'a reference' if references[wrong[0]] else 'no reference'
        raise InvalidInput(
            f'roles: entity {entity} is {who} and has role {roles[entity]}; attended entities that '
            f'are not movable have one of 1 to {MAX_ROLES}, all others 0'
        )
    if missing := set(range(1, int(roles.max()) + 1)) - set(roles.tolist()):
        raise InvalidInput(f'roles: role {min(missing)} is missing, the highest is {roles.max()}')


def _check_entities(states: Sequence[Scene]) -> None:
    """Raise InvalidInput, naming the state, where the entities are not those of state 0."""
    first = states[0]
    for t, state in enumerate(states):
        if len(state) != len(first):
            raise InvalidInput(
                f'states: state {t} has {len(state)} entities, state 0 has {len(first)}'
            )
    for name, say in (
        ('shapes', lambda value: SHAPES[value]),
        ('movable', lambda value: 'movable' if value else 'not movable'),
    ):
        values = np.array([getattr(state, name) for state in states])
        if len(others := np.argwhere(values != values[0])):
            t, entity = others[0]
            raise InvalidInput(
                f'states: the entities of state {t} are not those of state 0: entity {entity} is '
                f'{say(values[t, entity])}, and was {say(values[0, entity])}'
            )


def _keyframes(states: Sequence[Scene], references: np.ndarray) -> tuple[Scene, ...]:
    """Return what the states amount to; references: (N,) bool."""
    first = states[0]
    positions = np.array([state.positions for state in states])
    colours = np.array([state.colours for state in states])
    if back := trajectory.returning_colour(colours):
        raise InvalidInput(
            f'states: in state {back[0]} the colour of entity {back[1]} is again what it was before'
        )
    old, new = trajectory.ends(colours, trajectory.SAME_COLOUR)
    _check_no_exchange(colours, old, new)
    places = trajectory.ends(positions, trajectory.SAME_PLACE)
    turns = (old, new)
    if trajectory.is_in_time(positions, references):
        moments = trajectory.moments(positions, references)
        places = trajectory.way(positions, moments, trajectory.SAME_PLACE)
        turns = trajectory.way(colours, moments, trajectory.SAME_COLOUR)
    return tuple(
        Scene(place, rgb, first.shapes, first.movable)
        for place, rgb in zip(places, turns, strict=True)
    )


def _check_no_exchange(colours: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
    """Raise InvalidInput where two entities take each other's colour; all are (…, N, 3)."""
    much = trajectory.OTHER_COLOUR
    changed = np.flatnonzero((np.abs(new - old) > much).any(-1))
    for one, other in combinations(changed, 2):
        if (np.abs(new[[one, other]] - old[[other, one]]) <= much / 2).all():
            state = int((np.abs(colours[:, one] - old[one]) > much).any(-1).argmax())
            raise InvalidInput(
                f'states: in state {state} entities {one} and {other} exchange their colours'
            )


def _changes(states: Sequence[Scene]) -> bool:
    """Tell whether anything differs between the states."""
    return any(
        not np.array_equal(state.positions, states[0].positions)
        or not np.array_equal(state.colours, states[0].colours)
        for state in states[1:]
    )
