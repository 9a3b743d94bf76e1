# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tables of blocks on which a concept can be brought about, and does not hold yet.

They are drawn anew until something satisfies the concept that is within reach, overlaps nothing and
leaves the open hand room.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from benchmarks.arrange.objects import Objects, drawn
from benchmarks.arrange.together import Together
from ebm_concept_ros.arranging.clearance import GAP_M
from ebm_concept_ros.arranging.footprints import Footprint, Standing
from ebm_concept_ros.arranging.grasps import carried
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.workspace import Workspace
from ebm_core.evaluation.open.appearance import features
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.evaluation.open.geometry import length
from ebm_core.evaluation.open.scenes import LEAST_CHANGE
from ebm_core.world.scene import COLOUR, SHAPES, Scene

STANDING_GAP_M = 0.03  # between the circles around blocks, before anything is moved
MOST_DRAWS = 20_000
_WITHIN = 0.9
_REACHED_WITHIN = 1.1
_NEARLY = 0.01  # all of a sum hold, particle units
_TRIES = 50  # to place one more
_OTHER_ENDS = 8  # arrangements beside the nearest, of which one has to leave room
_FOOTPRINTS = {'circle': 'cylinder', 'square': 'box', 'triangle': 'prism'}


class Ground(NamedTuple):
    """Where blocks stand, what room the hand needs around them, and where it comes down."""

    workspace: Workspace
    room: HandRoom
    reach: ReachArea


def table(
    rng: np.random.Generator,
    concept: OpenConcept,
    colours: np.ndarray,
    shapes: np.ndarray,
    look_alikes: list[int],
    ground: Ground,
    objects: Objects,
) -> tuple[Scene, list[Standing]]:
    """Return entities with these looks, (N, 3) and (N,), and the same as blocks.

    Those come first that take part, movers before references. Raises RuntimeError where none is
    found.
    """
    workspace = ground.workspace
    n, part = len(shapes), concept.movers + concept.references
    looks = features(rng, np.zeros((n, 2)), colours, shapes, np.zeros(n, bool), np.ones(n, bool))
    for _ in range(MOST_DRAWS):
        footprints = [_footprint(rng, SHAPES[shape], objects) for shape in shapes]
        radii = np.array([each.radius_m for each in footprints]) / workspace.metres_per_unit
        places = _spread(rng, np.zeros((0, 2)), radii[:part], ground)
        if places is not None and isinstance(concept, Together):
            places = _fitted(concept, places, radii[:part], ground)
        if places is None or not _can_be_asked(concept, places):
            continue
        places = _spread(rng, places, radii, ground)
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
        if _can_be_done(rng, concept, places, standing, radii, ground):
            return Scene(places, looks[:, COLOUR], shapes, np.zeros(n, bool)), standing
    raise RuntimeError(f'{concept.name}: no table was found')


def _spread(
    rng: np.random.Generator,
    places: np.ndarray,
    radii: np.ndarray,
    ground: Ground,
) -> np.ndarray | None:
    """Return places (N, 2) for circles of radii (N,), the first as given, or None."""
    gap = STANDING_GAP_M / ground.workspace.metres_per_unit
    for i in range(len(places), len(radii)):
        drawn = rng.uniform(-_WITHIN, _WITHIN, (_TRIES, 2))
        apart = np.linalg.norm(drawn[:, None] - places, axis=-1) - radii[:i] - radii[i]
        fine = apart.min(1, initial=np.inf) >= gap
        fine &= ground.reach.beyond_m(ground.workspace.to_base(drawn)) <= 0
        if not fine.any():
            return None
        places = np.vstack((places, drawn[fine.argmax()]))
    return places


def _fitted(
    concept: Together, places: np.ndarray, radii: np.ndarray, ground: Ground
) -> np.ndarray | None:
    """Return places (P, 2) on which all of a sum can hold, or None where there is no room."""
    places = concept.fitted(places)
    within = np.abs(places).max() <= _WITHIN
    within &= ground.reach.beyond_m(ground.workspace.to_base(places)).max() <= 0
    gap = STANDING_GAP_M / ground.workspace.metres_per_unit
    return places if within and _are_apart(places, radii, gap) else None


def _can_be_asked(concept: OpenConcept, places: np.ndarray) -> bool:
    """Tell whether those who take part, movers first, are fine by themselves."""
    start, where = places[: concept.movers], places[concept.movers :]
    if concept.violation(start, start, where) < LEAST_CHANGE:
        return False
    if any(length(one - other) < concept.apart for one, other in combinations(where, 2)):
        return False
    return concept.possible is None or bool(concept.possible(start[0], *where))


def _footprint(rng: np.random.Generator, shape: str, objects: Objects) -> Footprint:
    width, depth = (round(drawn(rng, objects.size_m), 4) for _ in range(2))
    kind = _FOOTPRINTS[shape]
    return Footprint(kind, width, depth if kind == 'box' else None)


def _can_be_done(
    rng: np.random.Generator,
    concept: OpenConcept,
    places: np.ndarray,
    standing: list[Standing],
    radii: np.ndarray,
    ground: Ground,
) -> bool:
    """Tell whether the nearest arrangement leaves room; of several movers, one of some."""
    m, part = concept.movers, concept.movers + concept.references
    start, where = places[:m], places[m:part]
    froms = [start, *rng.uniform(-_WITHIN, _WITHIN, (_OTHER_ENDS if m > 1 else 0, m, 2))]
    for each in froms:
        end = concept.bring(rng, each, where)
        if isinstance(concept, Together) and concept.violation(end, start, where) > _NEARLY:
            continue
        if _leaves_room(end, standing, radii, ground):
            return True
    return False


def _leaves_room(
    end: np.ndarray,
    standing: list[Standing],
    radii: np.ndarray,
    ground: Ground,
) -> bool:
    """Tell whether movers can stand at end (m, 2), and the hand puts the last of them there."""
    workspace, room, reach = ground
    m = len(end)
    base = workspace.to_base(end)
    if reach.beyond_m(base).max() > 0 or np.abs(end).max() > _REACHED_WITHIN:
        return False
    stays = np.array([each.position_in_base_m for each in standing[m:]]).reshape(-1, 2)
    others = workspace.to_plane(stays)
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
