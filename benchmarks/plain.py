"""The same maths as ebm_core.objective, written plainly: the baseline, and the tests' reference.

All pairs are concatenated and pass through g, every step of every chain evaluates the whole energy,
and its gradient is autograd's, differentiated once more by training. Parameters, random numbers and
losses are those of the fast version, so the results agree to rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ebm_core.energy import Energy
from ebm_core.events import EventBatch
from ebm_core.inference import CODE_START, LANGEVIN_NOISE, Sampler
from ebm_core.objective import (
    NEAR_SPREADS,
    PLANE_HALF_WIDTH,
    RANDOM_MASKS,
    UNIFORM_NEGATIVES,
    tensors,
)
from ebm_core.scene import POSITION


def plain_energy(e: Energy, x: Tensor, gates: Tensor, w: Tensor) -> Tensor:
    """Return E (...,); x: (..., N, F), gates: (..., N), w: (..., D)."""
    n = x.shape[-2]
    left = x.unsqueeze(-2).expand(*x.shape[:-2], n, n, -1)
    right = x.unsqueeze(-3).expand(*x.shape[:-2], n, n, -1)
    pair = torch.cat((left, right), -1)
    h = F.silu(pair @ torch.cat((e.g_first, e.g_second)) + e.g_bias)
    h = F.silu(h @ e.g_hidden + e.g_hidden_bias)
    gate = gates.unsqueeze(-1) * gates.unsqueeze(-2)
    s = (gate.unsqueeze(-1) * h).sum((-3, -2))
    t = F.silu(s @ e.f_in + gate.sum((-2, -1)).unsqueeze(-1) * e.f_count + e.f_bias)
    t = F.silu(t @ e.f_hidden + e.f_hidden_bias)
    affine = (t @ e.f_out + e.f_out_bias).unflatten(-1, (e.residuals, e.code_size + 1))
    residual = (affine[..., :-1] @ w.unsqueeze(-1)).squeeze(-1) + affine[..., -1]
    return residual.square().sum(-1)


def _gradient(energy: Tensor, variable: Tensor) -> Tensor:
    return torch.autograd.grad(energy.sum(), variable, create_graph=True)[0]


def _infer_code(e: Energy, sampler: Sampler, x: Tensor, gates: Tensor) -> Tensor:
    w = CODE_START * torch.randn(len(x), e.code_size, dtype=x.dtype)
    w.requires_grad_()
    for k in range(sampler.steps):
        spread = w.unsqueeze(1).expand(-1, x.shape[1], -1)
        energy = plain_energy(e, x, gates, spread).mean(1)
        w = sampler.step('code', k, w, _gradient(energy, w), LANGEVIN_NOISE)
    return w


def _moved(x: Tensor, position: Tensor) -> Tensor:
    """Return x (B, M, N, F) with the actor at each of the positions (B, M, 2)."""
    x = x.unsqueeze(1).expand(-1, position.shape[1], -1, -1)
    actor = torch.cat((position, x[..., 0, POSITION.stop :]), -1)
    return torch.cat((actor.unsqueeze(-2), x[..., 1:, :]), -2)


def plain_losses(
    e: Energy,
    sampler: Sampler,
    generation: EventBatch,
    identification: EventBatch,
    demonstrations: int,
    *,
    kl_weight: float,
    positive_weight: float,
) -> Tensor:
    """Return the total loss that ebm_core.objective.losses returns for the same arguments."""
    dtype = e.f_in.dtype
    before, after, attention, present = (
        t.to(dtype) for t in tensors(generation, torch.device('cpu'))
    )
    m = demonstrations
    q = before.shape[1] - m
    w_x = _infer_code(e, sampler, after[:, :m], attention[:, :m]).repeat_interleave(q, 0)
    w_a = _infer_code(e, sampler, before[:, :m], attention[:, :m]).repeat_interleave(q, 0)
    before, after, attention, present = (
        t[:, m:].flatten(0, 1) for t in (before, after, attention, present)
    )
    fixed = e.frozen()

    position = before[:, None, 0, POSITION].clone().requires_grad_()
    for k in range(sampler.steps):
        energy = plain_energy(e, _moved(before, position), attention[:, None], w_x[:, None])
        position = sampler.step(
            'position', k, position, _gradient(energy, position), LANGEVIN_NOISE
        )
    goal = after[:, None, 0, POSITION]
    spread = goal.new_tensor(NEAR_SPREADS).unsqueeze(-1)
    near = goal + spread * torch.randn(len(goal), len(spread), 2, dtype=dtype)
    anywhere = torch.rand(len(goal), UNIFORM_NEGATIVES, 2, dtype=dtype) * 2 - 1
    points = torch.cat((goal, position.detach(), near, PLANE_HALF_WIDTH * anywhere), 1)
    energies = plain_energy(e, _moved(before, points), attention[:, None], w_x[:, None])
    target = torch.zeros(len(goal), dtype=torch.long)
    generation_ml = F.cross_entropy(-energies, target)
    positive = energies[:, 0].mean()
    sampled = plain_energy(
        fixed, _moved(before, position), attention[:, None], w_x.detach()[:, None]
    )
    generation_kl = sampled.log1p().mean()

    _, scenes, masks, exists = (t.to(dtype) for t in tensors(identification, torch.device('cpu')))
    x = torch.cat((scenes.flatten(0, 1), before))
    mask = torch.cat((masks.flatten(0, 1), attention))
    exists = torch.cat((exists.flatten(0, 1), present))
    w = torch.cat((w_x, w_a))
    logits = torch.randn(mask.shape, dtype=dtype).requires_grad_()
    for k in range(sampler.steps):
        energy = plain_energy(e, x, torch.sigmoid(logits) * exists, w)
        logits = sampler.step('attention', k, logits, _gradient(energy, logits), LANGEVIN_NOISE)
    found = torch.sigmoid(logits) * exists
    flipped = (mask.unsqueeze(1) - torch.eye(mask.shape[1], dtype=dtype)).abs()
    anything = (torch.rand(len(mask), RANDOM_MASKS, mask.shape[1], dtype=dtype) < 0.5).to(dtype)
    settled = (found.detach() > 0.5).to(dtype).unsqueeze(1)
    true = mask.unsqueeze(1)
    candidates = torch.cat((true, flipped, anything, settled), 1) * exists.unsqueeze(1)
    repeated = (candidates == true).all(-1)
    repeated[:, 0] = False
    energies = plain_energy(
        e, x.unsqueeze(1).expand(-1, candidates.shape[1], -1, -1), candidates, w.unsqueeze(1)
    )
    target = torch.zeros(len(mask), dtype=torch.long)
    identification_ml = F.cross_entropy((-energies).masked_fill(repeated, -torch.inf), target)
    positive = positive + energies[:, 0].mean()
    identification_kl = plain_energy(fixed, x, found, w.detach()).log1p().mean()
    total = generation_ml + identification_ml + positive_weight * positive
    return total + kl_weight * (generation_kl + identification_kl)
