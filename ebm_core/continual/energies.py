# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies E(x, y) of images and labels, and a VAE: the label goes in, and every label is asked.

A classifier has a score for every label at once, and training a task moves all of them. An energy
is told the label: what is not asked about is not trained.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import LearnerConfig


class LabelledEnergy(nn.Module):
    """What all of them share: scores are −E, of all labels that were seen."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.register_buffer('seen', torch.zeros(outputs, dtype=torch.bool))

    def energy(self, x: Tensor, y: Tensor) -> Tensor:
        """Return E (B, Y) of images (B, D) with each of the labels y (B, Y)."""
        raise NotImplementedError

    def scores(self, x: Tensor) -> Tensor:
        """Return −E (B, outputs)."""
        labels = torch.arange(len(self.seen)).expand(len(x), -1)
        return (-self.energy(x, labels)).masked_fill(~self.seen, -torch.inf)

    def loss(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return what a step descends; active: (outputs,) of bool, those in the task."""
        self.seen |= active
        return self.energy(x, y[:, None]).mean()

    def after_step(self) -> None:
        """Nothing is to be noted."""

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Nothing is kept."""


class ReconstructionEnergy(LabelledEnergy):
    """E(x, y) = ½ |x − D(g_y · s(W x)) − b_y|²: how badly an image fits what a label can draw.

    g_y opens a label's own units and those that are shared; b_y is its mean image. What the few
    open units cannot draw has a high energy by itself (LeCun's architectural methods), so that
    training only makes the energies of data low, and no negatives are needed. As hidden units are
    a label's own, a task leaves those of other labels where they were.
    """

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        """Of images (B, size)."""
        super().__init__(outputs)
        self.inward, self.drawn = nn.Linear(size, config.hidden), nn.Linear(config.hidden, size)
        self.drawn.bias.requires_grad_(False).zero_()
        self.mean = nn.Embedding(outputs, size)
        nn.init.zeros_(self.mean.weight)
        self.register_buffer('gates', gates(outputs, config.hidden, self.share(config)))

    def share(self, config: LearnerConfig) -> float:
        """Return the share of units that all labels use."""
        return config.shared

    def energy(self, x: Tensor, y: Tensor) -> Tensor:
        """Return E (B, Y) of images (B, D) with each of the labels y (B, Y)."""
        units = self.inward(x).sigmoid()[:, None] * self.gates[y]
        return 0.5 * (x[:, None] - self.drawn(units) - self.mean(y)).square().sum(-1)


class SharedEnergy(ReconstructionEnergy):
    """The same with all units shared: a label's own is its mean image alone."""

    def share(self, config: LearnerConfig) -> float:
        """Return one."""
        return 1.0


class MeanImage(LabelledEnergy):
    """E(x, y) = ½ |x − b_y|², where b_y is the mean of a label's images: nothing else is learned.

    A mean cannot be forgotten, so this is what the stream gives without a network.
    """

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        """Of images (B, size)."""
        super().__init__(outputs)
        self.mean = nn.Embedding(outputs, size)
        self.register_buffer('total', torch.zeros(outputs, size))
        self.register_buffer('count', torch.zeros(outputs, 1))

    def energy(self, x: Tensor, y: Tensor) -> Tensor:
        """Return E (B, Y) of images (B, D) with each of the labels y (B, Y)."""
        return 0.5 * (x[:, None] - self.mean(y)).square().sum(-1)

    def loss(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return the mean energy, and count the images."""
        self.total.index_add_(0, y, x)
        self.count.index_add_(0, y, x.new_ones(len(x), 1))
        return super().loss(x, y, active)

    def after_step(self) -> None:
        """Put the exact mean in place of where a step led."""
        self.mean.weight.data = self.total / self.count.clamp_min(1)


class ContrastiveEnergy(LabelledEnergy):
    """Li et al.'s (2022): hidden units times a normalised embedding of the label, plus themselves.

    The energies of the right label and of another one in the batch are told apart. own: the first
    units are a label's own, as those of `ReconstructionEnergy` are.
    """

    own = False

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        """Of images (B, size)."""
        super().__init__(outputs)
        sizes = [size, *[config.hidden] * config.layers]
        self.inward = nn.ModuleList(map(nn.Linear, sizes[:-1], sizes[1:]))
        self.outward = nn.Linear(config.hidden, 1)
        self.embedding = nn.Embedding(outputs, config.hidden)
        self.register_buffer('gates', gates(outputs, config.hidden))
        self.level = config.level

    def energy(self, x: Tensor, y: Tensor) -> Tensor:
        """Return E (B, Y) of images (B, D) with each of the labels y (B, Y)."""
        gain = self.gates[y] if self.own else 1 + F.normalize(self.embedding(y), dim=-1)
        units = x[:, None]
        for layer in self.inward:
            units = F.relu(layer(units) * gain)
        return self.outward(units).squeeze(-1)

    def loss(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return the contrastive loss of each image against one other label that is in the task.

        It tells two labels apart, and leaves open how high both are, so that labels of different
        tasks have no common scale; level gives them one, as right labels end near zero.
        Where there is no other, as in a small batch of a stream without boundaries, it is zero.
        """
        self.seen |= active
        if int(active.sum()) < 2:
            return 0.0 * self.energy(x, y[:, None]).mean()
        share = active.float().expand(len(y), -1).scatter(1, y[:, None], 0.0)
        other = torch.multinomial(share, 1)
        energies = self.energy(x, torch.cat((y[:, None], other), 1))
        contrast = F.softplus(energies[:, 0] - energies[:, 1]).mean()
        return contrast + self.level * energies[:, 0].square().mean()


class OwnUnitsContrastive(ContrastiveEnergy):
    """A label's own units, and the contrastive loss: what separate units give without drawing."""

    own = True


class VAE(LabelledEnergy):
    """The slides' other generative model, E = −ELBO of x given the label, all weights shared."""

    own = False

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        """Of images (B, size)."""
        super().__init__(outputs)
        hidden, self.latent, self.outputs = config.hidden, config.latent, outputs
        self.inward = nn.Linear(size + outputs, hidden)
        self.code = nn.Linear(hidden, 2 * config.latent)
        self.decoded = nn.Linear(config.latent + outputs, hidden)
        self.drawn = nn.Linear(hidden, size)
        opened = gates(outputs, hidden, 0.0 if self.own else 1.0)
        self.register_buffer('gates', opened)

    def energy(self, x: Tensor, y: Tensor) -> Tensor:
        """Return −ELBO (B, Y), by one draw in training and by the mean code else."""
        label = F.one_hot(y, self.outputs).float()
        image = x[:, None].expand(-1, y.shape[1], -1)
        hidden = F.relu(self.inward(torch.cat((image, label), -1))) * self.gates[y]
        mean, log_variance = self.code(hidden).chunk(2, -1)
        code = mean
        if self.training:
            code = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        drawn = self.drawn(F.relu(self.decoded(torch.cat((code, label), -1))) * self.gates[y])
        missed = F.binary_cross_entropy_with_logits(drawn, image, reduction='none').sum(-1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(-1)
        return missed + divergence


class OwnUnitsVAE(VAE):
    """The same with hidden units of a label's own; the layers of the code are shared."""

    own = True


def gates(outputs: int, hidden: int, shared: float = 0.0) -> Tensor:
    """Return which hidden units each label opens, (outputs, hidden) of 0 and 1.

    shared: share of the units that all labels open; the others are dealt out evenly.
    """
    common = round(shared * hidden)
    owner = torch.arange(hidden - common) * outputs // max(1, hidden - common)
    own = F.one_hot(owner, outputs).T.float() if len(owner) else torch.zeros(outputs, 0)
    return torch.cat((own, torch.ones(outputs, common)), 1)
