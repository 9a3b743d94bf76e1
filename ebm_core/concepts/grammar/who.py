# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""To whom a concept happens: what the references of each role look like, or how they are related.

References are told by colour (anywhere in RGB), by shape, or by both; or, where a concept takes one
reference, by a relation: whichever entity is the closest to an anchor, the northernmost, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...world.scene import ACTOR_COLOUR, COLOURS, MAX_ROLES, SHAPES
from .kind import chance, directions, uniform

BY_COLOUR, BY_SHAPE, BY_BOTH = range(3)
_SHARES = (0.5, 0.25, 0.25)
_RELATED = 0.6  # share of the concepts with one reference whose reference is told by a relation
_COLOURS_APART = 0.35  # of two roles, and of a bystander from a role it must not be taken for
_LEAST_LEAD = 0.1  # by which whoever is chosen leads all others in a relation, particle units
_CANDIDATES = 16
_USUAL_ACTOR = 0.75  # share of the concepts whose actor is a black cross
_CROSS = SHAPES.index('cross')


@dataclass(frozen=True)
class Who:
    """What C concepts ask of the references.

    mode: (C,) one of BY_…, how roles look; colour: (C, MAX_ROLES, 3), shape: (C, MAX_ROLES).
    jitter: (C,) standard deviation of colours between scenes. related: (C,) bool, whether the one
    reference is told by a relation: to_actor or to an anchor, which then plays the second role.
    sign: (C,), 1 for the closest, −1 for the farthest. along: (C, 2), not zero where the relation
    is to lie farthest in that direction instead.
    """

    mode: Tensor
    colour: Tensor
    shape: Tensor
    jitter: Tensor
    related: Tensor
    to_actor: Tensor
    sign: Tensor
    along: Tensor

    @property
    def anchored(self) -> Tensor:
        """(C,) bool, whether a relation to an anchor tells the reference."""
        return self.related & ~self.to_actor & (self.along == 0).all(-1)


@dataclass(frozen=True)
class Looks:
    """What entities look like: colour (C, E, N, 3) and shape (C, E, N)."""

    colour: Tensor
    shape: Tensor


def draw_colours(*shape: int, device: torch.device) -> Tensor:
    """Return colours (..., 3), half of them those of the palette, half anywhere in RGB."""
    palette = torch.tensor(list(COLOURS.values()), device=device)
    named = palette[torch.randint(len(palette), shape, device=device)]
    anywhere = torch.rand((*shape, 3), device=device)
    return torch.where(torch.rand((*shape, 1), device=device) < 0.5, named, anywhere)


def draw_who(references: Tensor) -> Who:
    """Draw how the references of concepts are told; references: (C,), how many there are."""
    count, device = len(references), references.device
    colour = [draw_colours(count, device=device)]
    for _ in range(MAX_ROLES - 1):
        colour.append(_away_from(torch.stack(colour, 1), 1)[:, 0])
    # To an anchor, which is the hardest, to the actor, or along a direction.
    relation = torch.multinomial(
        torch.tensor((0.5, 0.2, 0.3), device=device), count, replacement=True
    )
    return Who(
        mode=torch.multinomial(torch.tensor(_SHARES, device=device), count, replacement=True),
        colour=torch.stack(colour, 1),
        shape=torch.rand((count, len(SHAPES)), device=device).argsort(-1)[:, :MAX_ROLES],
        jitter=torch.where(
            chance(0.6, count, device), 0.03, uniform(0.0, 0.1, count, device=device)
        ),
        related=(references == 1) & chance(_RELATED, count, device),
        to_actor=relation == 1,
        sign=torch.where(chance(0.5, count, device), 1.0, -1.0),
        along=directions(count, device, upright=0.8) * (relation == 2)[:, None],
    )


def _away_from(colours: Tensor, number: int) -> Tensor:
    """Return `number` colours (C, number, 3), apart from all of `colours` (C, K, 3)."""
    count = len(colours)
    drawn = draw_colours(count, number, _CANDIDATES, device=colours.device)
    off = torch.cdist(drawn.flatten(1, 2), colours).amin(-1).unflatten(1, (number, _CANDIDATES))
    apart = (off > _COLOURS_APART).float() * 10 + off.clamp_max(_COLOURS_APART)
    best = (apart + torch.rand_like(apart)).argmax(-1)
    return drawn.take_along_dim(best[..., None, None], 2).squeeze(2)


def draw_looks(who: Who, events: int, roles: Tensor, bystanders: int) -> Looks:
    """Draw the looks of the actor, the references, and bystanders, N = 1 + MAX_ROLES + bystanders.

    roles: (C, MAX_ROLES), which each reference plays, 0 where there is none. No bystander looks as
    a role asks for; where colour and shape count, some share one of them.
    """
    parts = (
        _actors(who, events),
        _references(who, events, roles),
        _bystanders(who, events, roles, bystanders),
    )
    colour, shape = (torch.cat(values, 2) for values in zip(*parts, strict=True))
    noise = torch.randn_like(colour).clamp(-2, 2) * who.jitter[:, None, None, None]
    return Looks((colour + noise).clamp(0, 1), shape)


