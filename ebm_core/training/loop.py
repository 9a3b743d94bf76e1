# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Algorithm 1: learn one energy from demonstration events, through the samplers that use it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..concepts import NUM_ENTITIES, Concept, concepts_of
from ..relational.config import Preset
from ..relational.energy import Energy
from ..relational.inputs import Inputs
from ..relational.objective import Losses, Weights, losses
from ..relational.sampler import Sampler
from ..relational.task import Task, make_task
from .checkpoint import load_checkpoint, remove_leftovers, save_checkpoint
from .distributed import ALONE, Processes
from .logs import Logs
from .optimizer import MuonAndAdam


class Learner(nn.Module):
    """What is trained: the energy, and the step sizes of the samplers that descend it."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        size = preset.model
        self.energy = Energy(
            size.hidden,
            size.residuals,
            size.code_size,
            size.relational,
            size.distances,
            Inputs(size.roles, size.displacement),
        )
        self.sampler = Sampler(size.sampler_steps, ridge=size.ridge)


def learning_rate(preset: Preset, step: int) -> float:
    """Linear warm-up, then a cosine down to 2 % (without the decay late steps undo early ones)."""
    t = preset.training
    warm = min(1.0, (step + 1) / max(1, t.warmup_steps))
    return t.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / t.steps)))


def kl_weight(preset: Preset, step: int) -> float:
    """Return the weight of the KL loss, which joins after the share `kl_from` of the steps."""
    t = preset.training
    return t.kl_weight if step >= t.kl_from * t.steps else 0.0


def draw_tasks(
    preset: Preset,
    rng: np.random.Generator,
    device: torch.device,
    num_entities: tuple[int, int] = NUM_ENTITIES,
) -> list[Task]:
    """Draw a step's concepts, as many of each family as the preset says, and their events."""
    t = preset.training
    drawn = [
        known[index].variant(rng)
        for known, number in ((concepts_of(key), number) for key, number in t.concepts.items())
        for index in rng.integers(len(known), size=number)
    ]
    kinds: dict[tuple, list[Concept]] = {}
    for concept in drawn:
        kind = (concept.generates, concept.steps, concept.changes)
        kinds.setdefault(kind, []).append(concept)
    return [
        make_task(
            concepts,
            rng,
            t.demonstrations,
            t.queries,
            contexts=t.contexts,
            num_entities=num_entities,
            device=device,
        )
        for concepts in kinds.values()
    ]


def train_step(
    learner: Learner,
    optimizer: MuonAndAdam,
    preset: Preset,
    step: int,
    rng: np.random.Generator,
    processes: Processes = ALONE,
) -> tuple[Losses, bool]:
    """Draw a batch of concepts and take one optimiser step, unless its gradient is not finite.

    preset: of several processes, this one's share. Returns the losses (of its share), and whether
    the step was taken.
    """
    t = preset.training
    weight = kl_weight(preset, step)
    batch = losses(
        learner.energy,
        learner.sampler,
        draw_tasks(preset, rng, next(learner.parameters()).device),
        Weights(
            chains=step >= t.chains_from * t.steps,
            kl=bool(weight),
            kl_into_energy=t.kl_into_energy,
            positive=t.positive_weight,
            direction=t.direction_weight,
        ),
    )
    rate = learning_rate(preset, step) / t.learning_rate
    for group in optimizer.param_groups:
        group['lr'] = group['initial_lr'] * rate
    optimizer.zero_grad(set_to_none=True)
    (batch.likelihood + weight * batch.kl if weight else batch.likelihood).backward()
    processes.average_gradients(learner, weight=sum(t.concepts.values()))
    # Apart: the step sizes follow the KL loss, whose gradient knows no measure.
    norms = [
        nn.utils.clip_grad_norm_(module.parameters(), t.gradient_clip)
        for module in (learner.energy, learner.sampler)
    ]
    taken = bool(torch.isfinite(torch.stack(norms)).all())
    if taken:
        optimizer.step()
    return batch, taken


def train(
    preset: Preset,
    directory: Path,
    *,
    device: torch.device,
    resume: bool = True,
    report: Callable[[Learner, int], dict[str, float]] | None = None,
    processes: Processes = ALONE,
) -> tuple[Learner, dict[str, float]]:
    """Train to the preset's last step, and return the learner and what the run was like.

    directory: of the checkpoint, from which an interrupted run continues exactly where `resume`,
    and of the logs. report: called at every checkpoint; what it returns stands in the progress bar
    and in the logs. processes: with whom; the leader alone reports, shows and writes.
    """
    t = preset.training
    # A steep energy leaves gradients of 1e-40, with which processors compute many times slower.
    torch.set_flush_denormal(True)
    mine = processes.share(preset)
    torch.manual_seed(t.seed)
    learner = Learner(preset).to(device)
    rng = processes.random_of_its_own(t.seed)
    optimizer = MuonAndAdam(learner.energy, learner.sampler, t)
    config = preset.model_dump()
    run = {'step': 0, 'wall_s': 0.0, 'skipped_steps': 0}
    if processes.leads:
        remove_leftovers(directory)
    if resume:
        run |= load_checkpoint(directory, learner, optimizer, rng, config, processes)
    began = time.monotonic() - run['wall_s']
    first, shown = int(run['step']), {}
    bar = tqdm(
        range(first, t.steps),
        initial=first,
        total=t.steps,
        unit='step',
        dynamic_ncols=True,
        disable=not processes.leads,
    )
    with Logs(directory / 'logs', first, enabled=processes.leads) as logs:
        for step in bar:
            batch, taken = train_step(learner, optimizer, mine, step, rng, processes)
            run['step'] += 1
            run['skipped_steps'] += not taken
            run['wall_s'] = round(time.monotonic() - began, 1)
            logs.write('loss', run['step'], {k: float(v.detach()) for k, v in vars(batch).items()})
            logs.write('learning', run['step'], {'rate': optimizer.param_groups[0]['lr']})
            if run['step'] == t.steps or run['step'] % t.checkpoint_every == 0:
                save_checkpoint(directory, run, learner, optimizer, rng, config, processes)
                shown = report(learner, run['step']) if report and processes.leads else {}
                logs.write('success', run['step'], shown)
                logs.flush()
            bar.set_postfix(
                x=f'{float(batch.generation_ml.detach()):.2f}',
                a=f'{float(batch.identification_ml.detach()):.2f}',
                kl_x=f'{float(batch.generation_kl.detach()):.2f}',
                kl_a=f'{float(batch.identification_kl.detach()):.2f}',
                **{k: f'{v:.2f}' for k, v in shown.items()},
            )
    return learner, {**run, 'resumed_at_step': first}
