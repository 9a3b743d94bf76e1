# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A concept with five demonstrations, and a table of blocks where it is asked for.

Movers and references are told by colour anywhere in RGB, by shape or only by both. On one table in
four with room for it, a bystander looks like the movers. Tables are drawn anew until something
satisfies the concept that is within reach, overlaps nothing and leaves the open hand room.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from zlib import crc32

import numpy as np

from benchmarks.arrange.concepts import CONCEPTS
from ebm_concept_ros.arranging.clearance import GAP_M
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.grasps import carried
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.workspace import Workspace
from ebm_core.evaluation.open.appearance import Telling, dressed, features
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.evaluation.open.geometry import length
from ebm_core.evaluation.open.scenes import LEAST_CHANGE, placed
from ebm_core.world.scene import COLOUR, SHAPES, Demonstration, Scene

DEMONSTRATIONS = 5
ENTITIES = (4, 8)
SIZE_M = (0.03, 0.06)
STANDING_GAP_M = 0.03  # between the circles around blocks, before anything is moved
_LOOK_ALIKE = 0.25
_WITHIN = 0.9
_REACHED_WITHIN = 1.1
_SHOWN_APART = 0.3  # between centres in demonstrations, particle units
_MOST_DRAWS = 20_000
_TRIES = 50  # to place one more
_OTHER_ENDS = 8  # arrangements beside the nearest, of which one has to leave room
_FOOTPRINTS = {'circle': 'cylinder', 'square': 'box', 'triangle': 'prism'}


@dataclass(frozen=True, eq=False)
class Task:
    """What is shown and asked.

    scene: particle units; standing: the same as blocks, in the same order. movers, references:
    indices, references in the order of the predicate's arguments. look_alikes: indices of all that
    look like the movers, themselves included.
    """

    concept: OpenConcept
    demonstrations: list[Demonstration]
    scene: Scene
    standing: list[Standing]
    look_alikes: list[int]
    references: list[int]

    def violation(self, positions: np.ndarray) -> float:
        """Return by how much (N, 2) positions miss the concept, of whoever may be meant least."""
        where = positions[self.references]
        start = self.scene.positions
        return min(
            float(self.concept.violation(positions[list(who)], start[list(who)], where))
            for who in combinations(self.look_alikes, self.concept.movers)
        )


def make_task(name: str, seed: int, workspace: Workspace, room: HandRoom, reach: ReachArea) -> Task:
    """Return the task of a seed; raises RuntimeError where no table is found."""
    concept = CONCEPTS[name]
    rng = np.random.default_rng([seed, crc32(name.encode())])
    m, r = concept.movers, concept.references
    fewest = max(ENTITIES[0], m + r + 1)
    number = int(rng.integers(fewest, max(ENTITIES[1], fewest) + 1))
    told = (*((1,) * m), *(1 + np.array(concept.roles, int)).tolist())
    # In a region a look-alike would mostly stand where the concept holds already.
    may_be = number > m + r + 1 and not getattr(concept, 'region', False)
    look_alike = may_be and rng.random() < _LOOK_ALIKE
    telling = Telling.drawn(rng, 1, max(told))
    events = DEMONSTRATIONS + 1
    colours, shapes = dressed(rng, told, telling, events, number)
    if look_alike:
        rgb, shape = colours[0, -1], shapes[0, -1]
        rgb[m + r] = np.where(telling.by_colour[0], rgb[0], rgb[m + r])
        shape[m + r] = shape[0] if telling.by_shape[0] else shape[m + r]
    shown = [
        _demonstration(rng, concept, colours[0, i], shapes[0, i]) for i in range(DEMONSTRATIONS)
    ]
    look_alikes = [*range(m), m + r] if look_alike else list(range(m))
    scene, standing = _table(
        rng, concept, colours[0, -1], shapes[0, -1], look_alikes, workspace, room, reach
    )
    return Task(concept, shown, scene, standing, look_alikes, list(range(m, m + r)))


def _demonstration(
    rng: np.random.Generator, concept: OpenConcept, colours: np.ndarray, shapes: np.ndarray
) -> Demonstration:
    m, part, n = concept.movers, concept.movers + concept.references, len(shapes)
    for _ in range(_MOST_DRAWS):
        start, end, where = (each[0] for each in placed(rng, concept, 1))
        others = rng.uniform(-1, 1, (n - part, 2))
        after = np.concatenate((end, where, others))
        if _nearest(after) >= _SHOWN_APART or _nearest(after[:part]) < _SHOWN_APART <= _nearest(
            after[part:]
        ):
            break
    before = np.concatenate((start, where, others))
    movable = np.arange(n) < m
    looks = features(rng, after, colours, shapes, movable, np.ones(n, bool))
    states = tuple(Scene(places, looks[:, COLOUR], shapes, movable) for places in (before, after))
    roles = np.concatenate((np.zeros(m, int), concept.roles, np.zeros(n - part, int)))
    return Demonstration(
        states, (np.arange(n) < part).astype(float), roles if max(roles) > 1 else None
    )


def _nearest(places: np.ndarray) -> float:
    """Return the least distance between two of (N, 2)."""
    gaps = np.linalg.norm(places[:, None] - places, axis=-1)
    return float(gaps[np.triu_indices(len(places), 1)].min(initial=np.inf))


