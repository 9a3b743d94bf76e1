# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How well the score of `understanding` tells what was shown from what shows nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..concepts import FAMILIES, OPEN_FAMILIES, Concept, concept_names, get_concept
from ..relational.curve_kinds import EVIDENCE
from ..relational.model import ConceptModel
from ..world.scene import COLOUR, POSITION, Demonstration
from .contexts import DEMONSTRATIONS
from .satisfied import evaluate_satisfied

# The threshold lies halfway between what this share of every trained concept's demonstrations is
# above and what the same share of those that show nothing is below. Of a model that was trained on
# a grammar, named concepts are not the ones that say least: whoever shows half of the plane tells
# little more than a curve or a region needs to count at all. There it is what that share of random
# demonstrations is below, or that.
SHARE = 0.98


def evaluate_understanding(
    model: ConceptModel, *, sets: int = 20, held_out: Sequence[str] = (), seed: int = 1
) -> dict[str, object]:
    """Return AUROC of the score against what shows nothing consistent, and a threshold.

    sets: of five demonstrations, per concept that can be brought about. random: the changes are
    drawn anew at random. contradictory: every demonstration shows another concept of the family (a
    point elsewhere, another side), which may be another concept that is consistent: all sides are
    equally far. held_out: families that the model was not trained on count as not understood, and
    their AUROC is told apart. refused_of: the shares by family.
    """
    rng = np.random.default_rng(seed)
    names = [n for n in concept_names() if get_concept(n).generates]
    trained = [
        n for n in names if n in model.trained_concepts and get_concept(n).family not in held_out
    ]

    def scores(make: Callable[[Concept], list[Demonstration]], some: Sequence[str]) -> np.ndarray:
        return np.array(
            [model.understanding(make(get_concept(n))) for n in some for _ in range(sets)]
        )

    understood = scores(lambda c: consistent(c, rng), trained)
    of_what = {'random': trained}
    several = of_what['contradictory'] = [n for n in trained if len(alike(get_concept(n))) > 1]
    nothing = {
        'random': scores(lambda c: random(c, rng), trained),
        'contradictory': scores(lambda c: contradictory(c, rng), several),
    }
    if held_out:
        others = of_what['held_out'] = [n for n in names if get_concept(n).family in held_out]
        nothing['held_out'] = scores(lambda c: consistent(c, rng), others)
    above = float(np.quantile(understood.reshape(-1, sets), 1 - SHARE, axis=1).min())
    below = float(np.quantile(np.concatenate((nothing['random'], nothing['contradictory'])), SHARE))
    threshold = min(above, (above + below) / 2)
    if model.card.get('training', {}).get('grammar'):
        below = float(np.quantile(nothing['random'], SHARE))
        threshold = max(below, EVIDENCE / DEMONSTRATIONS)
    return {
        'sets_per_concept': sets,
        'threshold': threshold,
        'satisfied': evaluate_satisfied(model, _of_all_sizes(model, trained), sets=sets, seed=seed),
        'accepted': {
            name: float((understood[i * sets : (i + 1) * sets] >= threshold).mean())
            for i, name in enumerate(trained)
        },
        **{
            kind: {
                'auroc': auroc(understood, other),
                'refused': float((other < threshold).mean()),
                'refused_of': by_family(of_what[kind], (other < threshold).reshape(-1, sets)),
            }
            for kind, other in nothing.items()
        },
    }


def _of_all_sizes(model: ConceptModel, trained: Sequence[str]) -> list[Concept]:
    """Return the trained concepts, and of a grammar's model those with parameters, too."""
    more = OPEN_FAMILIES.values() if model.card.get('training', {}).get('grammar') else ()
    return [*map(get_concept, trained), *(concept for family in more for concept in family)]


def by_family(names: Sequence[str], counted: np.ndarray) -> dict[str, float]:
    """Return the shares of what is counted, (names, sets) bool, by the concepts' family."""
    of: dict[str, list[float]] = defaultdict(list)
    for name, share in zip(names, counted.mean(1), strict=True):
        of[get_concept(name).family].append(float(share))
    return {family: float(np.mean(shares)) for family, shares in of.items()}


def auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the share of pairs in which the positive has the higher score; ties count half."""
    above = (positive[:, None] > negative).mean()
    return float(above + 0.5 * (positive[:, None] == negative).mean())


def consistent(concept: Concept, rng: np.random.Generator) -> list[Demonstration]:
    """Return demonstrations of one variant of the concept."""
    return _shown([concept.variant(rng)] * DEMONSTRATIONS, rng)


def random(concept: Concept, rng: np.random.Generator) -> list[Demonstration]:
    """Return demonstrations in which what the concept changes is changed at random."""
    batch = concept.variant(rng).generation(rng, DEMONSTRATIONS, reference_colour=0)
    anything = np.zeros_like(batch.states[:, 1:])
    anything[..., POSITION] = rng.uniform(-1, 1, (*anything.shape[:-1], 2))
    anything[..., COLOUR] = rng.uniform(0, 1, (*anything.shape[:-1], 3))
    states = batch.states.copy()
    mutable = batch.mutable[:, None]
    states[:, 1:] = states[:, 1:] * (1 - mutable) + anything * mutable
    spoilt = replace(batch, states=states)
    return [spoilt.demonstration((i,)) for i in range(DEMONSTRATIONS)]


def contradictory(concept: Concept, rng: np.random.Generator) -> list[Demonstration]:
    """Return demonstrations of all concepts that are `alike`, a different one each time."""
    order = rng.permutation(DEMONSTRATIONS) % len(alike(concept))
    return _shown([alike(concept)[i].variant(rng) for i in order], rng)


def alike(concept: Concept) -> list[Concept]:
    """Return the concepts of its family that take as many participants."""
    family = FAMILIES[concept.family]
    return [c for c in family if c.num_participants == concept.num_participants]


def _shown(concepts: Sequence[Concept], rng: np.random.Generator) -> list[Demonstration]:
    colour = int(rng.integers(6))
    if all(c == concepts[0] for c in concepts):
        batch = concepts[0].generation(rng, len(concepts), reference_colour=colour)
        return [batch.demonstration((i,)) for i in range(len(concepts))]
    return [c.generation(rng, 1, reference_colour=colour).demonstration((0,)) for c in concepts]


def understanding_table(result: dict) -> str:
    """Return the results as text."""
    accepted = 100 * np.mean(list(result['accepted'].values()))
    lines = [
        f'Threshold {result["threshold"]:.2f}: {accepted:.1f} % of sets of five demonstrations of '
        'trained concepts are above it.',
        '',
        '| shown | AUROC | refused | least of |',
        '|---|---|---|---|',
    ]
    for kind in ('random', 'contradictory', 'held_out'):
        if kind in result:
            row = result[kind]
            family, least = min(row['refused_of'].items(), key=lambda item: item[1])
            lines.append(
                f'| {kind} | {row["auroc"]:.3f} | {100 * row["refused"]:.1f} % | '
                f'{family}: {100 * least:.1f} % |'
            )
    satisfied = result['satisfied']
    lines += ['', '| satisfied: what changes | energy above the least | right |', '|---|---|---|']
    lines += [
        f'| {variable} | {threshold:.2f} | {100 * satisfied["right"][variable]:.1f} % |'
        for variable, threshold in satisfied['thresholds'].items()
    ]
    return '\n'.join(lines)
