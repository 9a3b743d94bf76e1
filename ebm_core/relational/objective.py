# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The losses of Algorithm 1: likelihood with an importance-sampled partition, and KL (eq. 7, 9).

The likelihood of a demonstrated state or attention is its softmax share among itself and samples
of q (eq. 12). The paper's q is the data and one sampler draw; here q also holds the sampler's
states on the way, draws around the demonstrated state and over the whole plane, and masks that
differ by an entity or two, because one sample says almost nothing about the partition function
while the sampler is still poor.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .energy import Energy
from .negatives import mask_candidates, state_candidates, sure_of_the_way
from .sampler import LANGEVIN_NOISE, Sampler, starts
from .state_energy import StateEnergy
from .task import Events, Task

CHAINS = 2  # of generation while training: one from x⁰, one from anywhere


@dataclass(frozen=True)
class Losses:
    """Scalars of one step: the two that are minimised, and their parts."""

    likelihood: Tensor
    kl: Tensor
    generation_ml: Tensor
    identification_ml: Tensor
    generation_kl: Tensor
    identification_kl: Tensor
    direction: Tensor
    positive: Tensor


@dataclass(frozen=True)
class LossConfig:
    """What the losses are made of, and the weights of two of them.

    chains: whether generation's are among the likelihood's samples. kl: whether chains are
    differentiated. kl_into_energy: whether the KL loss trains the energy that they descend, or
    their step sizes alone. positive, direction: weights of the demonstrated states' own energy, and
    of where downhill leads.
    """

    chains: bool = True
    kl: bool = True
    kl_into_energy: bool = True
    positive: float = 0.1
    direction: float = 0.0


class _Generation(NamedTuple):
    """Of B events: −log p(x | a, w), KL loss, demonstrated energy and direction loss, each (B,)."""

    ml: Tensor
    kl: Tensor
    positive: Tensor
    direction: Tensor


class _Identification(NamedTuple):
    """Of B events: −log p(a | x, w) and KL loss, each (B,)."""

    ml: Tensor
    kl: Tensor


@dataclass(frozen=True)
class _Asked:
    """Whom a code asks for: pair sums (B, Q, H), the events' masks, and the code w (B, D)."""

    pairs: Tensor
    events: Events
    w: Tensor


def losses(energy: Energy, sampler: Sampler, tasks: Sequence[Task], config: LossConfig) -> Losses:
    """Return the losses of a batch: every task is some concepts of one kind."""
    generated, problems = [], []
    for task in tasks:
        w_x = demonstrated_code(energy, sampler, task.shown, noise=LANGEVIN_NOISE)
        w_x = w_x.repeat_interleave(task.queries, 0)
        if task.generate is not None:
            generated.append(
                _generation(energy, sampler, task.generate, w_x, config, task.single_goal)
            )
        if task.identify is not None:
            problems.append(_asked(energy, task.identify, w_x))
        if task.argument is not None:
            w_a = demonstrated_code(energy, sampler, task.argument_shown, noise=LANGEVIN_NOISE)
            w_a = w_a.repeat_interleave(task.queries, 0)
            problems.append(_asked(energy, task.argument, w_a))
    # Scenes of as many entities are one problem.
    sizes: dict[int, list[_Asked]] = {}
    for problem in problems:
        sizes.setdefault(problem.events.attention.shape[-1], []).append(problem)
    identified = [_identify(energy, sampler, same, config) for same in sizes.values()]

    def mean(values: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(values)).mean() if values else energy.f_in.new_zeros(())

    generation_ml = mean([g.ml for g in generated])
    identification_ml = mean([i.ml for i in identified])
    generation_kl = mean([g.kl for g in generated])
    identification_kl = mean([i.kl for i in identified])
    direction = mean([g.direction for g in generated])
    positive = mean([g.positive for g in generated])
    likelihood = generation_ml + identification_ml
    return Losses(
        likelihood=likelihood + config.direction * direction + config.positive * positive,
        kl=generation_kl + identification_kl,
        generation_ml=generation_ml,
        identification_ml=identification_ml,
        generation_kl=generation_kl,
        identification_kl=identification_kl,
        direction=direction,
        positive=positive,
    )


def demonstrated_code(
    energy: Energy,
    sampler: Sampler,
    shown: Events,
    *,
    noise: float = 0.0,
    seen: Tensor | None = None,
) -> Tensor:
    """Return w (C, D) of demonstrations, events (C, M); seen: (C,) the noise of what is seen."""
    x = energy.inputs(shown.states[:, :, 1:], shown.states[:, :, 0], shown.roles)
    affine = energy.affine(x, shown.attention)
    return sampler.infer_code(energy, affine, noise=noise, seen=seen)


