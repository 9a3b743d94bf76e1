# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Places of two concepts that share one actor: drawn so that each holds, and judged together.

Positions are ordered: the actor, the references of the first concept, those of the second, others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..world.batch import EventBatch
from ..world.scene import MOVABLE, NUM_FEATURES, POSITION
from .arrangement import Arrangement
from .concept import Concept


def participants(
    concept: Concept,
    rng: np.random.Generator,
    actor: np.ndarray | None = None,
    *,
    half_width: float = 1.0,
) -> np.ndarray:
    """Return an actor and references (P, 2) of which an arrangement holds, particle units.

    actor: (2,), where it is given. half_width: of the square in which the participants of a concept
    that is no arrangement are spread; whether it holds of them is for the caller to check.
    """
    if isinstance(concept, Arrangement):
        drawn = concept.arrange(rng, 1)[0]
        if actor is not None and concept.num_references:
            return drawn + actor - drawn[0]
    else:
        drawn = rng.uniform(-half_width, half_width, (concept.num_participants, 2))
    return drawn if actor is None else np.concatenate((actor[None], drawn[1:]))


def attentions(concepts: Sequence[Concept], n: int) -> list[np.ndarray]:
    """Return the attention (n,) float32 of each concept over n positions."""
    out, begin = [], 1
    for concept in concepts:
        end = begin + concept.num_participants - 1
        attention = np.zeros(n, np.float32)
        attention[0] = attention[begin:end] = 1.0
        out.append(attention)
        begin = end
    return out


def violations(concepts: Sequence[Concept], positions: np.ndarray) -> list[float]:
    """Return by how much each concept is violated at positions (n, 2), particle units.

    A concept that knows no degree is violated by 0 or infinity.
    """
    present = np.ones(len(positions), bool)
    out = []
    for concept, attention in zip(concepts, attentions(concepts, len(positions)), strict=True):
        if isinstance(concept, Arrangement):
            out.append(float(concept.violation(positions[attention > 0.5])))
        else:
            out.append(0.0 if satisfied(concept, positions, attention, present) else np.inf)
    return out


def satisfied(
    concept: Concept, positions: np.ndarray, attention: np.ndarray, present: np.ndarray
) -> bool:
    """Tell whether a concept of positions holds at (n, 2); attention, present: (n,)."""
    order = np.argsort(-attention, kind='stable')
    state = np.zeros((1, 2, len(positions), NUM_FEATURES), np.float32)
    state[..., POSITION] = positions[order]
    state[:, :, 0, MOVABLE] = 1.0
    event = EventBatch(
        state,
        attention[order][None],
        present[order][None],
        np.zeros_like(state[:, 0]),
        np.zeros((1, 2)),
    )
    return bool(concept.satisfied(event)[0])
