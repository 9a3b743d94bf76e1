# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Split images: tasks of two classes, shown one after the other, and never again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.sources import LabelledImages, check
from ..errors import InvalidInput
from .config import StreamConfig


class Batch(NamedTuple):
    """One step's images x (B, D) and targets y (B,).

    ends: whether a task ends with this step, which only methods that know boundaries look at.
    task: the task's number; None where tasks fade into each other.
    """

    x: Tensor
    y: Tensor
    task: int | None
    ends: bool


class Stream:
    """The tasks of labelled images, (0 1), (2 3), …, in the order and form of a configuration."""

    def __init__(self, images: LabelledImages, config: StreamConfig) -> None:
        """Refuse images that are not in order, or have fewer classes than the tasks need."""
        check(images)
        needed = 2 * config.tasks
        if images.classes < needed:
            raise InvalidInput(
                f'tasks: {config.tasks} is refused: {images.name} has {images.classes} classes'
            )
        self.config = config
        self.x, self.labels = _rows(images.train, images.train_labels, needed, config.padding)
        self.test, self.test_labels = _rows(images.test, images.test_labels, needed, config.padding)
        self.outputs = 2 if config.scenario == 'domain' else needed
        counts, tested = (
            [int((labels // 2 == task).sum()) for task in range(config.tasks)]
            for labels in (self.labels, self.test_labels)
        )
        if min(counts) == 0:
            raise InvalidInput(f'{images.name}: task {counts.index(0)} has no images')
        if min(tested) == 0:
            raise InvalidInput(f'{images.name}: task {tested.index(0)} has no images to test')
        self.steps = [config.steps or config.passes * -(-count // config.batch) for count in counts]

    def targets(self, labels: Tensor) -> Tensor:
        """Return what is to be told of images with these labels (N,)."""
        return labels % 2 if self.config.scenario == 'domain' else labels

    def __iter__(self) -> Iterator[Batch]:
        """Yield the steps of a stream up to where it is read, drawn from torch's generator."""
        fading = self.config.boundaries == 'free'
        steps = self._fading() if fading else self._one_by_one()
        return islice(steps, max(1, round(self.config.read_at * sum(self.steps))))

    def _one_by_one(self) -> Iterator[Batch]:
        for task in range(self.config.tasks):
            places = (self.labels // 2 == task).nonzero().squeeze(1)
            order = torch.empty(0, dtype=torch.long)
            for step in range(self.steps[task]):
                if len(order) == 0:
                    order = places[torch.randperm(len(places))]
                taken, order = order[: self.config.batch], order[self.config.batch :]
                yield self._batch(taken, task, step + 1 == self.steps[task])

    def _fading(self) -> Iterator[Batch]:
        """Yield steps whose images are of one task, or about a boundary of the two beside it.

        The share of the later one grows linearly, as in the code of Li et al. (2022).
        """
        places = [
            (self.labels // 2 == task).nonzero().squeeze(1) for task in range(len(self.steps))
        ]
        ends = torch.tensor(self.steps).cumsum(0)[:-1]
        width = self.config.fading * sum(self.steps) / len(self.steps)
        for step in range(sum(self.steps)):
            begun = ((step - ends) / width + 0.5).clamp(0, 1)
            share = torch.cat((torch.ones(1), begun)) - torch.cat((begun, torch.zeros(1)))
            tasks = torch.multinomial(share.clamp_min(0), self.config.batch, replacement=True)
            taken = [
                places[task][torch.randint(len(places[task]), (int((tasks == task).sum()),))]
                for task in range(len(places))
            ]
            yield self._batch(torch.cat(taken), None, ends=False)

    def _batch(self, places: Tensor, task: int | None, ends: bool) -> Batch:
        return Batch(self.x[places], self.targets(self.labels[places]), task, ends)

    def accuracy(self, scores: Tensor) -> tuple[float, list[float]]:
        """Return the share of right answers, over all and per task.

        scores: (N, outputs) of the test images, higher is likelier. Where tasks are named, only the
        two classes of each image's own count.
        """
        tasks = self.test_labels // 2
        if self.config.scenario == 'task':
            other = torch.arange(self.outputs) // 2 != tasks[:, None]
            scores = scores.masked_fill(other, -torch.inf)
        right = (scores.argmax(1) == self.targets(self.test_labels)).float()
        by_task = [float(right[tasks == task].mean()) for task in range(self.config.tasks)]
        # As the protocol has it: the mean over tasks, which are of about the same size.
        return float(np.mean(by_task)), by_task


def _rows(images: np.ndarray, labels: np.ndarray, needed: int, pad: int) -> tuple[Tensor, Tensor]:
    kept = labels < needed
    padded = np.pad(images[kept], ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return torch.from_numpy(padded).flatten(1), torch.from_numpy(labels[kept])
