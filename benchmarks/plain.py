# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maths of relational.objective, written plainly: the baseline and the tests' reference.

g is an ordinary MLP of all ordered pairs [x_i, x_j], eq. 4 is evaluated as a whole in every step of
every chain, the chains' gradients are autograd's, and training differentiates them once more by
autograd. Weights, tasks, losses and the order of random draws are those of ebm_core, so that the
results agree to rounding.

Shapes: B any batch axes, T times, N entities, I inputs, D code size; tasks as of ebm_core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ebm_core.relational.energy import Energy
from ebm_core.relational.layers import SOFTENING
from ebm_core.relational.negatives import mask_candidates, state_candidates
from ebm_core.relational.objective import CHAINS, LossConfig, Losses, direction_loss
from ebm_core.relational.sampler import CODE_START, LANGEVIN_NOISE, Sampler, starts, variable_of
from ebm_core.relational.task import Events, Task
from ebm_core.world.scene import POSITION


@dataclass(frozen=True)
class PlainEnergy:
    """E of events by eq. 4.

    lean: what a careful author would save without leaving plain PyTorch: candidates of one event
    share what they have in common, and entities without attention are left out. Otherwise every
    candidate is an event of its own, with all `entities` of the scene.
    """

    e: Energy
    lean: bool = True
    entities: int = 0

    def __call__(self, x: Tensor, gates: Tensor, w: Tensor) -> Tensor:
        """Return E (B,); x: (B, T, N, I), gates: (B, N), w: (B, D), whose axes B broadcast."""
        if not self.lean:
            batch = torch.broadcast_shapes(x.shape[:-3], gates.shape[:-1], w.shape[:-1])
            missing = max(0, self.entities - x.shape[-2])
            x = F.pad(x, (0, 0, 0, missing)).expand(*batch, -1, -1, -1)
            gates = F.pad(gates, (0, missing)).expand(*batch, -1)
        return _energy(self.e, x, gates, w)


def _energy(e: Energy, x: Tensor, gates: Tensor, w: Tensor) -> Tensor:
    n = x.shape[-2]
    if e.relational:
        place = x[..., POSITION]
        left = x.unsqueeze(-2).expand(*x.shape[:-2], n, n, -1)
        right = x.unsqueeze(-3).expand(*x.shape[:-2], n, n, -1)
        offset = place.unsqueeze(-2) - place.unsqueeze(-3)
        distance = (offset.square().sum(-1, keepdim=True) + SOFTENING**2).sqrt()
        pair = torch.cat((left, right, distance), -1).flatten(-3, -2)
        gate = (gates.unsqueeze(-1) * gates.unsqueeze(-2)).flatten(-2)
    else:
        pair, gate = torch.cat((x, x, torch.full_like(x[..., :1], SOFTENING)), -1), gates
    h = F.silu(pair @ torch.cat((e.g_first, e.g_second, e.g_distance[None])) + e.g_bias)
    h = F.silu(h @ e.g_hidden + e.g_hidden_bias)
    g = (h @ e.f_in + e.f_count).sum(-3)
    # The number of pairs counts once per event, not once per state of it.
    g = g - (x.shape[-3] - 1) * e.f_count
    s = (gate.unsqueeze(-1) * g).sum(-2)
    t = F.silu(s + e.f_bias)
    t = F.silu(t @ e.f_hidden + e.f_hidden_bias)
    affine = (t @ e.f_out + e.f_out_bias).unflatten(-1, (e.residuals, e.code_size + 1))
    residual = (affine[..., :-1] @ w.unsqueeze(-1)).squeeze(-1) + affine[..., -1]
    return residual.square().sum(-1)


def _gradient(
    energy_of: Callable[[Tensor], Tensor], at: Tensor, differentiate: bool = True
) -> Tensor:
    """Return ∂E/∂at, itself differentiable unless said otherwise."""
    with torch.enable_grad():
        variable = at if at.requires_grad else at.detach().requires_grad_()
        energy = energy_of(variable).sum()
    return torch.autograd.grad(energy, variable, create_graph=differentiate)[0]


def _infer_code(e: PlainEnergy, sampler: Sampler, shown: Events) -> Tensor:
    """Return w (C, D) of demonstrations (C, M)."""
    x = e.e.inputs(shown.states[:, :, 1:], shown.states[:, :, 0])
    w = CODE_START * torch.randn(len(x), e.e.code_size, device=x.device)

    def energy(w: Tensor) -> Tensor:
        return e(x, shown.attention, w.unsqueeze(1)).mean(1)

    for k in range(sampler.steps):
        w = sampler.step('code', k, w, _gradient(energy, w), LANGEVIN_NOISE)
    return w


