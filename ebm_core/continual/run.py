# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One method through one stream."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..datasets.sources import LabelledImages
from ..errors import InvalidInput
from . import classifiers, energies
from .config import ContinualPreset, StreamConfig
from .stream import Stream


class Method(NamedTuple):
    """What is called how in tables, and learns by what."""

    title: str
    learner: Callable[..., nn.Module]  # from the size of an image, outputs and a LearnerConfig
    needs_ends: bool = False  # acts on what is kept when a task ends
    optimizer: type[torch.optim.Optimizer] = torch.optim.Adam
    rate: float | None = None  # Hsu et al.'s, in place of the preset's


METHODS = {
    'adam': Method('Adam', classifiers.Classifier),
    'sgd': Method('SGD', classifiers.Classifier, optimizer=torch.optim.SGD, rate=1e-2),
    'adagrad': Method('Adagrad', classifiers.Classifier, optimizer=torch.optim.Adagrad, rate=1e-2),
    'l2': Method('L2', classifiers.L2, needs_ends=True),
    'ewc': Method('EWC', classifiers.EWC, needs_ends=True),
    'online_ewc': Method('online EWC', classifiers.OnlineEWC, needs_ends=True),
    'si': Method('SI', classifiers.SI, needs_ends=True),
    'mas': Method('MAS', classifiers.MAS, needs_ends=True),
    'lwf': Method('LwF', classifiers.LwF, needs_ends=True),
    'contrastive': Method('classifier, contrastive loss', classifiers.ContrastiveClassifier),
    'mean_image': Method('nearest mean image', energies.MeanImage),
    'contrastive_energy': Method("Li et al.'s energy", energies.ContrastiveEnergy),
    'own_units': Method("contrastive loss, each label's own units", energies.OwnUnitsContrastive),
    'vae': Method('VAE', energies.VAE),
    'own_units_vae': Method("VAE, each label's own units", energies.OwnUnitsVAE),
    'shared_energy': Method('our energy, all units shared', energies.SharedEnergy),
    'energy': Method('**our energy**', energies.ReconstructionEnergy),
}


def learn(images: LabelledImages, preset: ContinualPreset, method: str) -> dict:
    """Take a method through a stream, and return accuracies, and what it cost.

    An unknown method, one that needs to know when a task ends where tasks fade, or images that are
    too few for the tasks, raise InvalidInput. A loss that is not finite ends the run with the step
    in its result, and the accuracy of what was learned.
    """
    check_method(method, preset.stream)
    torch.set_flush_denormal(True)
    torch.manual_seed(preset.stream.seed)
    stream = Stream(images, preset.stream)
    way = METHODS[method]
    learner = way.learner(stream.x.shape[1], stream.outputs, preset.learner)
    if preset.stream.scenario == 'task':
        learner.multi_head = True
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = way.optimizer(parameters, way.rate or preset.learner.learning_rate)
    began, diverged = time.process_time(), None
    for step, batch in enumerate(stream):
        active = torch.zeros(stream.outputs, dtype=torch.bool)
        active[batch.y] = True
        if batch.task is not None:  # a batch may lack one of the task's classes
            active = _of_task(stream, batch.task)
        loss = learner.loss(batch.x, batch.y, active)
        if not torch.isfinite(loss):
            diverged = step
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        learner.after_step()
        if batch.ends:
            shown = stream.labels // 2 == batch.task
            learner.end_task(stream.x[shown], stream.targets(stream.labels[shown]), active)
    learner.eval()
    with torch.no_grad():
        scores = torch.cat([learner.scores(x) for x in stream.test.split(500)])
    total, by_task = stream.accuracy(scores)
    return {
        'method': method,
        'scenario': preset.stream.scenario,
        'boundaries': preset.stream.boundaries,
        'seed': preset.stream.seed,
        'accuracy': total,
        'by_task': by_task,
        'diverged_at_step': diverged,
        'cpu_s': round(time.process_time() - began, 1),
    }


def check_method(method: str, stream: StreamConfig) -> None:
    """Raise InvalidInput of a method that is unknown, or that such a stream does not suit."""
    if method not in METHODS:
        raise InvalidInput(f'method: {method!r} is unknown; known are {", ".join(METHODS)}')
    if method not in methods_for(stream):
        raise InvalidInput(
            f'method: {method!r} is refused where boundaries are free: it acts when a task ends; '
            f'allowed are {", ".join(methods_for(stream))}'
        )


def methods_for(stream: StreamConfig) -> list[str]:
    """Return the methods that go through such a stream."""
    aware = stream.boundaries == 'aware'
    return [name for name, way in METHODS.items() if aware or not way.needs_ends]


def _of_task(stream: Stream, task: int) -> Tensor:
    active = torch.zeros(stream.outputs, dtype=torch.bool)
    active[stream.targets(torch.tensor([2 * task, 2 * task + 1]))] = True
    return active
