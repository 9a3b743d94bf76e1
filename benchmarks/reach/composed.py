"""Tables on which two concepts can hold, drawn around the places where they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.events import Concept, get_concept
from ebm_core.events.arrangement import Arrangement
from ebm_core.scene import ACTOR_COLOUR, COLOURS, SHAPES, Scene

# What the first and the second concept refer to.
COLOURS_REFERRED_TO = ('blue', 'red')

_TOLERANCE_UNITS = 0.02
_APART_UNITS = 0.4
_WITHIN_UNITS = 0.85
_SPACING_UNITS = 0.3
_MAX_DRAWS = 50_000


def composed_table(
    names: Sequence[str], seed: int, workspace: Workspace, together: bool = True
) -> tuple[tuple[Concept, ...], TableScene]:
    """Return two concepts as the seed has them, and a table on which both can hold.

    together: at one place, or else at places that are well apart. Each refers to entities of a
    colour of its own, and one or two more stand by. Raises ValueError where no such table is found.
    """
    rng = np.random.default_rng(seed)
    for _ in range(_MAX_DRAWS):
        concepts = tuple(get_concept(name).variant(rng) for name in names)
        first = _participants(concepts[0], rng, None)
        second = _participants(concepts[1], rng, first[0] if together else None)
        others = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (int(rng.integers(1, 3)), 2))
        places = np.concatenate((first[1:], second[1:], others))
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        if (
            max(np.abs(first).max(), np.abs(second).max(), np.abs(others).max()) > _WITHIN_UNITS
            or gaps.min(initial=np.inf) < _SPACING_UNITS
        ):
            continue
        # How far from satisfying each is who satisfies, or is to satisfy, the first.
        of_first, of_second = _violations(concepts, first, second, places)
        if of_first <= _TOLERANCE_UNITS and (
            of_second <= _TOLERANCE_UNITS if together else of_second >= _APART_UNITS
        ):
            return concepts, _table(rng, (first[1:], second[1:]), others, workspace)
    how = 'together' if together else 'apart'
    raise ValueError(f'{" + ".join(names)}: found no table on which both can hold {how}')


def _participants(
    concept: Concept, rng: np.random.Generator, actor: np.ndarray | None
) -> np.ndarray:
    """Return (P, 2): an actor, where it is given that one, and references around it."""
    if isinstance(concept, Arrangement):
        drawn = concept.arrange(rng, 1)[0]
        if actor is not None and concept.num_references:
            return drawn + actor - drawn[0]
    else:
        drawn = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (2, 2))
    return drawn if actor is None else np.concatenate((actor[None], drawn[1:]))


def _violations(
    concepts: Sequence[Concept], first: np.ndarray, second: np.ndarray, places: np.ndarray
) -> list[float]:
    """Return by how much each is violated with the actor where the first has it, particle units."""
    positions = np.vstack((first[:1], places))
    movable = np.arange(len(positions)) == 0
    scene = Scene(
        positions, np.tile(ACTOR_COLOUR, (len(positions), 1)), np.zeros(len(positions)), movable
    )
    out, begin = [], 1
    for concept, references in zip(concepts, (first[1:], second[1:]), strict=True):
        attention = movable.astype(float)
        attention[begin : begin + len(references)] = 1.0
        begin += len(references)
        if isinstance(concept, Arrangement):
            out.append(float(concept.violation(positions[attention > 0.5])))
        else:
            out.append(0.0 if concept.holds(scene, attention) else np.inf)
    return out


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
