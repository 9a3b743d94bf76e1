"""Arrangements in which two concepts hold together somewhere, drawn around that place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.events import Concept, get_concept
from ebm_core.events.arrangement import Arrangement
from ebm_core.events.proximity import Proximity
from ebm_core.scene import ACTOR_COLOUR, COLOURS, SHAPES, Scene

# What the first and the second concept refer to.
COLOURS_REFERRED_TO = ('blue', 'red')

_JOINT_TOLERANCE = 0.02  # particle units
_WITHIN_UNITS = 0.85
_SPACING_UNITS = 0.3
_MAX_DRAWS = 50_000


def composed_table(
    names: Sequence[str], seed: int, workspace: Workspace
) -> tuple[tuple[Concept, ...], TableScene]:
    """Return two concepts as the seed has them, and a table on which both can hold.

    Each refers to entities of a colour of its own, and one or two more stand by. Raises ValueError
    where no such table is found.
    """
    rng = np.random.default_rng(seed)
    for _ in range(_MAX_DRAWS):
        concepts = tuple(get_concept(name).variant(rng) for name in names)
        drawn = _around_one_place(concepts, rng)
        if drawn is None:
            continue
        actor, references = drawn
        others = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (int(rng.integers(1, 3)), 2))
        places = np.concatenate((*references, others))
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        if np.abs(places).max() > _WITHIN_UNITS or gaps.min(initial=np.inf) < _SPACING_UNITS:
            continue
        if _all_hold(concepts, actor, references, places):
            return concepts, _table(rng, references, others, workspace)
    raise ValueError(f'{" + ".join(names)}: found no table on which both can hold')


def _around_one_place(
    concepts: Sequence[Concept], rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """Return an actor (2,) that satisfies all arrangements, and each one's references (R, 2)."""
    actor, references = None, []
    for concept in concepts:
        if isinstance(concept, Arrangement):
            participants = concept.arrange(rng, 1)[0]
        else:
            participants = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (2, 2))
        if actor is None:
            actor = participants[0]
        elif concept.num_references and isinstance(concept, Arrangement):
            participants = participants + actor - participants[0]
        elif isinstance(concept, Arrangement) and concept.violation(actor[None]) > _JOINT_TOLERANCE:
            return None
        references.append(participants[1:])
    return None if np.abs(actor).max() > _WITHIN_UNITS else (actor, references)


def _all_hold(
    concepts: Sequence[Concept],
    actor: np.ndarray,
    references: Sequence[np.ndarray],
    places: np.ndarray,
) -> bool:
    """Tell whether the predicates that depend on everybody hold too."""
    positions = np.vstack((actor, places))
    movable = np.arange(len(positions)) == 0
    scene = Scene(
        positions, np.tile(ACTOR_COLOUR, (len(positions), 1)), np.zeros(len(positions)), movable
    )
    begin = 1
    for concept, own in zip(concepts, references, strict=True):
        attention = movable.astype(float)
        attention[begin : begin + len(own)] = 1.0
        begin += len(own)
        if isinstance(concept, Proximity) and not concept.holds(scene, attention):
            return False
    return True


def _table(
    rng: np.random.Generator,
    references: Sequence[np.ndarray],
    others: np.ndarray,
    workspace: Workspace,
) -> TableScene:
    spare = [colour for colour in COLOURS if colour not in COLOURS_REFERRED_TO]
    shapes = [shape for shape in SHAPES if shape != 'cross']
    coloured = [
        (colour, place)
        for colour, own in zip(COLOURS_REFERRED_TO, references, strict=True)
        for place in own
    ]
    coloured += [(str(rng.choice(spare)), place) for place in others]
    entities = []
    for index, (colour, place) in enumerate(coloured):
        x, y = workspace.to_base(place).round(4).tolist()
        entities.append(
            TableEntity(
                id=f'{colour}_{index}',
                position_in_base_m=(x, y),
                colour=colour,
                shape=str(rng.choice(shapes)),
            )
        )
    return TableScene(entities=tuple(entities))
