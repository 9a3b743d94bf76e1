# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a model does on novel scenes: the numbers of docs/results.md, by one command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..concepts import NUM_ENTITIES, Concept, EventBatch, get_concept
from ..relational.explanations import with_curves
from ..relational.inference import with_relations
from ..relational.model import GENERATION_RESTARTS, IDENTIFICATION_RESTARTS, ConceptModel
from ..relational.objective import demonstrated_code
from ..relational.sampler import Sampler
from ..relational.sight import noise_of_places, seen_twice
from ..relational.state_energy import StateEnergy
from ..relational.still_scenes import with_whom
from ..relational.task import Events
from ..world.scene import COLOURS
from .sharing import ALONE, Sharers, shared_out

DEMONSTRATIONS = 5
_CHUNK = 250  # scenes at once: what fits into memory and, mostly, into caches


@torch.no_grad()
def evaluate_concept(
    model: ConceptModel,
    name: str,
    *,
    scenes: int = 1000,
    num_entities: tuple[int, int] = NUM_ENTITIES,
    demonstrations: int = DEMONSTRATIONS,
    seed: int = 1,
) -> dict[str, float]:
    """Measure one concept, every scene with parameters, demonstrations and codes of its own.

    Returns shares in [0, 1] of the scenes, for the contexts that the concept has:
    generation: the predicate is satisfied after K steps. identification: the attention is exactly
    right in a still scene. generation_shared, identification_shared: the same, the code having been
    demonstrated in the other context. argument: the attention of the event, found in x⁰ with w_a.
    generation_one_chain, identification_one_chain: without restarts.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    counts: dict[str, int] = {}
    sizes = [min(_CHUNK, scenes - at) for at in range(0, scenes, _CHUNK)]
    for size in sizes:
        concepts = [get_concept(name).variant(rng) for _ in range(size)]
        for key, success in _measure(model, concepts, rng, num_entities, demonstrations):
            counts[key] = counts.get(key, 0) + int(success.sum())
    return {'scenes': scenes, **{key: count / scenes for key, count in counts.items()}}


def _measure(
    model: ConceptModel,
    concepts: Sequence[Concept],
    rng: np.random.Generator,
    num_entities: tuple[int, int],
    demonstrations: int,
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what was measured, and (scenes,) bool."""
    m = demonstrations
    identification_events = EventBatch.stack(
        [c.identification(rng, m + 1, num_entities) for c in concepts]
    )
    w_still = demonstrated(model, identification_events[:, :m])
    asked = identification_events[:, m]
    yield 'identification', found(model, asked, w_still, IDENTIFICATION_RESTARTS)
    yield 'identification_one_chain', found(model, asked, w_still, 0)
    if not concepts[0].generates:
        return
    colours = rng.integers(len(COLOURS), size=len(concepts))
    generation_events = EventBatch.stack(
        [
            c.generation(rng, m + 1, num_entities, int(colour))
            for c, colour in zip(concepts, colours, strict=True)
        ]
    )
    w_x = demonstrated(model, generation_events[:, :m])
    yield 'generation', brought_about(model, concepts, generation_events[:, m], w_x)
    yield 'generation_one_chain', brought_about(model, concepts, generation_events[:, m], w_x, 1)
    yield 'generation_shared', brought_about(model, concepts, generation_events[:, m], w_still)
    yield 'identification_shared', found(model, asked, w_x, IDENTIFICATION_RESTARTS)
    before = generation_events.at_start()
    w_a = demonstrated_argument(model, before[:, :m])
    yield 'argument', found(model, before[:, m], w_a, IDENTIFICATION_RESTARTS)


@torch.no_grad()
def demonstrated(model: ConceptModel, shown: EventBatch, sampler: Sampler | None = None) -> Tensor:
    """Return w (C, D) of demonstrations (C, M); sampler: in the place of the model's."""
    everybody = torch.from_numpy(shown.states)
    stays = torch.from_numpy(shown.present & ~shown.mutable.any(-1))
    seen = noise_of_places(everybody, stays)
    events = Events.of(shown, keep=shown.participants)
    events = replace(events, states=seen_twice(events.states))
    w = demonstrated_code(model.energy, sampler or model.sampler, events, seen=seen)
    w = with_curves(model.energy, w, events.states, events.attention, events.roles, seen)
    every = Events.of(shown)
    ends = every.states[:, :, [0, -1]]
    return with_whom(model.energy, w, ends, every.attention, every.present, every.roles)


