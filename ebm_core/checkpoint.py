"""Checkpoints that a SIGKILL cannot spoil and that a resumed run continues exactly."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from .scene import InvalidInput

FILE = 'checkpoint.safetensors'


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed over the target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def save_checkpoint(
    directory: Path,
    progress: dict[str, float],
    modules: nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    config: dict,
) -> None:
    """Save weights, optimiser moments, random states, and how far and how long the run has been.

    progress: at least 'step', the number of steps done.
    """
    tensors = {f'module.{k}': v.contiguous() for k, v in modules.state_dict().items()}
    for index, state in optimizer.state_dict()['state'].items():
        tensors |= {f'optimizer.{index}.{k}': v for k, v in state.items()}
    tensors['torch_rng'] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors['cuda_rng'] = torch.cuda.get_rng_state()
    metadata = {
        'progress': json.dumps(progress),
        'numpy_rng': json.dumps(rng.bit_generator.state),
        'config': json.dumps(config, sort_keys=True),
    }
    write_atomically(directory / FILE, save(tensors, metadata))


def load_checkpoint(
    directory: Path,
    modules: nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    config: dict,
) -> dict[str, float]:
    """Restore what `save_checkpoint` saved, and return its progress; empty where there is none.

    A checkpoint of another configuration, or a damaged one, raises InvalidInput.
    """
    path = directory / FILE
    if not path.exists():
        return {}
    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise InvalidInput(f'{path}: not a readable checkpoint ({error})') from None
    if json.loads(metadata['config']) != json.loads(json.dumps(config)):
        raise InvalidInput(
            f'{path}: made with another configuration; choose another --output or remove it'
        )
    prefix = 'module.'
    modules.load_state_dict(
        {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    )
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith('optimizer.'):
            _, index, name = key.split('.')
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), 'state': state})
    torch.set_rng_state(tensors['torch_rng'])
    if 'cuda_rng' in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors['cuda_rng'])
    rng.bit_generator.state = json.loads(metadata['numpy_rng'])
    return json.loads(metadata['progress'])