def _generation(
    energy: Energy,
    sampler: Sampler,
    events: Events,
    w: Tensor,
    config: LossConfig,
    single_goal: Tensor,
) -> _Generation:
    x, before = events.states[:, 1:], events.states[:, 0]
    start = events.start()
    given = (before, start, events.attention)
    of_states = StateEnergy(energy, *given, w, events.movers, events.roles)
    kl, chain = x.new_zeros(len(x)), []
    if config.chains:
        given_code = (w.detach(), events.movers, events.roles)
        fixed = StateEnergy(energy.frozen(), *given, *given_code)
        with nullcontext() if config.kl else torch.no_grad():
            chain = sampler.generate(
                of_states if config.kl_into_energy else fixed,
                starts(start, events.mutable, CHAINS),
                events.mutable,
                noise=LANGEVIN_NOISE,
                variable=events.variable,
            )
        kl = fixed(chain[-1]).log1p().mean(1)
    sampled = [c.detach() for c in chain]
    candidates, ignored = state_candidates(x, start, sampled, events.mutable)
    if not config.direction:
        energies = of_states(candidates)
        direction = torch.zeros_like(kl)
    else:
        energies, gradients = of_states.value_and_gradient(candidates)
        direction = direction_loss(candidates, gradients, events.mutable, single_goal)
    ml = _first_of(energies.masked_fill(ignored, torch.inf))
    return _Generation(ml, kl, energies[:, 0], direction)


def direction_loss(
    candidates: Tensor, gradients: Tensor, mutable: Tensor, single_goal: Tensor
) -> Tensor:
    """Return (B,), the mean of 1 − cos of the angle between downhill and the demonstrated state.

    A likelihood is content when other states have enough energy, however flat it is out there; K
    steps need to know where to go. Where many states are right, only those count from which the
    demonstrated one is the nearest. candidates, gradients: (B, M, T, P, F) of `state_candidates`;
    mutable: (B, P, F); single_goal: (B,) 0/1.
    """
    mutable_mask = mutable[:, None, None]
    wanted = ((candidates[:, :1] - candidates) * mutable_mask).flatten(2)[:, 1:]
    downhill = (-gradients * mutable_mask).flatten(2)[:, 1:]
    sure = sure_of_the_way(candidates.shape[1], candidates.device)[1:]
    counts = torch.maximum(single_goal.unsqueeze(1), sure)
    off = 1 - F.cosine_similarity(downhill, wanted, dim=-1, eps=1e-4)
    return (off * counts).sum(1) / counts.sum(1)


def _asked(energy: Energy, events: Events, w: Tensor) -> _Asked:
    x = energy.inputs(events.states[:, 1:], events.states[:, 0], events.roles)
    return _Asked(energy.pair_sums(x), events, w)


def _identify(
    energy: Energy, sampler: Sampler, problems: Sequence[_Asked], config: LossConfig
) -> _Identification:
    pairs = torch.cat([p.pairs for p in problems])
    w = torch.cat([p.w for p in problems])
    mask = torch.cat([p.events.attention for p in problems])
    present = torch.cat([p.events.present for p in problems])
    any_of = torch.cat([p.events.any_of for p in problems])
    start = torch.randn(mask.shape, device=mask.device).unsqueeze(1)
    fixed = energy.frozen()
    descended = (energy, pairs) if config.kl_into_energy else (fixed, pairs.detach())
    with nullcontext() if config.kl else torch.no_grad():
        code = w if config.kl_into_energy else w.detach()
        logits = sampler.identify(*descended, present, code, start, noise=LANGEVIN_NOISE)[-1]
    found = torch.sigmoid(logits) * present.unsqueeze(1)
    candidates, ignored = mask_candidates(mask, present, any_of, found.detach())
    energies = energy.energy_of_gates(pairs, candidates, energy.with_code(w))
    ml = _first_of(energies.masked_fill(ignored, torch.inf))
    kl = fixed.energy_of_gates(pairs.detach(), found, fixed.with_code(w.detach())).log1p()
    return _Identification(ml, kl.mean(1))


def _first_of(energies: Tensor) -> Tensor:
    """Return −log of the first candidate's share of exp(−E), (B,); energies: (B, M)."""
    target = torch.zeros(len(energies), dtype=torch.long, device=energies.device)
    return F.cross_entropy(-energies, target, reduction='none')
