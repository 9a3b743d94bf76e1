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

from .checkpoint import load_checkpoint, save_checkpoint
from .config import Preset
from .energy import Energy
from .events import sample_placements
from .events.placement import generation_events, identification_events
from .inference import Sampler
from .objective import Losses, losses
from .scene import COLOURS


class Learner(nn.Module):
    """What is trained: the energy, and the step sizes of the samplers that descend it."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        size = preset.model
        self.energy = Energy(size.hidden, size.residuals, size.code_size)
        self.sampler = Sampler(size.sampler_steps)


def learning_rate(preset: Preset, step: int) -> float:
    """Linear warm-up, then a cosine down to 2 % (without the decay late steps undo early ones)."""
    t = preset.training
    warm = min(1.0, (step + 1) / max(1, t.warmup_steps))
    return t.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / t.steps)))


def kl_weight(preset: Preset, step: int) -> float:
    """Return the weight of the KL loss, which joins after the share `kl_from` of the steps."""
    t = preset.training
    return t.kl_weight if step >= t.kl_from * t.steps else 0.0


def train_step(
    learner: Learner,
    optimizer: torch.optim.Optimizer,
    preset: Preset,
    step: int,
    rng: np.random.Generator,
) -> tuple[Losses, bool]:
    """Draw a batch of concepts and take one optimiser step, unless its gradient is not finite.

    Returns the losses, and whether the step was taken.
    """
    t = preset.training
    concepts = sample_placements(rng, t.concepts)
    colours = rng.integers(len(COLOURS), size=t.concepts)
    batch = losses(
        learner.energy,
        learner.sampler,
        generation_events(concepts, colours, t.demonstrations + t.queries, rng),
        identification_events(concepts, t.queries, rng),
        t.demonstrations,
        kl_weight=kl_weight(preset, step),
        positive_weight=t.positive_weight,
    )
    for group in optimizer.param_groups:
        group['lr'] = learning_rate(preset, step)
    optimizer.zero_grad(set_to_none=True)
    batch.total.backward()
    norm = nn.utils.clip_grad_norm_(learner.parameters(), t.gradient_clip)
    taken = bool(torch.isfinite(norm))
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
) -> tuple[Learner, dict[str, float]]:
    """Train to the preset's last step, and return the learner and what the run was like.

    directory: of the checkpoint, from which an interrupted run continues exactly where `resume`.
    report: called at every checkpoint; what it returns stands in the progress bar.
    """
    t = preset.training
    torch.manual_seed(t.seed)
    rng = np.random.default_rng(t.seed)
    learner = Learner(preset).to(device)
    optimizer = torch.optim.Adam(learner.parameters(), lr=t.learning_rate)
    config = preset.model_dump()
    run = {'step': 0, 'wall_s': 0.0, 'skipped_steps': 0}
    if resume:
        run |= load_checkpoint(directory, learner, optimizer, rng, config)
    began = time.monotonic() - run['wall_s']
    first, shown = int(run['step']), {}
    bar = tqdm(range(first, t.steps), initial=first, total=t.steps, unit='step', dynamic_ncols=True)
    for step in bar:
        batch, taken = train_step(learner, optimizer, preset, step, rng)
        run['step'] += 1
        run['skipped_steps'] += not taken
        run['wall_s'] = round(time.monotonic() - began, 1)
        last = run['step'] == t.steps
        if last or run['step'] % t.checkpoint_every == 0:
            save_checkpoint(directory, run, learner, optimizer, rng, config)
            shown = report(learner, run['step']) if report else {}
        bar.set_postfix(
            x=f'{float(batch.generation_ml.detach()):.2f}',
            a=f'{float(batch.identification_ml.detach()):.2f}',
            **{k: f'{v:.2f}' for k, v in shown.items()},
        )
    return learner, {**run, 'resumed_at_step': first}
