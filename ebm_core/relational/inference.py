# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From demonstrations to codes: what happens in them, and to whom (eq. 6, 8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..errors import InvalidInput
from ..world.scene import Demonstration, Scene
from .affine import Affine, joined
from .energy import Energy
from .explanations import with_curves
from .leading import infer_relation
from .roles import Roles
from .sampler import Sampler
from .sight import noise_seen, settled
from .still_scenes import with_whom

_PAIRS_AT_ONCE = 4096  # that the network sees: what caches hold, and memory is bounded


@dataclass(frozen=True, eq=False)
class InferredConcept:
    """What five demonstrations amount to.

    action_code: (D,) w_x of eq. 6. argument_code: (K · D,) w_a, one of eq. 6 for each of K roles.
    action_energies, argument_energies: (n,) E(x¹, a, w_x) and E(x⁰, a, w_a) of each demonstration,
        of several roles the mean.
    """

    action_code: np.ndarray
    argument_code: np.ndarray
    action_energies: np.ndarray
    argument_energies: np.ndarray


class Event(NamedTuple):
    """States x⁰ … xᵀ, and attention (N,) and roles (N,) in them; None: all play the same."""

    states: Sequence[Scene]
    attention: np.ndarray
    roles: np.ndarray | None

    @property
    def roles_played(self) -> np.ndarray:
        """Return the role (N,) int8 of each, 0 of none."""
        played = ~self.states[0].movable if self.roles is None else self.roles
        return played.astype(np.int8)


def infer_concept(
    energy: Energy,
    sampler: Sampler,
    demonstrations: Sequence[Demonstration],
    roles: Roles,
    seed: int,
    *,
    in_time: bool,
) -> InferredConcept:
    """Infer the action code, and the argument code of each role.

    in_time: whether the way counts where the ends do not tell what happened. Raises InvalidInput
    where a code is not finite.
    """
    events = [
        Event(settled(d.judged(in_time=in_time)), d.attention, of)
        for d, of in zip(demonstrations, roles.of, strict=True)
    ]
    for k in range(1, roles.number + 1):
        events += [
            Event([d.before] * 2, d.attention * told, None)
            for d, told in zip(demonstrations, roles.told_by_code(k), strict=True)
        ]
    number = len(demonstrations)
    affine = _affine(energy, events).each(lambda part: part.unflatten(0, (-1, number)))
    generator = torch.Generator().manual_seed(seed)
    seen = noise_seen(demonstrations)
    found = sampler.infer_code(
        energy, affine, generator=generator, seen=seen.expand(len(affine.network))
    )
    energies = energy.energy_of_affine(affine, found.unsqueeze(1))
    if energy.curves is not None and (part := acted(energy, events[:number])):
        found[:1] = with_curves(energy, found[:1], *part, seen)
        energies[0] = energy.energy_of_affine(affine.each(lambda part: part[0]), found[:1])
    if energy.leaders is not None:
        if roles.number == 1 and not any(_moves(d) for d in demonstrations):
            found[:1] = with_whom(energy, found[:1], *_ends(demonstrations), None)
        x, attention, present = told = _told(demonstrations, roles)
        found[1:] = with_relations(energy, found[1:], *told)
        for k in (1 + energy.leaders.is_relation(found[1:]).nonzero().squeeze(1)).tolist():
            of_each = (part[k - 1] for part in (x, present, attention))
            w = found[k].expand(number, -1)
            energies[k] = energy.leaders.energy(*of_each, w)
    energies = energies.double().numpy()
    codes = found.double().numpy()
    if not (np.isfinite(codes).all() and np.isfinite(energies).all()):
        raise InvalidInput('demonstrations: inference of the codes did not stay finite')
    return InferredConcept(codes[0], codes[1:].ravel(), energies[0], energies[1:].mean(0))


def with_relations(
    energy: Energy, codes: Tensor, x: Tensor, attention: Tensor, present: Tensor
) -> Tensor:
    """Return argument codes (C, D), as relations where one tells who has attention in M scenes.

    x: (C, M, N, F); attention, present: (C, M, N) of 0 and 1.
    """
    if energy.leaders is None:
        return codes
    columns = energy.leaders.columns
    code, found = infer_relation(x, attention, present)
    relation = pad(code, (columns.start, codes.shape[-1] - columns.stop))
    return torch.where(found.unsqueeze(-1), relation, codes)


