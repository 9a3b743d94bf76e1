# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One method through one stream."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from ..datasets.sources import LabelledImages
from ..errors import InvalidInput
from . import classifiers, energies
from .config import ContinualPreset, StreamConfig
from .stream import Stream

METHODS = {
    'adam': classifiers.Classifier,
    'ewc': classifiers.EWC,
    'online_ewc': classifiers.OnlineEWC,
    'si': classifiers.SI,
    'lwf': classifiers.LwF,
    'contrastive': classifiers.ContrastiveClassifier,
    'mean_image': energies.MeanImage,
    'contrastive_energy': energies.ContrastiveEnergy,
    'own_units': energies.OwnUnitsContrastive,
    'vae': energies.VAE,
    'own_units_vae': energies.OwnUnitsVAE,
    'shared_energy': energies.SharedEnergy,
    'energy': energies.ReconstructionEnergy,
}
TITLES = {
    'adam': 'Adam',
    'ewc': 'EWC',
    'online_ewc': 'online EWC',
    'si': 'SI',
    'lwf': 'LwF',
    'contrastive': 'classifier, contrastive loss',
    'mean_image': 'nearest mean image',
    'contrastive_energy': "Li et al.'s energy",
    'own_units': "contrastive loss, each label's own units",
    'vae': 'VAE',
    'own_units_vae': "VAE, each label's own units",
    'shared_energy': 'our energy, all units shared',
    'energy': '**our energy**',
}
# These act on what is kept when a task ends; where nothing says when, they would be Adam alone.
NEED_ENDS = ('ewc', 'online_ewc', 'si', 'lwf')


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
    learner = METHODS[method](stream.x.shape[1], stream.outputs, preset.learner)
    if preset.stream.scenario == 'task':
        learner.multi_head = True
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, preset.learner.learning_rate)
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
    return [m for m in METHODS if stream.boundaries == 'aware' or m not in NEED_ENDS]


def _of_task(stream: Stream, task: int) -> Tensor:
    active = torch.zeros(stream.outputs, dtype=torch.bool)
    active[stream.targets(torch.tensor([2 * task, 2 * task + 1]))] = True
    return active
