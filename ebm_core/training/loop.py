# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The training loop of every energy; what is trained, and on what, is the recipe's to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..errors import Diverged
from ..files import remove_leftovers
from ..protocols import Batch, Module, Recipe, StepLosses
from .checkpoint import FILE, load_checkpoint, save_checkpoint
from .cuda_graph import GraphedLosses
from .distributed import ALONE, Processes
from .logs import Logs
from .optimizer import MuonAndAdam

_PATIENCE = 50  # steps in a row whose gradient is not finite, after which a run is given up


def train_step(
    recipe: Recipe[Module, Batch],
    module: Module,
    optimizer: MuonAndAdam,
    step: int,
    rng: np.random.Generator,
    processes: Processes = ALONE,
    graphs: GraphedLosses | None = None,
) -> tuple[StepLosses, bool]:
    """Draw a batch and take one optimiser step, unless its gradient is not finite.

    recipe: of several processes, this one's share. graphs: what replays losses and gradients, if
    anything. Returns the losses (of its share), and whether the step was taken.
    """
    batch = recipe.draw(step, rng, next(module.parameters()).device)
    if graphs is None:
        losses = recipe.losses(module, batch, step)
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
    else:
        phase = recipe.phase(step)
        losses = graphs(lambda batch: recipe.losses(module, batch, step), batch, phase)
    processes.average_gradients(module, weight=recipe.work)
    return losses, optimizer.step(recipe.run, step)


def train(
    recipe: Recipe[Module, Batch],
    directory: Path,
    *,
    device: torch.device,
    resume: bool = True,
    report: Callable[[Module, int], dict[str, float]] | None = None,
    processes: Processes = ALONE,
    begin: Callable[[Module], None] | None = None,
    quiet: bool = False,
) -> tuple[Module, dict[str, float]]:
    """Train to the run's last step, and return the module and what the run was like.

    directory: of the checkpoint, from which an interrupted run continues exactly where `resume`,
    and of the logs. report: called at every checkpoint; what it returns stands in the progress bar
    and in the logs. processes: with whom; the leader alone reports, shows and writes. begin: gives
    the module other weights to begin with than those that the recipe draws. quiet: no progress bar
    and no logs.

    A run that diverges (its recipe says so, or 50 gradients in a row are not finite, or all of a
    shorter one) raises Diverged; the last checkpoint, from before, is kept.
    """
    # A steep energy leaves gradients of 1e-40, with which processors compute many times slower.
    torch.set_flush_denormal(True)
    mine = recipe.share(processes.rank, processes.number)
    config, steps = recipe.run, recipe.run.steps
    torch.manual_seed(config.seed)
    module = recipe.build()
    if begin is not None:
        begin(module)
    module = module.to(device)
    rng = processes.random_of_its_own(config.seed)
    optimizer = MuonAndAdam(recipe.parameter_groups(module))
    graphs = None
    if device.type == 'cuda':
        # TensorFloat-32: what is random in training is far coarser than its rounding.
        torch.set_float32_matmul_precision('high')
        graphs = GraphedLosses(module) if config.cuda_graphs else None
    run = {'step': 0, 'wall_s': 0.0, 'skipped_steps': 0}
    if processes.leads:
        remove_leftovers(directory / FILE)
    if resume:
        run |= load_checkpoint(directory, module, optimizer, rng, recipe.config, processes)
    began = time.monotonic() - run['wall_s']
    first, reported, skipped = int(run['step']), {}, 0
    saved = first
    bar = tqdm(
        range(first, steps),
        initial=first,
        total=steps,
        unit='step',
        dynamic_ncols=True,
        disable=quiet or not processes.leads,
    )
    with Logs(directory / 'logs', first, enabled=processes.leads and not quiet) as logs:
        for step in bar:
            try:
                losses, taken = train_step(mine, module, optimizer, step, rng, processes, graphs)
                skipped = 0 if taken else skipped + 1
                if skipped >= min(_PATIENCE, steps):
                    raise Diverged(f'{skipped} gradients in a row were not finite')
            except Diverged as error:
                raise Diverged(f'step {step}: {error}; {_what_is_kept(directory, saved)}') from None
            values = {name: float(value.detach()) for name, value in losses.parts.items()}
            run['step'] += 1
            run['skipped_steps'] += not taken
            run['wall_s'] = round(time.monotonic() - began, 1)
            logs.write('loss', run['step'], values)
            logs.write('learning', run['step'], {'rate': optimizer.param_groups[0]['lr']})
            if run['step'] == steps or run['step'] % config.checkpoint_every == 0:
                save_checkpoint(directory, run, module, optimizer, rng, recipe.config, processes)
                saved = run['step']
                reported = report(module, run['step']) if report and processes.leads else {}
                logs.write('success', run['step'], reported)
                logs.flush()
            shown = {label: values[name] for label, name in recipe.shown.items()} | reported
            bar.set_postfix({label: f'{value:.2f}' for label, value in shown.items()})
    return module, {**run, 'resumed_at_step': first}


def _what_is_kept(directory: Path, step: int) -> str:
    if not step:
        return 'there is no checkpoint from before'
    return f'{directory / FILE} of step {step}, from before, is kept'
