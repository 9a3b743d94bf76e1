# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tables on which two concepts can hold, drawn around the places where they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ebm_concept_ros.arm.table_scene import TableScene, coloured_table
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts import Concept, joint
from ebm_core.world.scene import COLOURS, InvalidInput

SUM = ' + '  # between the names of concepts that are added up

_TOLERANCE_UNITS = 0.02
_APART_UNITS = 0.4
_WITHIN_UNITS = 0.85
_SPACING_UNITS = 0.3
_MAX_DRAWS = 50_000


def composed_table(
    concepts: Sequence[Concept],
    colours: Sequence[str],
    seed: int,
    workspace: Workspace,
    *,
    together: bool = True,
    vary: bool = False,
) -> tuple[tuple[Concept, ...], TableScene]:
    """Return two concepts, and a table on which both can hold.

    colours: two, of what each of them refers to; one or two entities of others stand by.
    together: at one place, or else at places that are well apart. vary: concepts are as the seed
    has them, a line elsewhere. Raises InvalidInput where no such table is found.
    """
    rng = np.random.default_rng(seed)
    for _ in range(_MAX_DRAWS):
        both = tuple(concept.variant(rng) if vary else concept for concept in concepts)
        first = joint.participants(both[0], rng, half_width=_WITHIN_UNITS)
        actor = first[0] if together else None
        second = joint.participants(both[1], rng, actor, half_width=_WITHIN_UNITS)
        others = rng.uniform(-_WITHIN_UNITS, _WITHIN_UNITS, (int(rng.integers(1, 3)), 2))
        places = np.concatenate((first[1:], second[1:], others))
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        if (
            max(np.abs(first).max(), np.abs(second).max(), np.abs(others).max()) > _WITHIN_UNITS
            or gaps.min(initial=np.inf) < _SPACING_UNITS
        ):
            continue
        # The actor stands where the first holds.
        of_first, of_second = joint.violations(both, np.vstack((first[:1], places)))
        if of_first <= _TOLERANCE_UNITS and (
            of_second <= _TOLERANCE_UNITS if together else of_second >= _APART_UNITS
        ):
            referred_to = np.repeat(colours, (len(first) - 1, len(second) - 1)).tolist()
            spare = [colour for colour in COLOURS if colour not in colours]
            referred_to += [str(rng.choice(spare)) for _ in others]
            return both, coloured_table(rng, referred_to, places, workspace)
    name, how = SUM.join(concept.name for concept in concepts), 'together' if together else 'apart'
    raise InvalidInput(f'scene_seed: {seed} finds no table on which {name} can hold {how}')
