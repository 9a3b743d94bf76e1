# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What networks about transitions are trained by: the noise-contrastive loss, or chains.

A transition's energy is learned by telling it from draws q(z) of what could come next (binary noise
contrast: the logit that a next state is real is −E − log q − log K). Part of the draws is about
states anywhere, so that places where nothing begins are dear too. The paper's contrastive
divergence, negatives by Langevin or MPPI steps from a replay buffer, is there to be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..errors import InvalidInput
from ..preset_recipe import PresetRecipe
from ..protocols import ParameterGroup, StepLosses
from ..sampling.langevin import Langevin, StepRange
from ..sampling.replay import ReplayBuffer
from .config import PairPreset, PairTraining
from .energy import PairEnergy, network
from .transitions import Transitions
from .worlds import world_named

_WIDE = 0.5  # the share of draws that are even over the box of deviations
_NARROW = 1.5  # standard deviation of the others
_BUFFER = 4096  # ends of chains that are kept
_MPPI_DRAWS, _MPPI_NOISE, _MPPI_TEMPERATURE = 10, 0.2, 0.1


@lru_cache(maxsize=3)
def data_of(world: str, number: int, seed: int, still: bool = False) -> Transitions:
    """Return a world's random transitions, the same for the same arguments.

    still: whether those that did not move at all are among them.
    """
    data = world_named(world).transitions(number, np.random.default_rng(seed))
    return data if still else data.moved()


class PairLearner(nn.Module):
    """A network, and where the chains of negatives go on."""

    def __init__(self, preset: PairPreset) -> None:
        super().__init__()
        run = preset.training
        self.network = network(preset.model)
        if preset.model.kind == 'energy' and run.source != 'noise':
            size = len(self.network.low)
            self.buffer = ReplayBuffer(preset.model.reach * (2 * torch.rand(_BUFFER, size) - 1))
            step = StepRange(0.02, 0.02, 10.0)
            self.chains = Langevin(run.chain_steps, {'next': step}).requires_grad_(False)


