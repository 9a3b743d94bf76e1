# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often a sum of two or three energies is solved by satisfying all of the concepts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..concepts import Concept, EventBatch, get_concept, joint
from ..concepts.particles import features, prefix_mask
from ..relational.composition import Composition, Term, generate, weighed
from ..relational.model import ConceptModel
from ..relational.state_energy import StateEnergy
from ..world.scene import COLOURS, POSITION
from .contexts import DEMONSTRATIONS, demonstrated
from .sharing import ALONE, Sharers, random_numbers, shared_out

PAIRS: tuple[tuple[str, ...], ...] = (
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
TRIPLES: tuple[tuple[str, ...], ...] = (
    ('between', 'north', 'west'),
    ('north', 'east', 'horizontal_line'),
    ('between', 'south', 'circle'),
    ('west', 'vertical_line', 'closest'),
)
SUM = ' + '  # between the names of what is added up
DISTRACTORS = 2
JOINT_TOLERANCE = 0.02  # to which a scene's known joint solution satisfies all predicates
_MOST_DRAWS = 20_000
_PIECE = 125  # scenes at once: what fits into memory and, mostly, into caches


def evaluate_sum(
    model: ConceptModel, names: Sequence[str], *, scenes: int = 500, seed: int = 1
) -> dict[str, float]:
    """Return the share of novel scenes in which the actor ends where all predicates hold.

    Every scene has a joint solution, and codes from five demonstrations of each concept by itself.
    Also the share for each of the concepts.
    """
    rows = [holds(model, names, *piece, seed) for piece in pieces(scenes)]
    return shares(names, np.concatenate(rows))


def pieces(scenes: int) -> list[tuple[int, int]]:
    """Return the numbers and sizes of the pieces that so many scenes are measured in."""
    return [
        (number, min(_PIECE, scenes - at)) for number, at in enumerate(range(0, scenes, _PIECE))
    ]


def shares(names: Sequence[str], held: np.ndarray) -> dict[str, float]:
    """Return shares of the scenes, in which (scenes, names) each concept held."""
    each = {name: float(share) for name, share in zip(names, held.mean(0), strict=True)}
    return {'scenes': len(held), 'both': float(held.all(1).mean()), **each}


@torch.no_grad()
def holds(
    model: ConceptModel, names: Sequence[str], number: int, scenes: int, seed: int
) -> np.ndarray:
    """Tell (scenes, names) of scenes, the piece of that number, whether each concept holds."""
    with random_numbers(SUM.join(names), number, seed) as rng:
        drawn = [_scene(rng, names) for _ in range(scenes)]
        most = max(len(positions) for _, positions in drawn)
        padded = np.zeros((scenes, most, 2))
        present = np.zeros((scenes, most), bool)
        for row, (_, positions) in enumerate(drawn):
            padded[row, : len(positions)] = positions
            present[row, : len(positions)] = True
        concepts = [together for together, _ in drawn]
        gates = joint.attentions(concepts[0], most)
        state = torch.from_numpy(_paint(rng, padded, present, gates))
        codes = [
            _codes(model, [together[i] for together in concepts], rng) for i in range(len(names))
        ]
        padded[:, 0] = enacted(model, state, codes, gates)
    return np.array(
        [
            [
                joint.satisfied(concept, padded[row], gate, present[row])
                for concept, gate in zip(concepts[row], gates, strict=True)
            ]
            for row in range(scenes)
        ]
    )


def enacted(
    model: ConceptModel,
    state: Tensor,
    codes: Sequence[Tensor],
    gates: Sequence[np.ndarray],
    roles: Sequence[np.ndarray | None] | None = None,
) -> np.ndarray:
    """Return (B, 2) where the first entity of states (B, N, F) comes to be under a sum.

    codes: (B, D) of each concept; gates: (N,) who takes part in it; roles: (N,) which each plays.
    """
    x, terms = state[:, None], []
    for code, gate, of in zip(codes, gates, roles or [None] * len(codes), strict=True):
        who = torch.from_numpy(np.flatnonzero(gate > 0.5))  # the first is the one that moves
        role = None
        if of is not None:
            role = model.energy.inputs.one_hot(of[who.numpy()]).expand(len(state), -1, -1)
        part, all_of_them = x[..., who, :], torch.ones(len(state), len(who))
        w = weighed(model.energy, code, in_sum=True)
        energy = StateEnergy(model.energy, part[:, 0], part, all_of_them, w, 1, role)
        terms.append(Term(1.0, energy, who))
    mutable = torch.zeros_like(state)
    mutable[:, 0, POSITION] = 1.0
    return generate(model.sampler, Composition(terms), x, mutable)[:, 0, 0, POSITION].numpy()


def _scene(
    rng: np.random.Generator, names: Sequence[str]
) -> tuple[tuple[Concept, ...], np.ndarray]:
    """Return the concepts and positions (N, 2): actor, references of each, distractors.

    The scene is drawn around an actor that satisfies all, who is then sent anywhere.
    """
    for _ in range(_MOST_DRAWS):
        concepts = tuple(get_concept(name).variant(rng) for name in names)
        parts = [joint.participants(concepts[0], rng)]
        actor = parts[0][0]
        parts += [joint.participants(concept, rng, actor)[1:] for concept in concepts[1:]]
        positions = np.concatenate((*parts, rng.uniform(-1, 1, (DISTRACTORS, 2))))
        if (np.abs(positions) > 1).any():
            continue
        if max(joint.violations(concepts, positions)) <= JOINT_TOLERANCE:
            positions[0] = rng.uniform(-1, 1, 2)
            return concepts, positions
    raise RuntimeError(f'{SUM.join(names)}: no scene with a joint solution was drawn')


def _paint(
    rng: np.random.Generator, positions: np.ndarray, present: np.ndarray, gates: list[np.ndarray]
) -> np.ndarray:
    """Return states (scenes, N, F): the references of each concept in a colour of their own."""
    palette = np.stack([rng.permutation(len(COLOURS)) for _ in positions])
    others = len(gates)
    colours = palette[:, others : others + 1].repeat(positions.shape[1], 1)
    for which, gate in enumerate(gates):
        colours[:, gate > 0.5] = palette[:, which : which + 1]
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
    model: ConceptModel,
    *,
    scenes: int = 500,
    seed: int = 1,
    only: Sequence[str] = (),
    processes: Sharers = ALONE,
) -> dict[str, dict[str, float]]:
    """Measure those of PAIRS and TRIPLES that the model was trained on, each concept by itself.

    only: words, of which the name of a sum has one. The processes share the work.
    """
    known = set(model.trained_concepts)
    sums = [names for names in (*PAIRS, *TRIPLES) if set(names) <= known]
    return shares_of_sums(
        sums, lambda names, *piece: holds(model, names, *piece, seed), scenes, only, processes
    )


