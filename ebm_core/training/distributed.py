# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several processes that train one model: `torchrun --nproc-per-node N -m ebm_core train …`.

Every process (rank) draws its share of each step's work with random numbers of its own; the
gradients are averaged, so that the weights stay the same in all. The leader, rank 0, is the one
that prints, evaluates and writes. Gloo on CPUs, NCCL on GPUs (one per process).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from ..errors import InvalidInput


@dataclass(frozen=True)
class Processes:
    """Those that train together, as one of them sees it; by default it is alone."""

    rank: int = 0
    number: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that prints and writes."""
        return self.rank == 0

    def random_of_its_own(self, seed: int) -> np.random.Generator:
        """Return NumPy's generator, and seed torch anew where others started from the same seed.

        Alone, torch goes on as it was seeded.
        """
        if self.number == 1:
            return np.random.default_rng(seed)
        own = np.random.SeedSequence([seed, self.rank])
        torch.manual_seed(int(own.generate_state(1, np.uint64)[0] >> 1))
        return np.random.default_rng(own)

    def gather(self, value: object) -> list:
        """Return what each process passes, by rank, in all of them."""
        if self.number == 1:
            return [value]
        values: list = [None] * self.number
        dist.all_gather_object(values, value)
        return values

    def average_gradients(self, module: nn.Module, weight: float) -> None:
        """Replace the gradients by their mean over processes, weighted by `weight`.

        What has a gradient in no process keeps none, so that the optimiser leaves it alone as it
        would in a single process. The sum is the same, bit for bit, in every process.
        """
        if self.number == 1:
            return
        parameters = list(module.parameters())
        parts = [
            (torch.zeros_like(p) if p.grad is None else weight * p.grad).flatten()
            for p in parameters
        ]
        rest = [float(p.grad is not None) for p in parameters] + [weight]
        flat = torch.cat((*parts, parts[0].new_tensor(rest)))
        dist.all_reduce(flat)
        *sums, rest = flat.split([*(part.numel() for part in parts), len(rest)])
        *counts, total = rest.tolist()
        for parameter, sum_, count in zip(parameters, sums, counts, strict=True):
            parameter.grad = (sum_ / total).view_as(parameter) if count else None


ALONE = Processes()


def device_of(name: str | None) -> torch.device:
    """Return the device that --device names, None: a GPU where there is one; its own per process.

    Under torchrun, `cuda` is the GPU of the process's number on this machine.
    """
    local = int(os.environ.get('LOCAL_RANK', 0))
    here = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    gpus = torch.cuda.device_count()
    if name is None:
        name = 'cuda' if gpus >= here and torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidInput(f'--device: {name!r} is unknown; cpu, cuda, cuda:1, …') from None
    if device.type != 'cuda':
        try:
            torch.empty(1, device=device).cpu()
        except (RuntimeError, AssertionError) as error:  # NotImplementedError is of the first
            reason = str(error).partition('\n')[0]
            raise InvalidInput(f'--device: {name} cannot be used here ({reason})') from None
        return device
    if here > 1 and device.index is not None:
        raise InvalidInput(f'--device: {name} for {here} processes; say cuda, each takes its own')
    needed = here if device.index is None else device.index + 1
    if needed > gpus:
        raise InvalidInput(f'--device: {name} for {here} processes; this machine has {gpus} GPUs')
    return torch.device('cuda', local if device.index is None else device.index)


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun started, as long as the context lasts; else stay alone."""
    if device.type == 'cuda':
        torch.cuda.set_device(device)  # random states and collectives are of the current device
    if int(os.environ.get('WORLD_SIZE', 1)) == 1:
        yield ALONE
        return
    # Gloo carries what is on the CPU (random states), NCCL the gradients of GPUs.
    dist.init_process_group('cpu:gloo,cuda:nccl' if device.type == 'cuda' else 'gloo')
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
