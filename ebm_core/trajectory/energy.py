# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy E(s, s') of a transition, and the two networks beside it: s, a → s' and s, s' → a."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..model_files import read_model
from .config import RECORDED, PairConfig
from .recorded import RecordedWorld, recorded_world
from .transitions import Frame, Transitions
from .worlds import World, world_named

_ORDINARY = 0.99  # the share of transitions that cost nothing
_MEMORY = 0.01  # of the running quantile: what a step's batch counts


def layers(widths: Sequence[int], outputs: int) -> nn.Sequential:
    """Return a fully connected network."""
    made: list[nn.Module] = []
    for before, after in pairwise(widths):
        made += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*made, nn.Linear(widths[-1], outputs))


class TransitionNetwork(nn.Module):
    """Three hidden layers on states and what comes with them, scaled by world and frame."""

    def __init__(
        self, config: PairConfig, world: World | RecordedWorld, extra: int, outputs: int
    ) -> None:
        super().__init__()
        size = len(world.low)
        self.config, self.octaves = config, config.octaves
        self.frame = Frame(size, config.least)
        self.register_buffer('low', torch.tensor(world.low, dtype=torch.float32))
        self.register_buffer('high', torch.tensor(world.high, dtype=torch.float32))
        widths = [extra + size * (1 + 2 * self.octaves), *[config.hidden] * 3]
        if config.kind != 'forward':
            widths[0] += size * (1 + 2 * self.octaves)  # of the next state
        self.net = layers(widths, outputs)

    def features(self, states: Tensor) -> Tensor:
        """Return states (..., d) scaled to [-1, 1], and sines of wavelengths 4, 2, 1, … of them."""
        scaled = 2 * (states - self.low) / (self.high - self.low) - 1
        angles = [states * (math.pi / 2 * 2**k) for k in range(self.octaves)]
        return torch.cat([scaled, *(f(a) for a in angles for f in (torch.sin, torch.cos))], -1)

    def fit(self, transitions: Transitions) -> None:
        """Fit what is not learned by gradients."""
        self.frame.fit(transitions)


class PairEnergy(TransitionNetwork):
    """E(s, s') for states (..., d), and the excess over what is ordinary, which planners pay."""

    def __init__(self, config: PairConfig, world: World) -> None:
        super().__init__(config, world, len(world.low), 1)
        self.register_buffer('ordinary', torch.zeros(()))

    def forward(self, states: Tensor, nexts: Tensor) -> Tensor:
        """Return E (...,)."""
        deviation, reach = self.frame.deviation(states, nexts), self.config.reach
        seen = deviation.clamp(-reach, reach)
        told = seen * self.frame.loose / 2
        inputs = torch.cat((self.features(states), self.features(nexts), told), -1)
        return self.net(inputs).squeeze(-1) + (deviation - seen).square().sum(-1)

    def excess(self, states: Tensor, nexts: Tensor) -> Tensor:
        """Return max(0, E − ordinary) (...,): nothing for 99 of 100 transitions."""
        return (self(states, nexts) - self.ordinary).clamp(min=0)

    @torch.no_grad()
    def remember(self, energies: Tensor) -> None:
        """Let a batch's energies (B,) of transitions count for what is ordinary."""
        self.ordinary.lerp_(torch.quantile(energies, _ORDINARY), _MEMORY)


class ActionModel(TransitionNetwork):
    """Action FF: the next state from state and action, one answer to each."""

    def __init__(self, config: PairConfig, world: World) -> None:
        super().__init__(config, world, world.actions, len(world.low))

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        """Return the next states (..., d)."""
        inputs = torch.cat((self.features(states), actions), -1)
        return self.frame.apply_deviation(states, self.net(inputs))

    def error(self, data: Transitions) -> Tensor:
        """Return squared errors (B,) in deviations, so that all directions count alike."""
        predicted = self.net(torch.cat((self.features(data.states), data.actions), -1))
        return (predicted - self.frame.deviation(data.states, data.nexts)).square().mean(-1)


class InverseDynamics(TransitionNetwork):
    """The action that leads from a state to the next."""

    def __init__(self, config: PairConfig, world: World) -> None:
        super().__init__(config, world, len(world.low), world.actions)

    def forward(self, states: Tensor, nexts: Tensor) -> Tensor:
        """Return actions (..., a)."""
        deviation = self.frame.deviation(states, nexts)
        seen = deviation.clamp(-self.config.reach, self.config.reach) * self.frame.loose
        inputs = (self.features(states), self.features(nexts), seen)
        return self.net(torch.cat(inputs, -1))

    def error(self, data: Transitions) -> Tensor:
        """Return squared errors (B,) of actions."""
        return (self(data.states, data.nexts) - data.actions).square().mean(-1)


_NETWORKS = {'energy': PairEnergy, 'forward': ActionModel, 'inverse': InverseDynamics}


def network(config: PairConfig) -> TransitionNetwork:
    """Return the network that a configuration says, with weights drawn from torch's generator."""
    recorded = config.world == RECORDED
    world = recorded_world(config) if recorded else world_named(config.world)
    return _NETWORKS[config.kind](config, world)


def load_network(directory: Path | str, kind: str, world: str) -> TransitionNetwork:
    """Load a model's directory; ModelError says what is wrong, or of another kind or world."""
    files = read_model(directory)
    config = files.config(PairConfig)
    for name, wanted in (('kind', kind), ('world', world)):
        if getattr(config, name) != wanted:
            raise ModelError(
                f'{directory}: {name} {getattr(config, name)!r} is refused: {wanted!r} is needed'
            )
    made = network(config)
    files.load_into(made)
    return made.eval().requires_grad_(False)
