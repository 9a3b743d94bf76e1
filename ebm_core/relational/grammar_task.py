# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Few-shot tasks drawn from the grammar of concepts, in large batches on one device.

Every step takes a slice of a pool, for drawing many concepts of a kind costs hardly more than
drawing a few. What a pool holds depends on its number and the seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..concepts.grammar import KINDS, Concepts
from ..concepts.grammar.situations import draw_situations, draw_still_scenes
from ..concepts.grammar.who import Who, draw_looks, draw_who, related_bystanders
from ..world.scene import COLOUR, MAX_ROLES, MOVABLE, NUM_FEATURES, POSITION, SHAPE
from .task import Events, Task

POOL_STEPS = 64
BYSTANDERS = 8
PARTICIPANTS = 1 + MAX_ROLES
_STILL_ACTORS, _STILL_BYSTANDERS = 2, 5
_NOISY = 0.3  # the share of concepts that are demonstrated with noise in positions,
_NOISE = 0.06  # of at most this standard deviation, particle units


@dataclass(frozen=True)
class _Geometry:
    """Where things are in C concepts, whatever they look like.

    start, place: (C, E, 2); references: (C, E, MAX_ROLES, 2); roles: (C, MAX_ROLES); still: actors
    and things (C, Q, A + R, 2) of still scenes, with roles (C, Q, A + R) and attention; of relative
    kinds all zero. single_goal: (C,).
    """

    start: Tensor
    place: Tensor
    references: Tensor
    roles: Tensor
    still: Tensor
    still_roles: Tensor
    still_attention: Tensor
    single_goal: Tensor


@dataclass(frozen=True)
class _Drawn:
    """C concepts: events (C, M) that show them, (C, Q) that ask; as of `Task`."""

    shown: Events
    generate: Events
    identify: Events
    argument_shown: Events
    argument: Events
    single_goal: Tensor

    def take(self, index: Tensor) -> _Drawn:
        """Return some of the concepts."""
        cut = {
            name: value[index] if isinstance(value, Tensor) else value.map(lambda t: t[index])
            for name, value in vars(self).items()
        }
        return _Drawn(**cut)


class GrammarTasks:
    """Draws the tasks of each step: kinds that still scenes show, and those relative to x⁰."""

    def __init__(
        self,
        numbers: Mapping[str, int],
        *,
        demonstrations: int,
        queries: int,
        seed: int,
        device: torch.device | str = 'cpu',
        pool_steps: int = POOL_STEPS,
    ) -> None:
        """Prepare to draw; numbers: concepts per step, by name of the kind."""
        self.numbers = {name: number for name, number in numbers.items() if number}
        self.demonstrations, self.queries = demonstrations, queries
        self.seed, self.device, self.pool_steps = seed, torch.device(device), pool_steps
        self._pool: tuple[int, _Drawn | None] = (-1, None)
        # Where the concepts of a step stand in a pool, which holds one kind after the other.
        self._first, at = {}, 0
        for name, count in self.numbers.items():
            self._first[name] = at
            at += count * pool_steps

    @torch.no_grad()
    def of_step(self, step: int) -> list[Task]:
        """Return the tasks of a step; any step may be asked for."""
        number, within = divmod(step, self.pool_steps)
        if self._pool[0] != number:
            self._pool = (number, self._draw(number))
        tasks = []
        for relative in (False, True):
            rows = [
                torch.arange(count, device=self.device) + self._first[name] + within * count
                for name, count in self.numbers.items()
                if KINDS[name].relative is relative
            ]
            if rows:
                drawn = self._pool[1].take(torch.cat(rows))
                tasks.append(_task(drawn, self.queries, relative))
        return tasks

    def _draw(self, number: int) -> _Drawn:
        """Return pool `number`, whatever was drawn before."""
        with torch.random.fork_rng([self.device] if self.device.type == 'cuda' else []):
            torch.manual_seed((self.seed + 1) * 1_000_003 + number)
            geometry = [
                self.geometry(Concepts.draw(KINDS[name], count * self.pool_steps, self.device))
                for name, count in self.numbers.items()
            ]
            joined = [torch.cat(parts) for parts in zip(*map(_values, geometry), strict=True)]
            return self.dress(_Geometry(*joined))

    def geometry(self, concepts: Concepts) -> _Geometry:
        """Draw where everything is in all events of concepts of a kind."""
        drawn = draw_situations(concepts, self.demonstrations + self.queries)
        still = _still_places(concepts, self.queries)
        goal = torch.full_like(still[0][:, 0, 0, 0], float(concepts.kind.single_goal))
        places = (drawn.start, drawn.place, drawn.references)
        return _Geometry(*places, concepts.roles(), *still, goal)

    @torch.no_grad()
    def dress(self, drawn: _Geometry) -> _Drawn:
        """Draw what everything looks like, and what is shown and asked of it."""
        m, device, count = self.demonstrations, self.device, len(drawn.roles)
        who = draw_who((drawn.roles > 0).sum(1))
        second = torch.arange(MAX_ROLES, device=device) == 1
        roles = torch.where(who.anchored[:, None] & second, 2, drawn.roles)
        before, present = _before(drawn, who, roles)
        after = before.clone()
        after[..., 0, POSITION] = drawn.place
        states = torch.stack((before, after), 2)
        takes_part = present.clone()
        takes_part[..., PARTICIPANTS:] = 0.0
        acted = _participants(_events(states, takes_part, present, _of_entities(roles, present)))
        asked = _padded(_asked_about(roles, who), present)
        argument = _events(torch.stack((before, before), 2), takes_part * asked, present)
        noisy = (torch.rand(count, device=device) < _NOISY) * torch.rand(count, device=device)
        shown = acted.map(lambda t: t[:, :m].clone())
        shown.states[..., POSITION] += (
            _NOISE
            * noisy[:, None, None, None, None]
            * torch.randn_like(shown.states[..., POSITION])
        )
        return _Drawn(
            shown,
            acted.map(lambda t: t[:, m:]),
            _still_scenes(drawn),
            _participants(argument.map(lambda t: t[:, :m])),
            argument.map(lambda t: t[:, m:]),
            drawn.single_goal,
        )


