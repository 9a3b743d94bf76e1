# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Events as tensors, and the few-shot tasks that training and evaluation are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from ..concepts import NUM_ENTITIES, Concept, EventBatch
from ..world.scene import COLOURS, MAX_ROLES
from .sampler import variable_of

_ROLES = np.arange(1, MAX_ROLES + 1)


@dataclass(frozen=True)
class Events:
    """`EventBatch` as tensors: states (..., T + 1, N, F), attention, present, mutable, any_of.

    roles: (..., N, MAX_ROLES) of 0 and 1. movers: how many of the first entities may change;
    variable: the chain that changes them (`sampler.variable_of`). Both are known from the start,
    for asking a GPU would mean to wait for it.
    """

    states: Tensor
    attention: Tensor
    present: Tensor
    mutable: Tensor
    any_of: Tensor
    roles: Tensor
    movers: int
    variable: str

    @staticmethod
    def of(
        batch: EventBatch, device: torch.device | str = 'cpu', keep: int | None = None
    ) -> Events:
        """Return a batch on a device; keep: how many of the first entities."""
        n = slice(keep)
        arrays = (
            batch.states[..., n, :],
            batch.attention[..., n],
            batch.present[..., n].astype(np.float32),
            batch.mutable[..., n, :],
            batch.any_of,
            (batch.roles[..., n, None] == _ROLES).astype(np.float32),
        )
        tensors = (torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays)
        mutable = torch.from_numpy(batch.mutable).flatten(0, -3)
        variable = variable_of(mutable, batch.states.shape[-3] - 1)
        movers = int(batch.mutable.any(-1).sum(-1).max())
        return Events(*tensors, movers=movers, variable=variable)

    def map(self, function: Callable[[Tensor], Tensor]) -> Events:
        """Return the events with every tensor changed by a function of the leading axes."""
        changed = {k: function(v) for k, v in vars(self).items() if not isinstance(v, (int, str))}
        return replace(self, **changed)

    @staticmethod
    def cat(parts: Sequence[Events]) -> Events:
        """Return events of the same sizes as one, along the first axis."""
        names = [name for name, value in vars(parts[0]).items() if isinstance(value, Tensor)]
        joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return replace(parts[0], **joined)

    def start(self) -> Tensor:
        """Return states (B, T, N, F) with what is mutable as it was in x⁰."""
        mutable_mask = self.mutable.unsqueeze(1)
        return self.states[:, 1:] * (1 - mutable_mask) + self.states[:, :1] * mutable_mask


@dataclass(frozen=True)
class Task:
    """C concepts of one kind: what is shown of them, and the queries, B = C · queries events.

    shown: (C, M) demonstrations of the action code w_x. generate: events to bring about, None where
    that is not asked for. identify: still scenes to find it in. argument_shown, argument: (C, M)
    and (B,) states x⁰, to find the argument of the event in (w_a). single_goal: (B,) 0/1, of each
    query's concept.
    """

    queries: int
    shown: Events
    generate: Events | None
    identify: Events | None
    argument_shown: Events | None
    argument: Events | None
    single_goal: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Task:
        """Return the task with every tensor changed by a function."""
        changed = {
            name: value.map(function)
            for name, value in vars(self).items()
            if isinstance(value, Events)
        }
        return replace(self, **changed, single_goal=function(self.single_goal))


_SHARE_SHOWN_BY_ACTING = {None: 0.5, 'generation': 1.0, 'identification': 0.0}


def make_task(
    concepts: Sequence[Concept],
    rng: np.random.Generator,
    demonstrations: int,
    queries: int,
    *,
    contexts: Sequence[str] = ('generation', 'identification'),
    shown_in: str | None = None,
    num_entities: tuple[int, int] = NUM_ENTITIES,
    device: torch.device | str = 'cpu',
    participants: int = 1,
    movers: int = 0,
) -> Task:
    """Draw the events of concepts that agree on `generates` and `steps`.

    shown_in: the context that the code is demonstrated in. None draws one for each concept where
    both are asked for: one code has to serve both. participants, movers: the least that events have
    room for, so that every task of a kind has the same shapes.
    """

    def compact(batch: EventBatch) -> Events:
        keep = min(max(participants, batch.participants), batch.attention.shape[-1])
        events = Events.of(batch, device, keep)
        return replace(events, movers=max(events.movers, movers))

    m, total = demonstrations, demonstrations + queries
    generates = concepts[0].generates and 'generation' in contexts
    identifies = 'identification' in contexts or not generates
    still = generated = None
    if identifies:
        still = EventBatch.stack([c.identification(rng, total, num_entities) for c in concepts])
    if generates:
        colours = rng.integers(len(COLOURS), size=len(concepts))
        generated = EventBatch.stack(
            [
                c.generation(rng, total, num_entities, int(colour))
                for c, colour in zip(concepts, colours, strict=True)
            ]
        )
    by_acting = rng.random(len(concepts)) < _SHARE_SHOWN_BY_ACTING[shown_in]
    shown = _demonstrated(generated, still, by_acting, m)
    generate = argument = argument_shown = None
    if generated is not None:
        asked = _flat(generated[:, m:])
        before = generated.at_start()
        generate = compact(asked)
        if identifies:
            argument_shown = compact(before[:, :m])
            argument = Events.of(_flat(before[:, m:]), device)
    return Task(
        queries,
        compact(shown),
        generate,
        None if still is None else Events.of(_flat(still[:, m:]), device),
        argument_shown,
        argument,
        torch.tensor([float(c.single_goal) for c in concepts], device=device).repeat_interleave(
            queries
        ),
    )


def _demonstrated(
    generated: EventBatch | None, still: EventBatch | None, by_acting: np.ndarray, m: int
) -> EventBatch:
    """Return (C, M) events, of each concept either generated ones or still scenes."""
    if generated is None or still is None:
        one = generated if still is None else still
        assert one is not None
        return one[:, :m]
    chosen = [
        np.where(
            by_acting.reshape(-1, *[1] * (getattr(still, f.name).ndim - 1)),
            getattr(generated, f.name),
            getattr(still, f.name),
        )
        for f in fields(EventBatch)
    ]
    return EventBatch(*chosen)[:, :m]


def _flat(batch: EventBatch) -> EventBatch:
    """Merge the two leading axes."""
    return EventBatch(
        *(
            getattr(batch, f.name).reshape(-1, *getattr(batch, f.name).shape[2:])
            for f in fields(EventBatch)
        )
    )
