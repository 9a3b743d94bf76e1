# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts that nobody trained on by name, asked of the arm: demonstrations, and a table.

Who is referred to looks the same in both, is told by a colour anywhere in RGB, by shape or only by
both, and of one in four scenes about one reference by what it is to all others. The effector
begins at home, or elsewhere where a concept without references holds there; tables are drawn anew
until the nearest satisfied place is within the arm's reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.evaluation.open.appearance import Telling, dressed, features
from ebm_core.evaluation.open.concept import Place
from ebm_core.evaluation.open.concepts import CONCEPTS
from ebm_core.evaluation.open.geometry import length
from ebm_core.evaluation.open.scenes import LEAST_CHANGE, Conditions, drawn_until, generation
from ebm_core.evaluation.open.who import CLEAR_MARGIN, RELATIONS, Relation
from ebm_core.world.batch import EventBatch
from ebm_core.world.scene import COLOUR, MOVABLE, POSITION, SHAPE, SHAPES, Demonstration

DEMONSTRATIONS = 5
ENTITIES = (3, 8)  # the smallest and the largest number, with the effector
# The arm's reach, where things stand on the table and how far apart at least, particle units.
REACH, WITHIN, SPACING = 1.05, 0.9, 0.2
_POOL = 64
_MOST_DRAWS = 100_000

OPEN_CONCEPTS: dict[str, Place] = {c.name: c for c in CONCEPTS if isinstance(c, Place)}
# Of whom an anchor would have to be told, too.
_RELATIONS = tuple(relation for relation in RELATIONS if relation.anchor is None)


@dataclass(frozen=True, eq=False)
class OpenTask:
    """A concept, five demonstrations of it, and a table where it is asked for.

    references: indices of the table's entities that it refers to, in the order of its arguments.
    relation: what tells the one reference; None: looks do. start: (2,) where the effector begins.
    """

    concept: Place
    demonstrations: list[Demonstration]
    table: TableScene
    references: list[int]
    relation: Relation | None
    start: np.ndarray


def open_task(name: str, seed: int, home: np.ndarray, workspace: Workspace) -> OpenTask:
    """Return the task of a seed; home: (2,) where the effector is by itself, particle units."""
    concept = OPEN_CONCEPTS[name]
    rng = np.random.default_rng([seed, crc32(name.encode())])
    relation = None
    if concept.references == 1 and rng.random() < 0.25:
        relation = _RELATIONS[rng.integers(len(_RELATIONS))]
    shown = _shown(rng, concept, relation)
    asked = shown[0, DEMONSTRATIONS]
    start = _start(rng, concept, home)
    looks = asked.before[asked.present][1:]
    places = _places(rng, concept, relation, len(looks), start)
    table = TableScene(
        entities=tuple(
            TableEntity(
                id=f'thing_{index}',
                position_in_base_m=tuple(workspace.to_base(place).round(4).tolist()),
                colour=_rrggbb(look[COLOUR]),
                shape=SHAPES[look[SHAPE].argmax()],
            )
            for index, (look, place) in enumerate(zip(looks, places, strict=True))
        )
    )
    demonstrations = [shown.demonstration((0, i)) for i in range(DEMONSTRATIONS)]
    return OpenTask(
        concept, demonstrations, table, list(range(concept.references)), relation, start
    )


def _shown(rng: np.random.Generator, concept: Place, relation: Relation | None) -> EventBatch:
    """Return events (1, DEMONSTRATIONS + 1), of the last of which the looks count."""
    conditions = Conditions(num_entities=ENTITIES)
    if relation is None:
        return generation(rng, concept, 1, DEMONSTRATIONS + 1, conditions)
    kept: list[EventBatch] = []
    while len(kept) <= DEMONSTRATIONS:
        pool = generation(rng, concept, 1, _POOL, conditions)
        kept += [pool[:, i] for i in np.flatnonzero(_leads(relation, pool)[0])]
    events = EventBatch.stack([event[0] for event in kept[: DEMONSTRATIONS + 1]])[None]
    present = events.present
    # Nobody is to be told by looks.
    telling = Telling.by('colour', 1)
    colours, shapes = dressed(rng, (0,), telling, present.shape[1], present.shape[2])
    movable = events.before[..., MOVABLE] > 0.5
    looks = features(rng, events.before[..., POSITION], colours, shapes, movable, present)
    events.states[..., COLOUR] = looks[..., None, :, COLOUR]
    events.states[..., SHAPE] = looks[..., None, :, SHAPE]
    return events


def _leads(relation: Relation, events: EventBatch) -> np.ndarray:
    """Tell (...) whether the second entity clearly leads all that follow before the event."""
    lead = relation.lead(events.before[..., POSITION].astype(float))
    others = np.where(events.present, lead, -np.inf)[..., 2:].max(-1)
    return lead[..., 1] - others >= CLEAR_MARGIN


def _start(rng: np.random.Generator, concept: Place, home: np.ndarray) -> np.ndarray:
    """Return home, or where it makes no difference what stands on the table, a place (2,)."""
    start = home
    while not concept.references and (
        concept.off(start, start) < LEAST_CHANGE or np.abs(concept.place(start)).max() > REACH
    ):
        start = rng.uniform(-WITHIN, WITHIN, 2)
    return start


def _places(
    rng: np.random.Generator,
    concept: Place,
    relation: Relation | None,
    number: int,
    start: np.ndarray,
) -> np.ndarray:
    """Return (number, 2) particle units, the references first, none near another."""
    out = np.zeros((1, number, 2))

    def good(_: np.ndarray) -> np.ndarray:
        out[:] = rng.uniform(-WITHIN, WITHIN, out.shape)
        places, references = out[0], out[0, : concept.references]
        goal = concept.place(start, *references)
        off = concept.violation(start[None], start[None], references)
        gaps = np.linalg.norm(places[:, None] - places, axis=-1)[np.triu_indices(number, 1)]
        fine = np.abs(goal).max() <= REACH and off >= LEAST_CHANGE
        fine = fine and gaps.min(initial=np.inf) >= SPACING
        fine = fine and all(
            length(references[i] - references[j]) >= concept.apart
            for i in range(len(references))
            for j in range(i)
        )
        if fine and concept.possible is not None:
            fine = bool(concept.possible(start, *references))
        if fine and relation is not None:
            lead = relation.lead(np.vstack((start, places)))
            fine = lead[1] - lead[2:].max() >= CLEAR_MARGIN
        return np.array([fine])

    drawn_until(good, 1, concept.name, _MOST_DRAWS)
    return out[0]


def _rrggbb(rgb: np.ndarray) -> str:
    return '#' + bytes(np.round(255 * np.asarray(rgb, float)).astype(np.uint8).tolist()).hex()