def _generation(
    e: PlainEnergy,
    fixed: PlainEnergy,
    sampler: Sampler,
    events: Events,
    w: Tensor,
    config: LossConfig,
    single_goal: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return −log p(x | a, w), KL loss, demonstrated energy and direction loss, each (B,)."""
    before = events.states[:, :1]
    gates, mutable_mask = events.attention.unsqueeze(1), events.mutable[:, None, None]

    def energy(states: Tensor, by: PlainEnergy = e, w: Tensor = w) -> Tensor:
        x = e.e.inputs(states, before.expand(-1, states.shape[1], -1, -1))
        return by(x, gates, w.unsqueeze(1))

    def descended(states: Tensor) -> Tensor:
        return energy(states) if config.kl_into_energy else energy(states, fixed, w.detach())

    start = events.start()
    chain = [starts(start, events.mutable, CHAINS)]
    variable = variable_of(events.mutable, chain[0].shape[2])
    for k in range(sampler.steps):
        gradient = _gradient(descended, chain[-1], config.kl) * mutable_mask
        with torch.set_grad_enabled(config.kl):
            moved = sampler.step(variable, k, chain[-1], gradient, 0.0)
            chain.append(moved + LANGEVIN_NOISE * torch.randn_like(moved) * mutable_mask)
    way = [c.detach() for c in chain]
    candidates, ignored = state_candidates(events.states[:, 1:], start, way, events.mutable)
    energies = energy(candidates)
    gradients = _gradient(energy, candidates)
    direction = direction_loss(candidates, gradients, events.mutable, single_goal)
    kl = energy(chain[-1], fixed, w.detach()).log1p().mean(1)
    return _first_of(energies.masked_fill(ignored, torch.inf)), kl, energies[:, 0], direction


def _identification(
    e: PlainEnergy,
    fixed: PlainEnergy,
    sampler: Sampler,
    problems: Sequence[tuple[Events, Tensor]],
    config: LossConfig,
) -> tuple[Tensor, Tensor]:
    """Return −log p(a | x, w) and the KL loss, each (B,)."""
    inputs = [
        e.e.inputs(v.states[:, 1:], v.states[:, 0], v.roles).unsqueeze(1) for v, _ in problems
    ]
    codes = [w.unsqueeze(1) for _, w in problems]
    mask, present, any_of = (
        torch.cat([getattr(v, name) for v, _ in problems])
        for name in ('attention', 'present', 'any_of')
    )

    def energy(gates: Tensor, by: PlainEnergy = e, codes: Sequence[Tensor] = codes) -> Tensor:
        """Return E (B, C) of gates (B, C, N); problems differ in the number of states."""
        parts = gates.split([len(x) for x in inputs])
        return torch.cat([by(*p) for p in zip(inputs, parts, codes, strict=True)])

    def gates_of(logits: Tensor) -> Tensor:
        return torch.sigmoid(logits) * present.unsqueeze(1)

    def descended(logits: Tensor) -> Tensor:
        if config.kl_into_energy:
            return energy(gates_of(logits))
        return energy(gates_of(logits), fixed, [w.detach() for w in codes])

    logits = torch.randn(mask.shape, device=mask.device).unsqueeze(1)
    for k in range(sampler.steps):
        gradient = _gradient(descended, logits, config.kl)
        with torch.set_grad_enabled(config.kl):
            logits = sampler.step('attention', k, logits, gradient, LANGEVIN_NOISE)
    found = gates_of(logits)
    candidates, ignored = mask_candidates(mask, present, any_of, found.detach())
    energies = energy(candidates)
    ml = _first_of(energies.masked_fill(ignored, torch.inf))
    kl = energy(found, fixed, [w.detach() for w in codes]).log1p()
    return ml, kl.mean(1)


def _first_of(energies: Tensor) -> Tensor:
    """Return −log of the first candidate's share of exp(−E), (B,); energies: (B, M)."""
    return -F.log_softmax(-energies, -1)[:, 0]


def plain_losses(
    energy: Energy,
    sampler: Sampler,
    tasks: Sequence[Task],
    config: LossConfig,
    *,
    lean: bool = True,
) -> Losses:
    """Return what relational.objective.losses returns for the same arguments and random state."""
    scenes = [v for task in tasks for v in (task.identify, task.argument) if v is not None]
    entities = max((v.attention.shape[-1] for v in scenes), default=0)
    fixed = PlainEnergy(energy.frozen(), lean, entities)
    zero = energy.f_in.new_zeros(())
    energy = PlainEnergy(energy, lean, entities)
    generated, problems = [], []
    for task in tasks:
        w_x = _infer_code(energy, sampler, task.shown).repeat_interleave(task.queries, 0)
        if task.generate is not None:
            generated.append(
                _generation(energy, fixed, sampler, task.generate, w_x, config, task.single_goal)
            )
        if task.identify is not None:
            problems.append((task.identify, w_x))
        if task.argument is not None:
            w_a = _infer_code(energy, sampler, task.argument_shown)
            problems.append((task.argument, w_a.repeat_interleave(task.queries, 0)))
    identified = []
    if problems:
        identified.append(_identification(energy, fixed, sampler, problems, config))

    def mean(parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts)).mean() if parts else zero

    generation_ml, generation_kl = (mean([p[i] for p in generated]) for i in (0, 1))
    identification_ml, identification_kl = (mean([p[i] for p in identified]) for i in (0, 1))
    positive = mean([p[2] for p in generated])
    direction = mean([p[3] for p in generated]) if config.direction else zero
    likelihood = generation_ml + identification_ml
    return Losses(
        likelihood + config.direction * direction + config.positive * positive,
        generation_kl + identification_kl,
        generation_ml,
        identification_ml,
        generation_kl,
        identification_kl,
        direction,
        positive,
    )