@dataclass(frozen=True)
class PairRecipe(PresetRecipe[PairPreset, PairTraining]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`.

    data: transitions in place of the random ones that the preset says. never: transitions that
    were tried and did not happen, which an energy is told besides. Action FF alone learns from
    actions that moved nothing: an energy would take standing still for a step like others.
    """

    data: Transitions | None = None
    never: Transitions | None = None

    def __post_init__(self) -> None:
        if self.data is not None:
            moved = self.data.moved()
            object.__setattr__(self, 'data', self.data if self._still else moved)

    @property
    def _still(self) -> bool:
        return self.preset.model.kind == 'forward'

    def transitions(self) -> Transitions:
        """Return the data set."""
        if self.data is not None:
            return self.data
        run = self.run
        return data_of(self.preset.model.world, run.transitions, run.seed, self._still)

    def build(self) -> PairLearner:
        """Return a learner with weights at random, its frame fitted to the data."""
        learner, data = PairLearner(self.preset), self.transitions()
        size = len(learner.network.low)
        if data.states.shape[1] != size:
            raise InvalidInput(
                f'transitions: {data.states.shape[1]} numbers a state are refused: '
                f'{self.preset.model.world} has {size}'
            )
        learner.network.fit(data)
        return learner

    def parameter_groups(self, module: PairLearner) -> tuple[ParameterGroup, ...]:
        """Return the network's parameters; steps of chains are not learned."""
        parameters = tuple(module.network.parameters())
        return (ParameterGroup(parameters, self.run.learning_rate),)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> Transitions:
        """Draw transitions of the data set."""
        data = self.transitions()
        chosen = torch.from_numpy(rng.integers(0, len(data.states), self.run.batch))
        return Transitions(*(value[chosen].to(device) for value in data))

    def losses(self, module: PairLearner, batch: Transitions, step: int) -> StepLosses:
        """Return the squared error, or the energy's contrast with negatives."""
        if not isinstance(module.network, PairEnergy):
            loss = module.network.error(batch).mean()
            return StepLosses(loss, {'loss': loss})
        if self.run.source == 'noise':
            losses = _noise_contrast(module.network, batch, self.run)
            return losses if self.never is None else self._with_never(module.network, losses)
        return _chain_contrast(module, batch, self.run)

    def _with_never(self, energy: PairEnergy, losses: StepLosses) -> StepLosses:
        chosen = torch.randint(len(self.never.states), (self.run.batch,))
        tried = energy(self.never.states[chosen], self.never.nexts[chosen])
        loss = softplus(-tried).mean()
        return StepLosses(losses.total + loss, {**losses.parts, 'never': loss})


def _noise_contrast(energy: PairEnergy, batch: Transitions, run: PairTraining) -> StepLosses:
    """Return the binary noise-contrastive loss."""
    states, size = batch.states, batch.states.shape[1]
    number = (len(states), run.negatives)
    reach, log_k = energy.config.reach, math.log(run.negatives)
    drawn = energy.low + (energy.high - energy.low) * torch.rand_like(states)
    elsewhere = torch.rand(len(states), 1, device=states.device) < run.anywhere
    about = torch.where(elsewhere, drawn, states)[:, None].expand(*number, size)
    wide = torch.rand(*number, 1, device=states.device) < _WIDE
    even = reach * (2 * torch.rand(*number, size, device=states.device) - 1)
    loose = energy.frame.loose
    deviation = torch.where(wide, even, _NARROW * torch.randn_like(even)) * loose
    real = energy(states, batch.nexts)
    fake = energy(about, energy.frame.apply_deviation(about, deviation))
    density = _log_density(energy.frame.deviation(states, batch.nexts)[:, loose], reach)
    fake_density = _log_density(deviation[..., loose], reach)
    loss = softplus(real + density + log_k).mean()
    loss = loss + run.negatives * softplus(-fake - fake_density - log_k).mean()
    energy.remember(real)
    return _with_size(loss, real, fake, run)


def _log_density(deviation: Tensor, reach: float) -> Tensor:
    """Return log q (...,) of draws, relative to that of even ones."""
    size = deviation.shape[-1]
    inside = (deviation.abs() <= reach).all(-1)
    even = torch.where(inside, math.log(_WIDE), -math.inf)
    square = (deviation / _NARROW).square().sum(-1)
    unit = size * math.log(2 * reach / (_NARROW * math.sqrt(2 * math.pi)))
    return torch.logaddexp(even, math.log(1 - _WIDE) + unit - square / 2)


def _chain_contrast(module: PairLearner, batch: Transitions, run: PairTraining) -> StepLosses:
    """Return E of transitions minus E of where chains end, as the paper trains."""
    energy, states = module.network, batch.states
    fresh = energy.config.reach * (2 * torch.rand_like(states) - 1)
    deviation, places = module.buffer.draw(fresh)

    def of(deviation: Tensor) -> Tensor:
        about = states if deviation.ndim == states.ndim else states[:, None].expand_as(deviation)
        return energy(about, energy.frame.apply_deviation(about, deviation))

    def gradient(deviation: Tensor) -> Tensor:
        with torch.enable_grad():
            deviation = deviation.detach().requires_grad_()
            return torch.autograd.grad(of(deviation).sum(), deviation)[0]

    with torch.no_grad():
        if run.source == 'langevin':
            deviation = module.chains.chain('next', deviation, gradient, noise=0.2)
        else:
            for _ in range(run.chain_steps):
                draws = deviation[:, None].expand(-1, _MPPI_DRAWS, -1)
                draws = draws + _MPPI_NOISE * torch.randn_like(draws)
                weights = torch.softmax(-of(draws) / _MPPI_TEMPERATURE, 1)
                deviation = (weights[..., None] * draws).sum(1)
    module.buffer.put(places, deviation)
    real, fake = energy(states, batch.nexts), of(deviation)
    energy.remember(real)
    return _with_size(real.mean() - fake.mean(), real, fake, run)


def _with_size(loss: Tensor, real: Tensor, fake: Tensor, run: PairTraining) -> StepLosses:
    size = real.square().mean() + fake.square().mean()
    parts = {'loss': loss, 'size': size, 'data': real.mean(), 'negatives': fake.mean()}
    return StepLosses(loss + run.energy_weight * size, parts)
