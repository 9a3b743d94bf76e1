# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts of entities that are moved, by name: shown by demonstrations, and judged by definition.

Distances, in particle units, are those that blocks and a hand leave room for.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from ebm_core.concepts import get_concept
from ebm_core.concepts.arrangement import Arrangement
from ebm_core.concepts.formation import Formation
from ebm_core.concepts.placement import Placement
from ebm_core.world.scene import COLOURS, SHAPES, Demonstration, InvalidInput, Scene

_SHOWN_APART = 0.3  # between centres in demonstrations
_REFERENCES_APART = 0.7  # on a table, with room for a block and the hand in between
_LEAST_CHANGE = 0.2  # how far from satisfied it begins
_BYSTANDERS = 2
_MOST_DRAWS = 20_000


def _ring(number: int, radius: float) -> tuple[tuple[float, float], ...]:
    """Return the template of so many evenly on a circle."""
    turn = 2 * np.pi * np.arange(number) / number
    return tuple((radius * math.cos(each), radius * math.sin(each)) for each in turn)


ARRANGEMENTS: dict[str, Arrangement] = {
    concept.name: concept
    for concept in (
        Formation('square', _ring(4, 0.5 / 2**0.5)),
        Formation('triangle', _ring(3, 0.5 / 3**0.5)),
        Formation('line', ((-0.4, 0.0), (0.0, 0.0), (0.4, 0.0))),
        *map(get_concept, ('between', 'north', 'south', 'east', 'west')),
    )
}


def colours_of(concept: Arrangement, colour: str) -> list[str]:
    """Return the colours of who takes part, movers first.

    colour: of whom the concept refers to; of one that refers to nobody, of the movers.
    """
    if not concept.num_references:
        return [colour] * concept.movers
    movers = next(name for name in COLOURS if name != colour)
    return [movers] * concept.movers + [colour] * concept.num_references


def can_be_asked(concept: Arrangement, participants: np.ndarray) -> bool:
    """Tell whether it does not hold yet, and references have room between them.

    participants: (P, 2) particle units, movers first.
    """
    away = _least_distance(participants[concept.movers :])
    return away >= _REFERENCES_APART and bool(concept.violation(participants) >= _LEAST_CHANGE)


def only_place(concept: Arrangement, participants: np.ndarray) -> np.ndarray | None:
    """Return the one place (2,) where a concept of one mover has it, or None where there are more.

    participants: as of `can_be_asked`.
    """
    if not isinstance(concept, Placement):
        return None
    return participants[concept.movers :].mean(0) + concept.offset


def demonstrations(
    concept: Arrangement, rng: np.random.Generator, count: int, colour: str
) -> list[Demonstration]:
    """Return so many, in each of which the movers are brought where the concept has them.

    colour: as of `colours_of`, by which those who take part are told; shapes say nothing.
    """
    return [_demonstration(concept, rng, colour) for _ in range(count)]


def _demonstration(concept: Arrangement, rng: np.random.Generator, colour: str) -> Demonstration:
    m, part = concept.movers, concept.num_participants
    names = colours_of(concept, colour)
    for _ in range(_MOST_DRAWS):
        arranged = concept.arrange_inside(rng, 1, part)
        start, end = (each[0] for each in concept.approach(rng, arranged[:, :m]))
        others = np.concatenate((arranged[0, m:], rng.uniform(-1, 1, (_BYSTANDERS, 2))))
        before, after = (np.concatenate((places, others)) for places in (start, end))
        begins = concept.violation(before[:part])
        if begins >= _LEAST_CHANGE and _least_distance(after) >= _SHOWN_APART:
            break
    else:
        raise InvalidInput(f'{concept.name}: nothing to be shown has room')
    free = [name for name in COLOURS if name not in names]
    names += rng.choice(free, _BYSTANDERS, replace=False).tolist()
    scene = Scene(
        before,
        [COLOURS[name] for name in names],
        rng.integers(1, len(SHAPES), len(names)),
        np.arange(len(names)) < m,
    )
    takes_part = (np.arange(len(names)) < part).astype(float)
    return Demonstration((scene, scene.with_positions(after)), takes_part)


def _least_distance(places: np.ndarray) -> float:
    return min(
        (float(np.linalg.norm(one - other)) for one, other in combinations(places, 2)),
        default=np.inf,
    )