def _table(
    rng: np.random.Generator,
    concept: OpenConcept,
    colours: np.ndarray,
    shapes: np.ndarray,
    look_alikes: list[int],
    workspace: Workspace,
    room: HandRoom,
    reach: ReachArea,
) -> tuple[Scene, list[Standing]]:
    n, part = len(shapes), concept.movers + concept.references
    looks = features(rng, np.zeros((n, 2)), colours, shapes, np.zeros(n, bool), np.ones(n, bool))
    for _ in range(_MOST_DRAWS):
        footprints = [_footprint(rng, SHAPES[shape]) for shape in shapes]
        radii = np.array([each.radius_m for each in footprints]) / workspace.metres_per_unit
        places = _spread(rng, np.zeros((0, 2)), radii[:part], workspace, reach)
        if places is None or not _can_be_asked(concept, places):
            continue
        places = _spread(rng, places, radii, workspace, reach)
        if places is None or any(
            concept.violation(places[list(who)], places[list(who)], places[concept.movers : part])
            < LEAST_CHANGE
            for who in combinations(look_alikes, concept.movers)
        ):
            continue
        standing = [
            Standing(
                f'thing_{i}',
                footprint,
                tuple(workspace.to_base(place).tolist()),
                float(rng.uniform(-np.pi, np.pi)),
            )
            for i, (place, footprint) in enumerate(zip(places, footprints, strict=True))
        ]
        if _can_be_done(rng, concept, places, standing, radii, workspace, room, reach):
            return Scene(places, looks[:, COLOUR], shapes, np.zeros(n, bool)), standing
    raise RuntimeError(f'{concept.name}: no table was found')


def _spread(
    rng: np.random.Generator,
    places: np.ndarray,
    radii: np.ndarray,
    workspace: Workspace,
    reach: ReachArea,
) -> np.ndarray | None:
    """Return places (N, 2) for circles of radii (N,), the first as given, or None."""
    gap = STANDING_GAP_M / workspace.metres_per_unit
    for i in range(len(places), len(radii)):
        drawn = rng.uniform(-_WITHIN, _WITHIN, (_TRIES, 2))
        apart = np.linalg.norm(drawn[:, None] - places, axis=-1) - radii[:i] - radii[i]
        fine = apart.min(1, initial=np.inf) >= gap
        fine &= reach.beyond_m(workspace.to_base(drawn)) <= 0
        if not fine.any():
            return None
        places = np.vstack((places, drawn[fine.argmax()]))
    return places


def _can_be_asked(concept: OpenConcept, places: np.ndarray) -> bool:
    """Tell whether those who take part, movers first, are fine by themselves."""
    start, where = places[: concept.movers], places[concept.movers :]
    if concept.violation(start, start, where) < LEAST_CHANGE:
        return False
    if any(length(one - other) < concept.apart for one, other in combinations(where, 2)):
        return False
    return concept.possible is None or bool(concept.possible(start[0], *where))


def _footprint(rng: np.random.Generator, shape: str) -> Footprint:
    width, depth = rng.uniform(*SIZE_M, 2).round(4).tolist()
    kind = _FOOTPRINTS[shape]
    return Footprint(kind, width, depth if kind == 'box' else None)


def _can_be_done(
    rng: np.random.Generator,
    concept: OpenConcept,
    places: np.ndarray,
    standing: list[Standing],
    radii: np.ndarray,
    workspace: Workspace,
    room: HandRoom,
    reach: ReachArea,
) -> bool:
    """Tell whether the nearest arrangement leaves room; of several movers, one of some."""
    m, part = concept.movers, concept.movers + concept.references
    start, where = places[:m], places[m:part]
    froms = [start, *rng.uniform(-_WITHIN, _WITHIN, (_OTHER_ENDS if m > 1 else 0, m, 2))]
    return any(
        _leaves_room(concept.bring(rng, each, where), standing, radii, workspace, room, reach)
        for each in froms
    )


def _leaves_room(
    end: np.ndarray,
    standing: list[Standing],
    radii: np.ndarray,
    workspace: Workspace,
    room: HandRoom,
    reach: ReachArea,
) -> bool:
    """Tell whether movers can stand at end (m, 2), and the hand puts the last of them there."""
    m = len(end)
    base = workspace.to_base(end)
    if reach.beyond_m(base).max() > 0 or np.abs(end).max() > _REACHED_WITHIN:
        return False
    others = workspace.to_plane(np.array([each.position_in_base_m for each in standing[m:]]))
    every = np.concatenate((end, others))
    if not _are_apart(every, radii, GAP_M / workspace.metres_per_unit):
        return False
    for i in range(m):
        there = [thing.at(place, 0.0) for thing, place in zip(standing, base, strict=False)]
        around = [*there[:i], *there[i + 1 :], *standing[m:]]
        starting = standing[i]
        at_start = [*standing[:i], *standing[i + 1 :]]
        if carried(starting, base[i], around, room) is None:
            return False
        if carried(starting, starting.place, at_start, room) is None:
            return False
    return True


def _are_apart(places: np.ndarray, radii: np.ndarray, gap: float) -> bool:
    apart = np.linalg.norm(places[:, None] - places, axis=-1) - radii - radii[:, None]
    return bool(apart[np.triu_indices(len(places), 1)].min(initial=np.inf) >= gap)
