# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Checkpoints that a SIGKILL cannot spoil and that a resumed run continues exactly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ..errors import InvalidInput
from ..files import write_atomically
from .distributed import ALONE, Processes
from .optimizer import MuonAndAdam

FILE = 'checkpoint.safetensors'


def save_checkpoint(
    directory: Path,
    progress: dict[str, float],
    modules: nn.Module,
    optimizer: MuonAndAdam,
    rng: np.random.Generator,
    config: dict,
    processes: Processes = ALONE,
) -> None:
    """Save weights, optimiser moments, random states, and how far and how long the run has been.

    progress: at least 'step', the number of steps done. Of several processes every one calls this:
    its random states and buffers are its own, the rest is the leader's, who writes.
    """
    state = {'torch_rng': torch.get_rng_state(), 'numpy_rng': rng.bit_generator.state}
    if not processes.leads:
        buffers = {name: buffer.cpu() for name, buffer in modules.named_buffers()}
        state |= {f'module.{name}': buffer for name, buffer in buffers.items()}
    if torch.cuda.is_available():
        state['cuda_rng'] = torch.cuda.get_rng_state()
    states = processes.gather(state)
    if not processes.leads:
        return
    tensors = {f'module.{k}': v.contiguous() for k, v in modules.state_dict().items()}
    for index, moments in optimizer.state_dict()['state'].items():
        tensors |= {f'optimizer.{index}.{k}': v for k, v in moments.items()}
    metadata = {
        'progress': json.dumps(progress),
        'config': json.dumps(config, sort_keys=True),
        'processes': str(processes.number),
    }
    for rank, state in enumerate(states):
        metadata[_of_rank('numpy_rng', rank)] = json.dumps(state.pop('numpy_rng'))
        tensors |= {_of_rank(key, rank): value for key, value in state.items()}
    write_atomically(directory / FILE, save(tensors, metadata))


def load_checkpoint(
    directory: Path,
    modules: nn.Module,
    optimizer: MuonAndAdam,
    rng: np.random.Generator,
    config: dict,
    processes: Processes = ALONE,
) -> dict[str, float]:
    """Restore what `save_checkpoint` saved, and return its progress; empty where there is none.

    A checkpoint of another configuration or number of processes, or a damaged one, raises
    InvalidInput, of several processes in all of them.
    """
    path, progress, error = directory / FILE, {}, ''
    try:
        if path.exists():
            progress = _restore(path, modules, optimizer, rng, config, processes)
    except InvalidInput as refused:
        error = str(refused)
    steps, errors = zip(*processes.gather((progress.get('step', 0), error)), strict=True)
    if any(errors):
        raise InvalidInput(next(filter(None, errors)))
    if len(set(steps)) > 1:
        raise InvalidInput(
            f'{path}: the processes see different ones, of steps {", ".join(map(str, steps))}; '
            '--output has to be a directory that all machines share'
        )
    return progress


def _restore(
    path: Path,
    modules: nn.Module,
    optimizer: MuonAndAdam,
    rng: np.random.Generator,
    config: dict,
    processes: Processes,
) -> dict[str, float]:
    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise InvalidInput(f'{path}: not a readable checkpoint ({error})') from None
    if not {'progress', 'config', 'numpy_rng'} <= metadata.keys() or 'torch_rng' not in tensors:
        raise InvalidInput(f'{path}: not a checkpoint of a training run')
    if json.loads(metadata['config']) != json.loads(json.dumps(config)):
        raise InvalidInput(
            f'{path}: made with another configuration; choose another --output or remove it'
        )
    number = int(metadata.get('processes', 1))
    if number != processes.number:
        raise InvalidInput(
            f'{path}: made by {number} processes, {processes.number} cannot continue it exactly; '
            f'start {number} (torchrun --nproc-per-node), choose another --output or remove it'
        )
    names = modules.state_dict()
    own = {
        name: tensors[key]
        for name, _ in modules.named_buffers()
        if (key := _of_rank(f'module.{name}', processes.rank)) in tensors
    }
    kept = {k.removeprefix('module.'): v for k, v in tensors.items() if k.startswith('module.')}
    try:
        modules.load_state_dict({k: v for k, v in kept.items() if k in names} | own)
    except RuntimeError as error:
        reason = ' '.join(line.strip() for line in str(error).splitlines()[1:3])
        raise InvalidInput(
            f'{path}: does not fit ({reason}); choose another --output or remove it'
        ) from None
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith('optimizer.'):
            _, index, name = key.split('.')
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), 'state': state})
    torch.set_rng_state(tensors[_of_rank('torch_rng', processes.rank)])
    cuda = tensors.get(_of_rank('cuda_rng', processes.rank))
    if cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(cuda)
    rng.bit_generator.state = json.loads(metadata[_of_rank('numpy_rng', processes.rank)])
    return json.loads(metadata['progress'])


def _of_rank(key: str, rank: int) -> str:
    """Return where a checkpoint has a random state: rank 0's where a single process has its own."""
    return f'{key}.{rank}' if rank else key
