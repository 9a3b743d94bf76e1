# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Situations of drawn concepts: where actor and references are, and where the actor is brought."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...world.scene import MAX_ROLES
from .kind import Concepts, chance, uniform

_TRIES = 8  # candidates, of which the best is taken
_APART = 0.25  # least distance of two references, particle units
_MOVES = 0.05  # a demonstrator who hardly moves shows hardly anything
_ALTERNATIVES = 48  # other choices of who takes part, for which a still scene is checked


@dataclass(frozen=True)
class Situations:
    """E situations of C concepts.

    start, place: (C, E, 2), where the actor is before and after. references: (C, E, MAX_ROLES, 2).
    """

    start: Tensor
    place: Tensor
    references: Tensor


def draw_situations(concepts: Concepts, number: int) -> Situations:
    """Draw situations that show something: inside the square, with references apart."""
    device, count = concepts.references.device, len(concepts.references)
    shape = (count, number * _TRIES)
    start = uniform(-1, 1, *shape, 2, device=device)
    references = uniform(-1, 1, *shape, MAX_ROLES, 2, device=device)
    # Half of the demonstrators go to the nearest satisfied place, others to any: what they show
    # must not seem to be about the way.
    towards = uniform(-1, 1, *shape, 2, device=device)
    nearest = chance(0.5, count, device)[:, None, None] | concepts.kind.relative
    towards = torch.where(nearest, start, towards)
    place = concepts.kind.shown(concepts.parameters, towards, references)
    missed = concepts.violation(place, start, references) > 0.02
    if concepts.kind.relative:
        missed = torch.zeros_like(missed)
    gap = torch.cdist(references, references) + 10 * torch.eye(MAX_ROLES, device=device)
    taken = concepts.taken()
    both = (taken[:, None] & taken[:, :, None])[:, None]
    close = ((gap < _APART) & both).flatten(2).any(-1)
    still = torch.linalg.vector_norm(place - start, dim=-1) < _MOVES
    often = torch.rand(shape, device=device) < 0.7
    out = (place.abs() > 1).any(-1)
    bad = (
        8.0 * (missed | ~place.isfinite().all(-1)) + 4.0 * out + 1.0 * close + 0.5 * (still & often)
    )
    best = bad.view(count, number, _TRIES).argmin(-1)

    def take(values: Tensor) -> Tensor:
        tries = values.unflatten(1, (number, _TRIES))
        index = best.view(count, number, *[1] * (tries.ndim - 2))
        return tries.take_along_dim(index, 2).squeeze(2)

    place = take(place).nan_to_num(0.0).clamp(-1.4, 1.4)
    return Situations(take(start), place, take(references))


@dataclass(frozen=True)
class StillScenes:
    """E still scenes of C concepts: the first actor and the first references satisfy the concept.

    actors: (C, E, A, 2), things: (C, E, R, 2) positions, R ≥ MAX_ROLES; roles: (C, E, R) int64.
    """

    actors: Tensor
    things: Tensor
    roles: Tensor


def draw_still_scenes(
    concepts: Concepts, number: int, *, actors: int = 2, bystanders: int = 4, tries: int = 3
) -> StillScenes:
    """Draw scenes in which other choices of who takes part satisfy the concept as little as can be.

    What is not taken by the concept is a bystander too. Where references play roles, bystanders
    have one as well: a choice takes one entity of each.
    """
    device, count = concepts.references.device, len(concepts.references)
    situations = draw_situations(concepts, number * tries)
    shape = (count, number * tries)
    others = uniform(-1, 1, *shape, actors - 1, 2, device=device)
    at = torch.cat((situations.place[:, :, None], others), 2)
    more = uniform(-1, 1, *shape, bystanders, 2, device=device)
    things = torch.cat((situations.references, more), 2)
    roles = _roles_of_things(concepts, shape, things.shape[2])
    margin = _margin(concepts, at, things, roles)
    best = margin.unflatten(1, (number, tries)).argmax(-1)

    def take(values: Tensor) -> Tensor:
        of = values.unflatten(1, (number, tries))
        return of.take_along_dim(best.view(count, number, *[1] * (of.ndim - 2)), 2).squeeze(2)

    return StillScenes(take(at), take(things), take(roles))


def _roles_of_things(concepts: Concepts, shape: tuple[int, int], number: int) -> Tensor:
    """Return roles (C, S, R): those of the references, and any of them for everybody else."""
    device = concepts.references.device
    most = torch.where(concepts.ordered, concepts.references, 1).clamp_min(1)[:, None, None]
    anyone = (torch.rand((*shape, number), device=device) * most).long() + 1
    own, taken = concepts.roles()[:, None], concepts.taken()[:, None]
    anyone[..., :MAX_ROLES] = torch.where(taken, own, anyone[..., :MAX_ROLES])
    return anyone


def _margin(concepts: Concepts, actors: Tensor, things: Tensor, roles: Tensor) -> Tensor:
    """Return (C, S), how far the best of some other choices is from satisfying the concept."""
    count, number, many = things.shape[:3]
    device = things.device
    shape = (count, number, _ALTERNATIVES)
    actor = torch.randint(actors.shape[2], shape, device=device)
    # A thing for each role in turn, none of them twice: the best of random scores that fit.
    score = torch.rand((*shape, many), device=device)
    chosen = []
    for wanted in concepts.roles().clamp_min(1).unbind(1):
        fits = (roles == wanted[:, None, None])[:, :, None]
        which = score.masked_fill(~fits, -1.0).argmax(-1)
        score = score.scatter(-1, which[..., None], -2.0)
        chosen.append(which)
    choice = torch.stack(chosen, -1)
    taken = concepts.taken()[:, None, None]
    index = torch.arange(MAX_ROLES, device=device)
    ordered = concepts.ordered[:, None, None]
    among_first = torch.where(taken, choice < concepts.references[:, None, None, None], True)
    same = torch.where(ordered, ((choice == index) | ~taken).all(-1), among_first.all(-1))
    same = same & (actor == 0)
    place = actors.take_along_dim(actor[..., None], 2)
    references = things[:, :, None].expand(*shape, many, 2)
    references = references.take_along_dim(choice[..., None], 3)
    flat = (place.flatten(1, 2), references.flatten(1, 2))
    violation = concepts.violation(flat[0], flat[0], flat[1]).view(shape)
    return violation.masked_fill(same, torch.inf).amin(-1)