@torch.no_grad()
def demonstrated_argument(model: ConceptModel, shown: EventBatch) -> Tensor:
    """Return w (C, D) of whom still scenes (C, M) show attention to."""
    told = (shown.before, shown.attention, shown.present.astype(np.float32))
    each = (torch.from_numpy(np.ascontiguousarray(part)) for part in told)
    return with_relations(model.energy, demonstrated(model, shown), *each)


@torch.no_grad()
def generate_events(
    model: ConceptModel, asked: EventBatch, w: Tensor, restarts: int = GENERATION_RESTARTS
) -> EventBatch:
    """Return events (B,) with what is mutable brought about by chains of K steps; w: (B, D).

    restarts: how many chains, of which the end of least energy counts; 1 is the one from x⁰.
    """
    p = asked.participants
    events = Events.of(asked, keep=p)
    start = events.start()
    energy = StateEnergy(
        model.energy,
        events.states[:, 0],
        start,
        events.attention,
        w,
        events.movers,
        events.roles,
    )
    states = asked.states.copy()
    end = model.sampler.generate_best(energy, start, events.mutable, restarts=restarts)
    states[:, 1:, :p] = end.numpy()
    return replace(asked, states=states)


def brought_about(
    model: ConceptModel,
    concepts: Sequence[Concept],
    asked: EventBatch,
    w: Tensor,
    restarts: int = GENERATION_RESTARTS,
) -> np.ndarray:
    """Tell (B,) whether each concept's predicate is satisfied by what the model generates."""
    done = generate_events(model, asked, w, restarts)
    return np.array([bool(c.satisfied(done[i : i + 1])[0]) for i, c in enumerate(concepts)])


@torch.no_grad()
def found(model: ConceptModel, asked: EventBatch, w: Tensor, restarts: int) -> np.ndarray:
    """Tell (B,) whether the attention that a code asks for is exactly right.

    restarts: of the search; 0 takes one chain as it ends.
    """
    events = Events.of(asked)
    x = model.energy.inputs(events.states[:, 1:], events.states[:, 0], events.roles)
    if restarts:
        mask = model.sampler.identify_best(model.energy, x, events.present, w, restarts=restarts)
    else:
        pairs, start = model.energy.pair_sums(x), torch.randn(events.present.shape).unsqueeze(1)
        chain = model.sampler.identify(model.energy, pairs, events.present, w, start)
        logits = chain[-1].squeeze(1)
        mask = (logits > 0).float() * events.present
    number, (low, high) = mask.sum(-1), events.any_of.unbind(-1)
    right = (mask == events.attention).all(-1) | ((number >= low) & (number <= high) & (high > 0))
    return right.numpy()


CONTEXTS = ('generation', 'identification')
_COLUMNS = {
    'generation': 'generation',
    'identification': 'identification',
    'argument': 'argument',
    'generation_shared': 'generation, code shown by identification',
    'identification_shared': 'identification, code shown by generation',
    'generation_one_chain': 'generation, one chain',
    'identification_one_chain': 'identification, one chain',
}


def evaluate(
    model: ConceptModel,
    names: Sequence[str],
    *,
    scenes: int = 1000,
    num_entities: tuple[int, int] = NUM_ENTITIES,
    demonstrations: int = DEMONSTRATIONS,
    seed: int = 1,
    processes: Sharers = ALONE,
) -> dict[str, dict]:
    """Measure concepts by name, and the mean over concepts and contexts.

    The processes share the concepts, each of which has random numbers of its own.
    """

    def measured(name: str) -> dict[str, float]:
        return evaluate_concept(
            model,
            name,
            scenes=scenes,
            num_entities=num_entities,
            demonstrations=demonstrations,
            seed=seed,
        )

    concepts = dict(zip(names, shared_out(names, measured, processes), strict=True))
    shares = [row[key] for row in concepts.values() for key in CONTEXTS if key in row]
    return {
        'scenes': scenes,
        'num_entities': list(num_entities),
        'demonstrations': demonstrations,
        'concepts': concepts,
        'mean': float(np.mean(shares)),
        'lowest': float(np.min(shares)),
    }


def table(results: dict[str, dict]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        '| concept | ' + ' | '.join(_COLUMNS.values()) + ' |',
        '|---|' + '---|' * len(_COLUMNS),
    ]
    for name, row in results['concepts'].items():
        cells = [f'{100 * row[key]:.1f} %' if key in row else '' for key in _COLUMNS]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    lines.append(
        f'\nGeneration and identification together: mean {100 * results["mean"]:.1f} %, lowest '
        f'{100 * results["lowest"]:.1f} %.'
    )
    return '\n'.join(lines)
