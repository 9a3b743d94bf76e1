# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Looking into inference: the chains step by step, and energies over the plane.

The chains are the sampler's own; nothing of them is written a second time here.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..concepts import NUM_ENTITIES, Concept, EventBatch, get_concept
from ..evaluation.contexts import DEMONSTRATIONS
from ..evaluation.contexts import demonstrated as codes
from ..relational.model import ConceptModel
from ..relational.sampler import starts
from ..relational.state_energy import StateEnergy
from ..relational.task import Events
from ..world.scene import COLOURS, POSITION

_STATES_AT_ONCE = 20_000  # some 100 MB of activations


def seeded(seed: int) -> np.random.Generator:
    """Seed torch and return NumPy's generator: a figure is the same every time it is drawn."""
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def variants(name: str, count: int, rng: np.random.Generator) -> list[Concept]:
    """Return a named concept `count` times, with parameters of their own."""
    return [get_concept(name).variant(rng) for _ in range(count)]


def draw_events(
    concepts: Sequence[Concept],
    rng: np.random.Generator,
    context: str,
    num_entities: tuple[int, int] = NUM_ENTITIES,
) -> tuple[EventBatch, EventBatch]:
    """Return demonstrations (C, M) of concepts in a context, and (C,) novel events to ask for."""
    count = DEMONSTRATIONS + 1
    if context == 'identification':
        drawn = [c.identification(rng, count, num_entities) for c in concepts]
    else:
        colours = rng.integers(len(COLOURS), size=len(concepts))
        drawn = [
            c.generation(rng, count, num_entities, int(colour))
            for c, colour in zip(concepts, colours, strict=True)
        ]
    events = EventBatch.stack(drawn)
    return events[:, :DEMONSTRATIONS], events[:, DEMONSTRATIONS]


def code_chain(model: ConceptModel, shown: EventBatch, steps: Sequence[int]) -> list[Tensor]:
    """Return the codes (C, D) after each of some numbers of steps of one chain."""
    state = torch.get_rng_state()
    chain = []
    for k in steps:
        torch.set_rng_state(state)  # every time from the same start
        shorter = copy.copy(model.sampler)
        shorter.steps = k
        chain.append(codes(model, shown, shorter))
    return chain


def state_energy(model: ConceptModel, asked: EventBatch, w: Tensor) -> tuple[StateEnergy, Events]:
    """Return E of what generation moves in events (B,), and the events' participants."""
    events = Events.of(asked, keep=asked.participants)
    given = (events.states[:, 0], events.start(), events.attention)
    return StateEnergy(model.energy, *given, w, events.movers, events.roles), events


def _inputs(model: ConceptModel, events: Events) -> Tensor:
    return model.energy.inputs(events.states[:, 1:], events.states[:, 0], events.roles)


@torch.no_grad()
def generation_chain(
    model: ConceptModel, asked: EventBatch, w: Tensor, restarts: int = 1
) -> tuple[Tensor, Tensor]:
    """Return the states (B, K + 1, T, P, F) of generation, and E (B, K + 1) of them.

    restarts: how many chains, of which the one whose end has the least energy is returned; 1 is
    the one from x⁰.
    """
    energy, events = state_energy(model, asked, w)
    begin = starts(events.start(), events.mutable, restarts)
    chains = model.sampler.generate(energy, begin, events.mutable)
    best = energy(chains[-1]).argmin(1)
    states = torch.stack([step[torch.arange(len(best)), best] for step in chains], 1)
    return states, energy(states)


@torch.no_grad()
def identification_chain(
    model: ConceptModel, asked: EventBatch, w: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the attention σ(a) (B, K + 1, N) of one chain from a ~ N(0, 1), and its energies."""
    events = Events.of(asked)
    pairs = model.energy.pair_sums(_inputs(model, events))
    start = torch.randn_like(events.present).unsqueeze(1)
    chain = model.sampler.identify(model.energy, pairs, events.present, w, start)
    gates = torch.sigmoid(torch.cat(chain, 1)) * events.present.unsqueeze(1)
    return gates, model.energy.energy_of_gates(pairs, gates, model.energy.with_code(w))


@torch.no_grad()
def identified(model: ConceptModel, asked: EventBatch, w: Tensor, restarts: int) -> Tensor:
    """Return the attention (B, N), 0 or 1: the best of `restarts` chains, refined."""
    events = Events.of(asked)
    x = _inputs(model, events)
    return model.sampler.identify_best(model.energy, x, events.present, w, restarts=restarts)


def grid(size: int, half_side: float = 1.15) -> np.ndarray:
    """Return points (size, size, 2) of the plane, rows from south to north."""
    line = np.linspace(-half_side, half_side, size)
    return np.stack(np.meshgrid(line, line), -1)


@torch.no_grad()
def energy_over_plane(
    model: ConceptModel, asked: EventBatch, w: Tensor, points: np.ndarray
) -> np.ndarray:
    """Return E (B, rows, columns) with the first entity at points (rows, columns, 2)."""
    flat = torch.from_numpy(points.reshape(-1, 2)).float()
    few = max(1, _STATES_AT_ONCE // len(flat))
    energies = []
    for at in range(0, len(w), few):
        rows = slice(at, at + few)
        energy, events = state_energy(model, asked[rows], w[rows])
        states = events.start().unsqueeze(1).repeat(1, len(flat), 1, 1, 1)
        states[..., 0, POSITION] = flat[None, :, None]
        energies.append(energy(states))
    return torch.cat(energies).reshape(-1, *points.shape[:2]).numpy()
