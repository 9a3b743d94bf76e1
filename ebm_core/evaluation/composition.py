# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often a sum of two energies is solved by satisfying both concepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..concepts import Concept, EventBatch, get_concept
from ..concepts.arrangement import Arrangement
from ..concepts.particles import features, first
from ..concepts.proximity import Proximity
from ..relational.composition import Composition, generate
from ..relational.model import ConceptModel
from ..relational.state_energy import StateEnergy
from ..world.scene import COLOURS, MOVABLE, NUM_FEATURES, POSITION
from .contexts import DEMONSTRATIONS, demonstrated

PAIRS: tuple[tuple[str, str], ...] = (
    ('between', 'north'),
    ('between', 'west'),
    ('between', 'horizontal_line'),
    ('between', 'circle'),
    ('north', 'east'),
    ('south', 'vertical_line'),
    ('west', 'circle'),
    ('horizontal_line', 'vertical_line'),
    ('vertical_line', 'circle'),
    ('closest', 'vertical_line'),
    ('closest', 'horizontal_line'),
    ('farthest', 'horizontal_line'),
)
DISTRACTORS = 2
JOINT_TOLERANCE = 0.02  # to which a scene's known joint solution satisfies both predicates
_MOST_DRAWS = 20_000


@torch.no_grad()
def evaluate_pair(
    model: ConceptModel, names: tuple[str, str], *, scenes: int = 500, seed: int = 1
) -> dict[str, float]:
    """Return the share of novel scenes in which the actor ends where both predicates hold.

    Every scene has a joint solution, and codes from five demonstrations of each concept by itself.
    Also the share for each of the two.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    drawn = [_scene(rng, names) for _ in range(scenes)]
    most = max(len(positions) for _, positions in drawn)
    padded = np.zeros((scenes, most, 2))
    present = np.zeros((scenes, most), bool)
    for row, (_, positions) in enumerate(drawn):
        padded[row, : len(positions)] = positions
        present[row, : len(positions)] = True
    concepts = [pair for pair, _ in drawn]
    gates = [_gates(most, concepts[0], which) for which in (0, 1)]
    state = _paint(rng, padded, present, gates)
    x = torch.from_numpy(state)[:, None]
    terms = []
    for which in (0, 1):
        code = _codes(model, [pair[which] for pair in concepts], rng)
        gate = torch.from_numpy(gates[which]).expand(scenes, -1)
        terms.append((1.0, StateEnergy(model.energy, x[:, 0], x, gate, code, movers=1)))
    free = torch.zeros_like(x[:, 0])
    free[:, 0, POSITION] = 1.0
    end = generate(model.sampler, Composition(terms), x, free)[:, 0, 0, POSITION].numpy()
    padded[:, 0] = end
    held = np.array(
        [
            [
                satisfied(concepts[row][which], padded[row], present[row], gates[which])
                for which in (0, 1)
            ]
            for row in range(scenes)
        ]
    )
    return {
        'scenes': scenes,
        'both': float(held.all(1).mean()),
        names[0]: float(held[:, 0].mean()),
        names[1]: float(held[:, 1].mean()),
    }


def satisfied(
    concept: Concept, positions: np.ndarray, present: np.ndarray, gate: np.ndarray
) -> bool:
    """Tell whether the predicate holds of positions (N, 2), the attended ones marked in (N,)."""
    order = np.argsort(-gate, kind='stable')
    state = np.zeros((1, 2, len(positions), NUM_FEATURES), np.float32)
    state[..., POSITION] = positions[order]
    state[:, :, 0, MOVABLE] = 1.0
    one = EventBatch(
        state, gate[order][None], present[order][None], np.zeros_like(state[:, 0]), np.zeros((1, 2))
    )
    return bool(concept.satisfied(one)[0])


def _scene(
    rng: np.random.Generator, names: tuple[str, str]
) -> tuple[tuple[Concept, Concept], np.ndarray]:
    """Return two concepts and positions (N, 2): actor, references of each, distractors.

    The scene is drawn around an actor that satisfies both, who is then sent anywhere.
    """
    for _ in range(_MOST_DRAWS):
        pair = tuple(get_concept(name).variant(rng) for name in names)
        here = _around(rng, pair[0], None)
        there = _around(rng, pair[1], here[0])
        positions = np.concatenate((here, there[1:], rng.uniform(-1, 1, (DISTRACTORS, 2))))
        if (np.abs(positions) > 1).any():
            continue
        present = np.ones(len(positions), bool)
        gates = [_gates(len(positions), pair, which) for which in (0, 1)]
        if all(
            _violation(c, positions, present, g) <= JOINT_TOLERANCE
            for c, g in zip(pair, gates, strict=True)
        ):
            positions[0] = rng.uniform(-1, 1, 2)
            return pair, positions
    raise RuntimeError(f'{names[0]} + {names[1]}: no scene with a joint solution was drawn')


def _around(rng: np.random.Generator, concept: Concept, actor: np.ndarray | None) -> np.ndarray:
    """Return (P, 2): an actor (where it is given) and references that satisfy the concept."""
    if isinstance(concept, Proximity):
        place = rng.uniform(-1, 1, (2, 2))
    else:
        assert isinstance(concept, Arrangement)
        place = concept.arrange(rng, 1)[0]
    if actor is None:
        return place
    if concept.num_references and isinstance(concept, Arrangement):
        return place + actor - place[0]
    return np.concatenate((actor[None], place[1:]))


def _violation(
    concept: Concept, positions: np.ndarray, present: np.ndarray, gate: np.ndarray
) -> float:
    if isinstance(concept, Arrangement):
        return float(concept.violation(positions[gate > 0.5]))
    return 0.0 if satisfied(concept, positions, present, gate) else np.inf


def _gates(n: int, pair: Sequence[Concept], which: int) -> np.ndarray:
    """Return the attention (N,) of one of two concepts that share the actor."""
    gates = np.zeros(n, np.float32)
    gates[0] = 1.0
    begin = 1 if which == 0 else pair[0].num_participants
    gates[begin : begin + pair[which].num_participants - 1] = 1.0
    return gates


def _paint(
    rng: np.random.Generator, positions: np.ndarray, present: np.ndarray, gates: list[np.ndarray]
) -> np.ndarray:
    """Return states (scenes, N, F): the references of each concept in a colour of their own."""
    palette = np.stack([rng.permutation(len(COLOURS)) for _ in positions])
    colours = palette[:, 2:3].repeat(positions.shape[1], 1)
    for which in (0, 1):
        colours[:, gates[which] > 0.5] = palette[:, which : which + 1]
    movable = first(present, 1) > 0
    return features(rng, positions, colours, movable, present, black_crosses=True)


def _codes(model: ConceptModel, concepts: Sequence[Concept], rng: np.random.Generator) -> Tensor:
    colours = rng.integers(len(COLOURS), size=len(concepts))
    shown = EventBatch.stack(
        [
            c.generation(rng, DEMONSTRATIONS, reference_colour=int(colour))
            for c, colour in zip(concepts, colours, strict=True)
        ]
    )
    return demonstrated(model, shown)


def evaluate_compositions(
    model: ConceptModel, *, scenes: int = 500, seed: int = 1
) -> dict[str, dict[str, float]]:
    """Measure those of PAIRS that the model was trained on, each concept by itself."""
    return {
        ' + '.join(pair): evaluate_pair(model, pair, scenes=scenes, seed=seed)
        for pair in PAIRS
        if set(pair) <= set(model.trained_concepts)
    }


def composition_table(results: dict[str, dict[str, float]]) -> str:
    """Return the results as a Markdown table."""
    lines = ['| composition | both hold | first | second |', '|---|---|---|---|']
    for name, row in results.items():
        shares = [row['both'], *(row[part] for part in name.split(' + '))]
        lines.append(f'| {name} | ' + ' | '.join(f'{100 * s:.1f} %' for s in shares) + ' |')
    return '\n'.join(lines)