def shares_of_sums(
    sums: Sequence[Sequence[str]],
    held_in: Callable[..., np.ndarray],
    scenes: int,
    only: Sequence[str],
    processes: Sharers,
) -> dict[str, dict[str, float]]:
    """Return the shares of scenes of each sum of names that has one of the words `only` in it.

    held_in(names, *piece): what held in each scene of one of `pieces`. The processes share them.
    """
    some = {SUM.join(names): names for names in sums if has_one(SUM.join(names), only)}
    jobs = [(name, *piece) for name in some for piece in pieces(scenes)]
    held = shared_out(jobs, lambda job: held_in(some[job[0]], *job[1:]), processes)
    rows = defaultdict(list)
    for (name, *_), piece in zip(jobs, held, strict=True):
        rows[name].append(piece)
    return {name: shares(names, np.concatenate(rows[name])) for name, names in some.items()}


def has_one(name: str, words: Sequence[str]) -> bool:
    """Tell whether a name has one of the words in it; without words, all have."""
    return not words or any(word in name for word in words)


def composition_table(results: dict[str, dict[str, float]]) -> str:
    """Return the results as a Markdown table."""
    lines = ['| composition | all hold | first | second | third |', '|---|---|---|---|---|']
    for name, row in results.items():
        parts = name.split(SUM)
        each = [row['both'], *(row[part] for part in parts)]
        cells = [f'{100 * share:.1f} %' for share in each] + [''] * (3 - len(parts))
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
