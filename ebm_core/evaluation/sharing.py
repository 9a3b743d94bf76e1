# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Work that several processes share; how many there are changes no number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar
from zlib import crc32

import numpy as np
import torch
from tqdm import tqdm

Job, Result = TypeVar('Job'), TypeVar('Result')


class Sharers(Protocol):
    """Processes that share work, as one of them sees it; `Processes` of torchrun are such."""

    rank: int
    number: int

    @property
    def leads(self) -> bool:
        """Whether it is the one that prints and writes."""

    def gather(self, value: object) -> list:
        """Return what each process passes, by rank, in all of them."""


class Alone:
    """One process by itself."""

    rank, number, leads = 0, 1, True

    def gather(self, value: object) -> list:
        """Return the value."""
        return [value]


ALONE = Alone()


def shared_out(
    jobs: Sequence[Job], work: Callable[[Job], Result], processes: Sharers = ALONE
) -> list[Result]:
    """Return work(job) of each job, which the processes share like dealt cards.

    The numbers are those of one process, if a job's random numbers are its own.
    """
    mine = range(processes.rank, len(jobs), processes.number)
    quiet = None if processes.leads else True
    done = {index: work(jobs[index]) for index in tqdm(mine, unit='job', disable=quiet)}
    every = {index: result for some in processes.gather(done) for index, result in some.items()}
    return [every[index] for index in range(len(jobs))]


@contextmanager
def random_numbers(name: str, number: int, seed: int) -> Iterator[np.random.Generator]:
    """Give a job NumPy's and torch's random numbers that depend on nothing else."""
    rng = np.random.default_rng([seed, crc32(name.encode()), number])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        yield rng