def _told(demonstrations: Sequence[Demonstration], roles: Roles) -> tuple[Tensor, Tensor, Tensor]:
    """Return x⁰ (K, M, N, F), and attention and presence (K, M, N), for the code of each role."""
    x = _padded([d.before.features() for d in demonstrations])
    present = _padded([np.ones(len(d.before)) for d in demonstrations])
    attention = [
        _padded([d.attention * told for d, told in zip(demonstrations, of_role, strict=True)])
        for of_role in (roles.told_by_code(k) for k in range(1, roles.number + 1))
    ]
    x, present = (part.expand(roles.number, *part.shape) for part in (x, present))
    return x, torch.stack(attention), present


def _moves(demonstration: Demonstration) -> bool:
    before, after = demonstration.before, demonstration.after
    return bool((before.positions != after.positions).any())


def _ends(demonstrations: Sequence[Demonstration]) -> tuple[Tensor, Tensor, Tensor]:
    """Return x⁰ and xᵀ (1, M, 2, N, F), and attention and presence (1, M, N)."""
    ends = [[getattr(d, end).features() for d in demonstrations] for end in ('before', 'after')]
    x = torch.stack([_padded(states) for states in ends], 1)
    attention = _padded([(d.attention > 0.5).astype(np.float32) for d in demonstrations])
    present = _padded([np.ones(len(d.before)) for d in demonstrations])
    return x[None], attention[None], present[None]


def _padded(each: Sequence[np.ndarray]) -> Tensor:
    """Return arrays (N, …) of different N as one, with zeros behind the shorter ones."""
    n = max(len(rows) for rows in each)
    rows = [torch.from_numpy(np.asarray(rows, np.float32)) for rows in each]
    return torch.stack([pad(r, (0, 0) * (r.dim() - 1) + (0, n - len(r))) for r in rows])


def inputs_of(energy: Energy, states: Sequence[Scene], roles: np.ndarray | None = None) -> Tensor:
    """Return the inputs (1, T, N, I) of x⁰ … xᵀ."""
    x = torch.from_numpy(np.stack([state.features() for state in states]))[None]
    of = None if roles is None else energy.inputs.one_hot(roles)
    return energy.inputs(x[:, 1:], x[:, 0], of)


def demonstrated(
    energy: Energy, demonstrations: Sequence[Demonstration], roles: Roles
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return what `acted` does of demonstrations, as they were settled."""
    return acted(
        energy,
        [
            Event(settled(d.keyframes), d.attention, of)
            for d, of in zip(demonstrations, roles.of, strict=True)
        ],
    )


def acted(energy: Energy, events: Sequence[Event]) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return states (1, M, T + 1, P, F), gates (1, M, P) and roles of events in which one acted.

    None where they differ in how many take part, or in how many states.
    """
    orders = [event.states[0].participants(event.attention) for event in events]
    if len({(len(order), len(e.states)) for order, e in zip(orders, events, strict=True)}) > 1:
        return None
    states, roles = [], []
    for event, order in zip(events, orders, strict=True):
        states.append(np.stack([state.features()[order] for state in event.states]))
        roles.append(energy.inputs.one_hot(event.roles_played[order]))
    x = torch.from_numpy(np.stack(states))[None]
    return x, torch.ones_like(x[:, :, 0, :, 0]), torch.stack(roles)[None]


def _affine(energy: Energy, events: Sequence[Event]) -> Affine:
    """Return the residuals (events, …); who has no attention has no part in them.

    Events of one size are seen at once, as far as their pairs fit into memory.
    """
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    seen = []
    for index, event in enumerate(events):
        part = event.attention > 0
        states = np.stack([state.features()[part] for state in event.states])
        seen.append((states, event.attention[part].astype(np.float32), event.roles_played[part]))
        alike[states.shape[:2]].append(index)
    order, found = [], []
    for (states, number), indices in alike.items():
        at_once = max(1, _PAIRS_AT_ONCE // ((states - 1) * max(1, number) ** 2))
        for few in (indices[i : i + at_once] for i in range(0, len(indices), at_once)):
            x, gates, roles = zip(*(seen[i] for i in few), strict=True)
            x, gates = (torch.from_numpy(np.stack(parts)) for parts in (x, gates))
            x = energy.inputs(x[:, 1:], x[:, 0], energy.inputs.one_hot(np.stack(roles)))
            order += few
            found.append(energy.affine(x, gates))
    back = torch.tensor(order).argsort()
    return joined(found).each(lambda part: part[back])
