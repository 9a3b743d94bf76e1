# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Plain and adversarially trained classifiers: judges of samples, and rivals in robustness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..datasets.sources import LabelledImages
from .config import ImageConfig
from .energy import convolutions

Norm = Literal['inf', '2']
Scores = Callable[[Tensor], Tensor]  # from images (B, pixels) to scores (B, classes)


def train_classifier(
    images: LabelledImages,
    config: ImageConfig,
    *,
    steps: int,
    seed: int,
    attacked: tuple[Norm, float] | None = None,
    batch: int = 64,
    device: torch.device | str = 'cpu',
) -> nn.Module:
    """Return the energy's own network, without the bound on its layers, as a classifier.

    attacked: norm and radius of the attack that it is trained under (Madry et al. 2018), or None.
    The radius grows during the first half: from the start, the largest leaves nothing to learn.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    # The images' own labels, which an energy need not know.
    config = config.model_copy(update={'classes': images.classes})
    network = convolutions(config, lambda layer: layer).to(device)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for step in range(steps):
        places = rng.integers(len(images.train), size=batch)
        x = torch.from_numpy(images.train[places]).flatten(1).to(device)
        y = torch.from_numpy(images.train_labels[places]).to(device)
        if attacked:
            norm, radius = attacked
            x = attack(network, x, y, norm, radius * min(1.0, 2 * (step + 1) / steps), steps=5)
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def attack(
    scores: Scores, x: Tensor, y: Tensor, norm: Norm, radius: float, steps: int = 20
) -> Tensor:
    """Return images within a radius of x (B, pixels), and within [0, 1], that raise the loss most.

    Projected gradient ascent on the cross-entropy of scores, from a random start.
    """
    if not radius:
        return x
    away = torch.empty_like(x).uniform_(-1, 1)
    moved = x + _within(radius * away, norm, radius)
    for _ in range(steps):
        moved = moved.clamp(0, 1).detach().requires_grad_()
        loss = F.cross_entropy(scores(moved), y, reduction='sum')
        (slope,) = torch.autograd.grad(loss, moved)
        if norm == 'inf':
            direction = slope.sign()
        else:
            direction = slope / slope.norm(dim=1, keepdim=True).clamp_min(1e-12)
        away = moved.detach() + 2.5 * radius / steps * direction - x
        moved = x + _within(away, norm, radius)
    return moved.clamp(0, 1).detach()


def _within(away: Tensor, norm: Norm, radius: float) -> Tensor:
    if norm == 'inf':
        return away.clamp(-radius, radius)
    length = away.norm(dim=1, keepdim=True)
    return away * (radius / length.clamp_min(1e-12)).clamp(max=1)


def accuracy(scores: Scores, x: Tensor, y: Tensor) -> float:
    """Return the share of images (N, pixels) whose largest score is their label's (N,)."""
    with torch.no_grad():
        right = torch.cat([scores(part).argmax(1) for part in x.split(500)]) == y
    return float(right.float().mean())


def robustness(scores: Scores, x: Tensor, y: Tensor, norm: Norm, radii: list[float]) -> list[float]:
    """Return the accuracy under an attack of each radius."""
    return [accuracy(scores, attack(scores, x, y, norm, radius), y) for radius in radii]
