# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Classifiers with a penalty for forgetting, and without: what energies are compared with.

None; the contrastive loss of Li et al. (2022); L2 and EWC (Kirkpatrick et al. 2017); online EWC
(Schwarz et al. 2018); SI (Zenke et al. 2017); MAS (Aljundi et al. 2018); LwF (Li & Hoiem 2016).
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import LearnerConfig

_TEMPERATURE = 2.0  # of LwF
_DAMPING = 1e-3  # of SI
_MAS_BATCH = 128  # images whose slopes are summed before their size is taken, as Hsu et al. do


class Classifier(nn.Module):
    """Two hidden layers and a head of all outputs; those not seen yet are left out of the loss.

    multi_head: whether tasks are named, so that only a task's own outputs compete in its loss.
    """

    multi_head = False

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        """Of images (B, size)."""
        super().__init__()
        self.config, hidden = config, config.hidden
        self.network = nn.Sequential(
            nn.Linear(size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, outputs),
        )
        self.register_buffer('seen', torch.zeros(outputs, dtype=torch.bool))

    def scores(self, x: Tensor) -> Tensor:
        """Return the scores (B, outputs) of images (B, size); higher is likelier."""
        return self.network(x).masked_fill(~self.seen, -torch.inf)

    def loss(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return what a step descends; active: (outputs,) of bool, those in the task."""
        self.seen |= active
        return self.entropy(x, y, active) + self.penalty(x)

    def entropy(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return the cross-entropy among the outputs seen so far, or among the task's."""
        competing = active if self.multi_head else self.seen
        return F.cross_entropy(self.network(x).masked_fill(~competing, -torch.inf), y)

    def penalty(self, x: Tensor) -> Tensor | float:
        """Return what speaks against forgetting: nothing."""
        return 0.0

    def after_step(self) -> None:
        """Note what a step has done."""

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Keep what is known after a task with images x (N, size) and targets y (N,)."""


class ContrastiveClassifier(Classifier):
    """Li et al.'s loss: only the outputs of the task compete, so others are not pushed down."""

    multi_head = True


class Consolidated(Classifier):
    """A quadratic penalty around the weights that earlier tasks ended with.

    key: of the configured weight; factor: by which it is multiplied, a half of Fisher information.
    """

    key: str
    factor = 1.0

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        super().__init__(size, outputs, config)
        self.weight = self.factor * getattr(config, self.key)
        self.anchors: list[tuple[list[Tensor], list[Tensor]]] = []

    def penalty(self, x: Tensor) -> Tensor | float:
        """Return weight · Σ importance · (θ − θ*)²."""
        total = 0.0
        for importance, weights in self.anchors:
            for parameter, much, old in zip(self.parameters(), importance, weights, strict=True):
                total = total + (much * (parameter - old).square()).sum()
        return self.weight * total

    def weights(self) -> list[Tensor]:
        """Return copies of all parameters."""
        return [parameter.detach().clone() for parameter in self.parameters()]

    def fisher(self, x: Tensor, y: Tensor, active: Tensor) -> list[Tensor]:
        """Return the mean squared gradient of each image's own cross-entropy.

        It is that of the true label (the empirical Fisher information), where Kirkpatrick et al.
        draw the label from the network; after a task both are mostly the same.
        """
        places = torch.randperm(len(x))[: self.config.fisher_images]
        sums = [torch.zeros_like(parameter) for parameter in self.parameters()]
        for place in places:
            loss = self.entropy(x[place : place + 1], y[place : place + 1], active)
            for total, gradient in zip(
                sums, torch.autograd.grad(loss, list(self.parameters())), strict=True
            ):
                total += gradient.square() / len(places)
        return sums


class L2(Consolidated):
    """One anchor, where all weights are alike."""

    key = 'l2'

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Move the anchor here."""
        self.anchors = [([torch.ones_like(p) for p in self.parameters()], self.weights())]


class MAS(Consolidated):
    """One anchor; importance is how much a weight moves the squared outputs, summed over tasks."""

    key = 'mas'

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Move the anchor here."""
        found = self.anchors[0][0] if self.anchors else [0.0 * p for p in self.weights()]
        heard, parts = active if self.multi_head else self.seen, x.split(_MAS_BATCH)
        for part in parts:
            said = self.network(part)[:, heard].square().mean()
            slopes = torch.autograd.grad(said, list(self.parameters()))
            found = [old + g.abs() / len(parts) for old, g in zip(found, slopes, strict=True)]
        self.anchors = [(found, self.weights())]


class EWC(Consolidated):
    """An anchor for each task."""

    key = 'ewc'
    factor = 0.5

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Add the task's anchor."""
        self.anchors.append((self.fisher(x, y, active), self.weights()))


class OnlineEWC(Consolidated):
    """One anchor, whose importance is the sum of all tasks'."""

    key = 'online_ewc'
    factor = 0.5

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Move the anchor here."""
        found = self.fisher(x, y, active)
        if self.anchors:
            found = [new + old for new, old in zip(found, self.anchors[0][0], strict=True)]
        self.anchors = [(found, self.weights())]


class SI(Consolidated):
    """Importance is what a weight's way has taken off the loss, per way squared."""

    key = 'si'

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        super().__init__(size, outputs, config)
        self.before = self.at_begin = self.weights()
        self.way = [torch.zeros_like(parameter) for parameter in self.parameters()]

    def after_step(self) -> None:
        """Add − gradient · step of each weight: of the task's own loss, without the penalty."""
        for way, parameter, before, pull in zip(
            self.way, self.parameters(), self.before, self.pulls(), strict=True
        ):
            way -= (parameter.grad - pull) * (parameter.detach() - before)
        self.before = self.weights()

    def pulls(self) -> list[Tensor | float]:
        """Return the gradient of the penalty at the weights of before the step."""
        if not self.anchors:
            return [0.0] * len(self.way)
        ((importance, weights),) = self.anchors
        return [
            2 * self.weight * much * (before - old)
            for much, before, old in zip(importance, self.before, weights, strict=True)
        ]

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Move the anchor here, and add the task's importance."""
        found = [
            (way / ((now - begin).square() + _DAMPING)).clamp(min=0)
            for way, now, begin in zip(self.way, self.before, self.at_begin, strict=True)
        ]
        if self.anchors:
            found = [new + old for new, old in zip(found, self.anchors[0][0], strict=True)]
        self.anchors = [(found, self.weights())]
        self.at_begin = self.before
        for way in self.way:
            way.zero_()


class LwF(Classifier):
    """What the network said before the task about outputs seen then is to stay as it is.

    Weights of the k-th task (van de Ven & Tolias 2019): 1 / k for its own labels, the rest for what
    was said before, which also says, where tasks are not named, that an image is of no new output.
    """

    def __init__(self, size: int, outputs: int, config: LearnerConfig) -> None:
        super().__init__(size, outputs, config)
        self.teacher: nn.Module | None = None
        self.heads: list[Tensor] = []

    def loss(self, x: Tensor, y: Tensor, active: Tensor) -> Tensor:
        """Return what a step descends; active: (outputs,) of bool, those in the task."""
        self.seen |= active
        share = 1 / (1 + len(self.heads))
        return share * self.entropy(x, y, active) + (1 - share) * self.penalty(x)

    def penalty(self, x: Tensor) -> Tensor | float:
        """Return the distillation loss."""
        if self.teacher is None:
            return 0.0
        losses = []
        for known in self.heads if self.multi_head else [torch.stack(self.heads).any(0)]:
            with torch.no_grad():
                told = self._among(self.teacher, x, known).exp()
            said = self._among(self.network, x, known if self.multi_head else self.seen)
            losses.append(-(_TEMPERATURE**2) * (told * said)[:, known].sum(1).mean())
        return torch.stack(losses).mean()

    def end_task(self, x: Tensor, y: Tensor, active: Tensor) -> None:
        """Keep a copy of the network."""
        self.teacher = copy.deepcopy(self.network).requires_grad_(False)
        self.heads.append(active)

    @staticmethod
    def _among(network: nn.Module, x: Tensor, outputs: Tensor) -> Tensor:
        """Return log-probabilities (B, outputs) at the temperature among some of the outputs."""
        scores = network(x).masked_fill(~outputs, -torch.inf)
        return (scores / _TEMPERATURE).log_softmax(1)
