# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""E(m | s, g, u): which states m a way from s to g turns at, about a share u of it.

It is learned from routes that a search over many states found, by contrast with states about the
straight line, and proposes the few states that later searches are done over, in place of random
ones (*Playing with Energy Models*).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..config import Config, RunConfig
from ..errors import InvalidInput
from ..preset_recipe import PresetRecipe
from ..protocols import ParameterGroup, StepLosses
from ..sampling.langevin import Langevin, StepRange
from .energy import PairEnergy, layers
from .points import Maze
from .recipe import data_of
from .routes import RouteConfig, Routes
from .ways import Ways, joined
from .worlds import world_named

_ABOUT = 1.0  # standard deviation of candidates about the straight line
_JITTER = 8  # steps along a way: how far a share is from that of the state it is asked for
_PARTS = 0.5  # the share of parts of ways among what is learned from
_STEPS = 10  # of the chains that end in proposals
_SHARPNESS = 4.0  # a state is proposed by exp(−4 E): near the likely ones, not always the same
_GOALS = 20  # of the ways from each start
_SIZE_WEIGHT = 1e-3  # of the squared energies in the loss
# Long links, and joints that cost ten steps: a way turns where it has to, in few places.
_SEARCH = RouteConfig(radius=1.5, rounds=0, joint=10.0, margin=0.0)


class BetweenTraining(RunConfig):
    """One training run."""

    steps: int = Field(1200, ge=1, description='optimiser steps')
    learning_rate: float = Field(2e-3, gt=0, le=0.1, description='of everything (Adam)')
    gradient_clip: float = Field(10.0, gt=0, description='largest norm of the gradient')
    checkpoint_every: int = Field(1000, ge=1, description='steps between checkpoints')
    batch: int = Field(64, ge=1, description='states of ways per step')
    negatives: int = Field(32, ge=1, description='states about the line, per state of a way')


class BetweenConfig(Config):
    """The world, the network, and where the routes come from."""

    world: str = Field('maze', description='a maze of WORLDS')
    transitions: int = Field(100_000, ge=2, description='random ones, whose states are searched')
    hidden: int = Field(128, ge=8, le=1024, description='units of each of the three layers')
    octaves: int = Field(3, ge=0, le=10, description='sines of states, of wavelengths 4, 2, 1, …')
    states: int = Field(30, ge=2, description='of the data per corridor, that ways go over')
    searched: int = Field(4800, ge=2, description='states in all: as many searches as they give')
    starts: int = Field(20, ge=1, description='of ways per search; each leads to twenty goals')
    training: BetweenTraining = BetweenTraining()


class BetweenEnergy(nn.Module):
    """E (...,) of states m, starts s, goals g (..., 2) and shares u (..., 1) of the way.

    It is the logarithm of how much rarer m is than among states about the straight line.
    """

    def __init__(self, config: BetweenConfig) -> None:
        super().__init__()
        world = _maze(config)
        self.octaves = config.octaves
        self.register_buffer('low', torch.tensor(world.low, dtype=torch.float32))
        self.register_buffer('high', torch.tensor(world.high, dtype=torch.float32))
        inputs = 1 + 3 * 2 + 3 * 2 * 2 * self.octaves
        self.net = layers([inputs, *[config.hidden] * 3], 1)
        steps = {'state': StepRange(0.005, 0.0005, 5.0)}
        self.chains = Langevin(_STEPS, steps).requires_grad_(False)

    def forward(self, state: Tensor, start: Tensor, goal: Tensor, share: Tensor) -> Tensor:
        """Return E; shapes but the last number broadcast.

        The network sees where states are by sines, and how they lie to each other only when near:
        what it learned of one corridor holds in all.
        """
        line = start + share * (goal - start)
        parts = [share, state - line, torch.tanh(state - start), torch.tanh(goal - state)]
        parts += [self._sines(value) for value in (state, start, goal)]
        shape = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
        return self.net(torch.cat([p.expand(*shape, p.shape[-1]) for p in parts], -1)).squeeze(-1)

    def candidates(self, start: Tensor, goal: Tensor, share: Tensor, number: int) -> Tensor:
        """Return states (B, number, 2) about the line from starts to goals (B, 2), in the world."""
        line = (start + share * (goal - start))[:, None]
        states = line + _ABOUT * torch.randn(len(line), number, 2, device=line.device)
        return torch.minimum(torch.maximum(states, self.low), self.high)

    @torch.no_grad()
    def propose(
        self, start: np.ndarray, goal: np.ndarray, shares: np.ndarray, candidates: int = 256
    ) -> np.ndarray:
        """Return states (N, 2) between start and goal (2,), about shares (N,) of the way.

        Of candidates about the straight line one is drawn by its energy, and moved by Langevin.
        """
        share = torch.as_tensor(shares, dtype=torch.float32)[:, None]
        start, goal = (
            torch.as_tensor(x, dtype=torch.float32).expand(len(share), 2) for x in (start, goal)
        )
        about = self.candidates(start, goal, share, candidates)
        energy = self(about, start[:, None], goal[:, None], share[:, None])
        taken = torch.distributions.Categorical(logits=-_SHARPNESS * energy).sample()
        state = about[torch.arange(len(share)), taken]

        def gradient(state: Tensor) -> Tensor:
            with torch.enable_grad():
                state = state.detach().requires_grad_()
                return torch.autograd.grad(self(state, start, goal, share).sum(), state)[0]

        return self.chains.chain('state', state, gradient, noise=0.01).double().numpy()

    def _sines(self, states: Tensor) -> Tensor:
        angles = [states * (torch.pi / 2 * 2**k) for k in range(self.octaves)]
        return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], -1)


