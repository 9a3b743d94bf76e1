# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often a sum of two energies is solved by satisfying both concepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..concepts import Concept, EventBatch, get_concept, joint
from ..concepts.particles import features, prefix_mask
from ..relational.composition import Composition, generate
from ..relational.model import ConceptModel
from ..relational.state_energy import StateEnergy
from ..world.scene import COLOURS, POSITION
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
    gates = joint.attentions(concepts[0], most)
    state = _paint(rng, padded, present, gates)
    x = torch.from_numpy(state)[:, None]
    terms = []
    for which in (0, 1):
        code = _codes(model, [pair[which] for pair in concepts], rng)
        gate = torch.from_numpy(gates[which]).expand(scenes, -1)
        terms.append((1.0, StateEnergy(model.energy, x[:, 0], x, gate, code, movers=1)))
    mutable = torch.zeros_like(x[:, 0])
    mutable[:, 0, POSITION] = 1.0
    end = generate(model.sampler, Composition(terms), x, mutable)[:, 0, 0, POSITION].numpy()
    padded[:, 0] = end
    held = np.array(
        [
            [
                joint.satisfied(concepts[row][which], padded[row], gates[which], present[row])
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


def _scene(
    rng: np.random.Generator, names: tuple[str, str]
) -> tuple[tuple[Concept, Concept], np.ndarray]:
    """Return two concepts and positions (N, 2): actor, references of each, distractors.

    The scene is drawn around an actor that satisfies both, who is then sent anywhere.
    """
    for _ in range(_MOST_DRAWS):
        pair = tuple(get_concept(name).variant(rng) for name in names)
        first = joint.participants(pair[0], rng)
        second = joint.participants(pair[1], rng, first[0])
        positions = np.concatenate((first, second[1:], rng.uniform(-1, 1, (DISTRACTORS, 2))))
        if (np.abs(positions) > 1).any():
            continue
        if max(joint.violations(pair, positions)) <= JOINT_TOLERANCE:
            positions[0] = rng.uniform(-1, 1, 2)
            return pair, positions
    raise RuntimeError(f'{names[0]} + {names[1]}: no scene with a joint solution was drawn')


def _paint(
    rng: np.random.Generator, positions: np.ndarray, present: np.ndarray, gates: list[np.ndarray]
) -> np.ndarray:
    """Return states (scenes, N, F): the references of each concept in a colour of their own."""
    palette = np.stack([rng.permutation(len(COLOURS)) for _ in positions])
    colours = palette[:, 2:3].repeat(positions.shape[1], 1)
    for which in (0, 1):
        colours[:, gates[which] > 0.5] = palette[:, which : which + 1]
    movable = prefix_mask(present, 1) > 0
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