def _actors(who: Who, events: int) -> tuple[Tensor, Tensor]:
    """Return colour (C, E, 1, 3) and shape (C, E, 1): a black cross, or anything."""
    count, device = len(who.mode), who.mode.device
    usual = chance(_USUAL_ACTOR, count, device)[:, None, None]
    black = torch.tensor(ACTOR_COLOUR, device=device).expand(count, events, 1, 3)
    other = draw_colours(count, events, 1, device=device)
    shape = torch.randint(len(SHAPES), (count, events, 1), device=device)
    return torch.where(usual[..., None], black, other), torch.where(usual, _CROSS, shape)


def _references(who: Who, events: int, roles: Tensor) -> tuple[Tensor, Tensor]:
    """Return colour (C, E, MAX_ROLES, 3) and shape (C, E, MAX_ROLES) of the references."""
    count, device = len(who.mode), who.mode.device
    role = (roles - 1).clamp_min(0)
    known = _known(who)[:, None].take_along_dim(role[:, None], 2)
    mode = who.mode[:, None, None]
    colour = draw_colours(count, events, MAX_ROLES, device=device)
    of_role = who.colour.take_along_dim(role[..., None], 1)[:, None]
    colour = torch.where((known & (mode != BY_SHAPE))[..., None], of_role, colour)
    shape = torch.randint(len(SHAPES), (count, events, MAX_ROLES), device=device)
    of_role = who.shape.take_along_dim(role, 1)[:, None]
    return colour, torch.where(known & (mode != BY_COLOUR), of_role, shape)


def _known(who: Who) -> Tensor:
    """Return (C, MAX_ROLES) bool, the roles that are told by looks: of a relation, its anchor."""
    anchor = torch.arange(MAX_ROLES, device=who.mode.device) == 1
    return ~who.related[:, None] | (who.anchored[:, None] & anchor)


def _bystanders(who: Who, events: int, roles: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return colour (C, E, number, 3) and shape (C, E, number) of whoever takes no part."""
    count, device = len(who.mode), who.mode.device
    size = (count, events, number)
    index = torch.arange(1, MAX_ROLES + 1, device=device)
    asked = (roles[:, :, None] == index).any(1) & _known(who)  # (C, MAX_ROLES)
    far = torch.where(asked[..., None], who.colour, 9.0)
    colour = _away_from(far, events * number).view(*size, 3)
    taken = (torch.nn.functional.one_hot(who.shape, len(SHAPES)) * asked[..., None]).amax(1)
    shape = (torch.rand((*size, len(SHAPES)), device=device) - 2.0 * taken[:, None, None]).argmax(
        -1
    )
    # What does not count is anything. Where both count, some look like a role in one of them.
    role = torch.randint(MAX_ROLES, size, device=device)
    like = torch.randint(3, size, device=device)
    like = torch.where(
        asked[:, None, None].expand(*size, -1).take_along_dim(role[..., None], 3)[..., 0], like, 2
    )
    both = (who.mode == BY_BOTH)[:, None, None]
    like_colour = who.colour[:, None, None].expand(*size, -1, -1)
    like_colour = like_colour.take_along_dim(role[..., None, None], 3).squeeze(3)
    like_shape = who.shape[:, None, None].expand(*size, -1).take_along_dim(role[..., None], 3)
    any_colour = draw_colours(*size, device=device)
    any_shape = torch.randint(len(SHAPES), size, device=device)
    colour = torch.where((both & (like == 0))[..., None], like_colour, colour)
    # Whoever has a role's shape is of another colour: that may be any shape.
    shape = torch.where(both & (like == 1), like_shape.squeeze(3), shape)
    colour = torch.where((who.mode == BY_SHAPE)[:, None, None, None], any_colour, colour)
    shape = torch.where((who.mode == BY_COLOUR)[:, None, None], any_shape, shape)
    return colour, shape


def related_bystanders(
    who: Who, actor: Tensor, references: Tensor, bystanders: int
) -> tuple[Tensor, Tensor]:
    """Return places (C, E, bystanders, 2), and which of them may be there (C, E, bystanders).

    Where a relation chooses the first reference, no bystander comes near to leading it. actor:
    (C, E, 2); references: (C, E, MAX_ROLES, 2), the second being the relation's anchor.
    """
    shape = (*actor.shape[:2], bystanders, _CANDIDATES)
    places = uniform(-1, 1, *shape, 2, device=actor.device)
    anchor = torch.where(who.to_actor[:, None, None], actor, references[:, :, 1])

    def score(at: Tensor) -> Tensor:
        """Return (..., ) what the chosen one has least of; at: (C, E, K, 2)."""
        off = torch.linalg.vector_norm(at - anchor[:, :, None], dim=-1) * who.sign[:, None, None]
        along = -(at * who.along[:, None, None]).sum(-1)
        directed = (who.along != 0).any(-1)[:, None, None]
        return torch.where(directed, along, off)

    lead = score(places.flatten(2, 3)).view(shape) - score(references[:, :, :1])[..., None]
    fits = (lead > _LEAST_LEAD) | ~who.related[:, None, None, None]
    best = (fits.float() + 0.5 * torch.rand(shape, device=actor.device)).argmax(-1)
    places = places.take_along_dim(best[..., None, None], 3).squeeze(3)
    return places, fits.take_along_dim(best[..., None], 3).squeeze(3)