@lru_cache(maxsize=1)
def ways_found(energy: PairEnergy, config: BetweenConfig, seed: int) -> Ways:
    """Return ways between states of the data, from random starts to random goals."""
    rng, world = np.random.default_rng(seed), _maze(config)
    states = data_of(config.world, config.transitions, seed).states.double().numpy()
    made = []
    number = config.states * world.corridors
    for _ in range(max(1, config.searched // number)):
        nodes = states[rng.integers(0, len(states), number)]
        routes = Routes(world, energy.excess, lambda *_, nodes=nodes: nodes, _SEARCH)
        starts = rng.integers(0, len(nodes), config.starts)
        made.append(routes.ways(nodes, starts, _GOALS, rng))
    return joined(made)


def _maze(config: BetweenConfig) -> Maze:
    world = world_named(config.world)
    if not isinstance(world, Maze):
        raise InvalidInput(f'world: {config.world!r} is refused: sub-goals are learned in mazes')
    return world


@dataclass(frozen=True)
class BetweenRecipe(PresetRecipe[BetweenConfig, BetweenTraining]):
    """Trains E(m | s, g, u) on ways; it satisfies `protocols.Recipe`. energy: prices links."""

    energy: PairEnergy

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe itself: one process trains this energy."""
        if number > 1:
            raise InvalidInput(f'processes: {number} are refused: sub-goals are trained by one')
        return self

    def build(self) -> BetweenEnergy:
        """Return an energy with weights at random."""
        return BetweenEnergy(self.preset)

    def parameter_groups(self, module: BetweenEnergy) -> tuple[ParameterGroup, ...]:
        """Return the network's parameters; steps of chains are not learned."""
        return (ParameterGroup(tuple(module.net.parameters()), self.run.learning_rate),)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Draw parts of ways: starts, goals and joints (B, 2), and shares of the part (B, 1)."""
        ways = ways_found(self.energy, self.preset, self.run.seed)
        joint = rng.integers(0, len(ways.joints), self.run.batch)
        middle, begin, end = ways.joints[joint], ways.first[joint], ways.last[joint]
        # Half of them are whole ways: parts of ways alone are seldom longer than a corridor.
        part = rng.random((2, len(joint))) * (rng.random(len(joint)) < _PARTS)
        first = begin + (part[0] * (middle - begin + 1)).astype(int)
        last = end - (part[1] * (end - middle + 1)).astype(int)
        about = middle + _JITTER * rng.standard_normal(len(joint))
        share = ((about - first) / np.maximum(last - first, 1)).clip(0, 1)
        places = ways.places
        made = (places[first], places[last], places[middle], share[:, None])
        return tuple(torch.as_tensor(x, dtype=torch.float32, device=device) for x in made)

    def losses(self, module: BetweenEnergy, batch: tuple[Tensor, ...], step: int) -> StepLosses:
        """Return the contrastive loss: which of the states is the one that was passed."""
        start, goal, state, share = batch
        others = module.candidates(start, goal, share, self.run.negatives)
        states = torch.cat((state[:, None], others), 1)
        energy = module(states, start[:, None], goal[:, None], share[:, None])
        loss = cross_entropy(-energy, torch.zeros(len(state), dtype=torch.long))
        size = energy.square().mean()
        return StepLosses(loss + _SIZE_WEIGHT * size, {'loss': loss, 'size': size})
