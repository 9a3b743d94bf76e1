"""The losses of Algorithm 1: likelihood with an importance-sampled partition, and KL (eq. 7, 9).

The likelihood of a demonstrated state or attention is its softmax share among itself and samples
of q (eq. 12). The paper's q is the data and one sampler draw; here q also holds draws over the
whole plane and around the goal (for x) and flipped and random masks (for a), because one sample
says almost nothing about the partition function while the sampler is still poor.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .energy import ActorEnergy, Energy, with_one
from .events import EventBatch
from .inference import LANGEVIN_NOISE, Sampler
from .scene import POSITION

# Standard deviations, in particle units, of the negatives drawn around the goal: from where a
# controller must be precise to where its basin must reach.
NEAR_SPREADS = (0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4)
UNIFORM_NEGATIVES = 8
# A controller's plane reaches beyond the square that scenes are drawn in.
PLANE_HALF_WIDTH = 1.25
RANDOM_MASKS = 9
PARTICIPANTS = 3  # the actor and at most two references; attended entities come first in a batch


@dataclass(frozen=True)
class Losses:
    """Scalars of one step; `total` is what is minimised."""

    total: Tensor
    generation_ml: Tensor
    identification_ml: Tensor
    generation_kl: Tensor
    identification_kl: Tensor
    positive: Tensor


def tensors(batch: EventBatch, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return before, after, attention and present as float tensors on a device."""
    arrays = (batch.before, batch.after, batch.attention, batch.present.astype(np.float32))
    return tuple(torch.from_numpy(a).to(device) for a in arrays)  # type: ignore[return-value]


def losses(
    energy: Energy,
    sampler: Sampler,
    generation: EventBatch,
    identification: EventBatch,
    demonstrations: int,
    *,
    kl_weight: float,
    positive_weight: float,
) -> Losses:
    """Return the losses of a batch of concepts.

    generation: (C, demonstrations + Q) events; the first of each concept are demonstrated, the
    rest are asked for. identification: (C, Q) still scenes. With kl_weight 0 the samplers run
    without being differentiated.
    """
    device = energy.f_in.device
    before, after, attention, present = tensors(generation, device)
    m, k = demonstrations, PARTICIPANTS
    q = before.shape[1] - m
    gates = attention[:, :m, :k]
    w_x, w_a = (
        sampler.infer_code(
            energy.affine_of_event(x[:, :m, :k], gates), noise=LANGEVIN_NOISE
        ).repeat_interleave(q, 0)
        for x in (after, before)
    )
    before, after, attention, present = (
        t[:, m:].flatten(0, 1) for t in (before, after, attention, present)
    )

    differentiate_samplers = nullcontext if kl_weight else torch.no_grad
    fixed = energy.frozen()

    actor = ActorEnergy(energy, before[:, :k], attention[:, :k], w_x)
    with differentiate_samplers():
        sample = sampler.generate(actor, before[:, None, 0, POSITION], noise=LANGEVIN_NOISE)[-1]
    goal = after[:, None, 0, POSITION]
    generation_ml, positive_x = _state_likelihood(actor, goal, sample.detach())
    fixed_actor = ActorEnergy(fixed, before[:, :k], attention[:, :k], w_x.detach())
    generation_kl = fixed_actor(sample).log1p().mean()

    # Both contexts of identification are one problem: what the code asks for, among the entities
    # of a scene. w_x finds who stands in the demonstrated relation, w_a whom it is about.
    _, scenes, masks, exists = tensors(identification, device)
    x = torch.cat((scenes.flatten(0, 1), before))
    mask = torch.cat((masks.flatten(0, 1), attention))
    exists = torch.cat((exists.flatten(0, 1), present))
    w = torch.cat((w_x, w_a))
    pairs = energy.pairs(x)
    start = torch.randn(mask.shape, device=device)
    with differentiate_samplers():
        logits = sampler.identify(energy, pairs, exists, w, start, noise=LANGEVIN_NOISE)[-1]
    found = torch.sigmoid(logits) * exists
    identification_ml, positive_a = _mask_likelihood(energy, pairs, mask, exists, w, found.detach())
    identification_kl = (
        fixed.energy_of_sum(*fixed.gated_sum(pairs.detach(), found), with_one(w.detach()))
        .log1p()
        .mean()
    )
    positive = positive_x + positive_a
    total = generation_ml + identification_ml + positive_weight * positive
    if kl_weight:
        total = total + kl_weight * (generation_kl + identification_kl)
    return Losses(
        total, generation_ml, identification_ml, generation_kl, identification_kl, positive
    )


def _state_likelihood(actor: ActorEnergy, goal: Tensor, sample: Tensor) -> tuple[Tensor, Tensor]:
    """Return −log p(x¹ | a, w_x) and the mean energy of x¹; goal, sample: (B, 1, 2)."""
    spread = goal.new_tensor(NEAR_SPREADS).unsqueeze(-1)
    near = goal + spread * torch.randn(len(goal), len(spread), 2, device=goal.device)
    anywhere = torch.rand(len(goal), UNIFORM_NEGATIVES, 2, device=goal.device) * 2 - 1
    anywhere = PLANE_HALF_WIDTH * anywhere
    energies = actor(torch.cat((goal, sample, near, anywhere), 1))
    target = torch.zeros(len(energies), dtype=torch.long, device=goal.device)
    return F.cross_entropy(-energies, target), energies[:, 0].mean()


def _mask_likelihood(
    energy: Energy, pairs: Tensor, mask: Tensor, exists: Tensor, w: Tensor, found: Tensor
) -> tuple[Tensor, Tensor]:
    """Return −log p(a | x, w) and the mean energy of a; mask, exists, found: (B, N)."""
    flipped = (mask.unsqueeze(1) - torch.eye(mask.shape[1], device=mask.device)).abs()
    anything = (
        torch.rand(len(mask), RANDOM_MASKS, mask.shape[1], device=mask.device) < 0.5
    ).float()
    settled = (found > 0.5).float()
    true = mask.unsqueeze(1)
    candidates = torch.cat((true, flipped, anything, settled.unsqueeze(1)), 1)
    candidates = candidates * exists.unsqueeze(1)
    repeated = (candidates == true).all(-1)
    repeated[:, 0] = False
    weights = (candidates.unsqueeze(-1) * candidates.unsqueeze(-2)).flatten(-2)
    energies = energy.energy_of_sum(
        weights @ pairs.flatten(-3, -2), weights.sum(-1), with_one(w).unsqueeze(1)
    )
    logits = (-energies).masked_fill(repeated, -torch.inf)
    target = torch.zeros(len(logits), dtype=torch.long, device=mask.device)
    return F.cross_entropy(logits, target), energies[:, 0].mean()