def _values(geometry: _Geometry) -> tuple[Tensor, ...]:
    return tuple(vars(geometry).values())


def _before(drawn: _Geometry, who: Who, roles: Tensor) -> tuple[Tensor, Tensor]:
    """Return x⁰ (C, E, N, F), and who is there (C, E, N) 0/1."""
    number = drawn.start.shape[1]
    looks = draw_looks(who, number, roles, BYSTANDERS)
    at, allowed = related_bystanders(who, drawn.start, drawn.references, BYSTANDERS)
    positions = torch.cat((drawn.start[:, :, None], drawn.references, at), 2)
    most = torch.randint(BYSTANDERS + 1, (*at.shape[:2], 1), device=at.device)
    fewest = (2 - (roles > 0).sum(1)).clamp_min(0)[:, None, None]
    there = torch.arange(BYSTANDERS, device=at.device) < torch.maximum(most, fewest)
    taken = (roles > 0)[:, None].expand(-1, number, -1)
    present = torch.cat((torch.ones_like(taken[..., :1]), taken, there & allowed), 2).float()
    before = _features(positions, looks.colour, looks.shape)
    before[..., 0, MOVABLE] = 1.0
    return before * present[..., None], present


def _still_places(concepts: Concepts, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return positions (C, Q, N', 2) in still scenes, roles (C, Q, N') and attention (C, Q, N')."""
    count, device = len(concepts.references), concepts.references.device
    size = (count, number, _STILL_ACTORS + MAX_ROLES + _STILL_BYSTANDERS)
    attention = torch.zeros(size, device=device)
    if concepts.kind.relative:
        return torch.zeros((*size, 2), device=device), attention.long(), attention
    scenes = draw_still_scenes(concepts, number, actors=_STILL_ACTORS, bystanders=_STILL_BYSTANDERS)
    attention[..., 0] = 1.0
    taken = concepts.taken()[:, None].float().expand(-1, number, -1)
    attention[..., _STILL_ACTORS : _STILL_ACTORS + MAX_ROLES] = taken
    actors = torch.zeros_like(scenes.roles[..., :1]).expand(-1, -1, _STILL_ACTORS)
    roles = torch.cat((actors, scenes.roles), 2)
    return torch.cat((scenes.actors, scenes.things), 2), roles, attention


def _still_scenes(drawn: _Geometry) -> Events:
    """Return still scenes (C, Q) in which looks say nothing about who takes part."""
    size = drawn.still.shape[2]
    nobody = torch.zeros_like(drawn.roles)
    looks = draw_looks(draw_who(nobody[:, 0]), drawn.still.shape[1], nobody, size - PARTICIPANTS)
    state = _features(drawn.still, looks.colour, looks.shape)
    state[..., :_STILL_ACTORS, MOVABLE] = 1.0
    roles = one_hot(drawn.still_roles, MAX_ROLES + 1)[..., 1:].float()
    present = torch.ones_like(drawn.still_attention)
    return _events(torch.stack((state, state), 2), drawn.still_attention, present, roles)


def _features(positions: Tensor, colours: Tensor, shapes: Tensor) -> Tensor:
    """Return states (..., NUM_FEATURES) of which nothing is movable."""
    out = torch.zeros((*shapes.shape, NUM_FEATURES), device=positions.device)
    out[..., POSITION], out[..., COLOUR] = positions, colours
    return out.scatter_(-1, (SHAPE.start + shapes).unsqueeze(-1), 1.0)


def _events(
    states: Tensor, attention: Tensor, present: Tensor, roles: Tensor | None = None
) -> Events:
    """Return events (C, E) in which the first entity moves."""
    mutable = torch.zeros_like(states[..., 0, :, :])
    mutable[..., 0, POSITION] = 1.0
    if roles is None:  # nothing is known of them: all that stays plays the first
        roles = torch.zeros((*present.shape, MAX_ROLES), device=present.device)
        roles[..., 0] = 1 - states[..., 0, :, MOVABLE]
    any_of = torch.zeros((*present.shape[:-1], 2), dtype=torch.long, device=present.device)
    return Events(states, attention, present, mutable, any_of, roles, movers=1, variable='position')


def _participants(events: Events) -> Events:
    """Return the events of the first PARTICIPANTS entities."""
    p = PARTICIPANTS
    return replace(
        events,
        states=events.states[..., :p, :],
        attention=events.attention[..., :p],
        present=events.present[..., :p],
        mutable=events.mutable[..., :p, :],
        roles=events.roles[..., :p, :],
    )


def _padded(of_references: Tensor, present: Tensor) -> Tensor:
    """Return (C, 1, N): one for the actor, (C, MAX_ROLES) of the references, one for others."""
    one = torch.ones_like(present[:, :1, :1])
    others = torch.ones_like(present[:, :1, PARTICIPANTS:])
    return torch.cat((one, of_references[:, None].float(), others), 2)


def _of_entities(roles: Tensor, present: Tensor) -> Tensor:
    """Return (C, E, N, MAX_ROLES) of 0 and 1, of the references' roles (C, MAX_ROLES)."""
    own = one_hot(roles, MAX_ROLES + 1)[..., 1:].float()
    out = torch.zeros((*present.shape, MAX_ROLES), device=present.device)
    out[..., 1:PARTICIPANTS, :] = own[:, None]
    return out


def _asked_about(roles: Tensor, who: Who) -> Tensor:
    """Return (C, MAX_ROLES) bool, the references whom a concept's argument code is to find.

    These are the ones of one role: each has a code of its own. Only who is known by a relation to
    an anchor is found together with it; or the anchor by itself.
    """
    score = torch.rand(roles.shape, device=roles.device).masked_fill(roles == 0, -1.0)
    drawn = roles.take_along_dim(score.argmax(1, keepdim=True), 1)
    together = who.anchored[:, None] & (drawn == 1)
    return ((roles == drawn) | together) & (roles > 0)


def _task(drawn: _Drawn, queries: int, relative: bool) -> Task:
    """Return concepts as a task, in which their queries (C, Q) are one axis."""

    def flat(events: Events) -> Events:
        return events.map(lambda t: t.flatten(0, 1))

    return Task(
        queries,
        drawn.shown,
        flat(drawn.generate),
        None if relative else flat(drawn.identify),
        drawn.argument_shown,
        flat(drawn.argument),
        drawn.single_goal.repeat_interleave(queries),
    )
