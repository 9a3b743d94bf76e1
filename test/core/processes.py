# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Real training processes for tests, which can be killed and know nothing of each other."""

import multiprocessing
import os
import socket

import torch
from safetensors import safe_open
from tqdm import tqdm

from ebm_core.relational.config import preset
from ebm_core.relational.recipe import ConceptRecipe
from ebm_core.training import loop
from ebm_core.training.checkpoint import FILE
from ebm_core.training.distributed import joined

CPU = torch.device('cpu')
# Forked from a clean process that has imported torch once: starting one takes milliseconds, and
# neither threads nor random states of the tests are inherited.
_context = multiprocessing.get_context('forkserver')
# torch._dynamo is what the first optimiser imports, for seconds.
_context.set_forkserver_preload(
    ['ebm_core.relational.recipe', 'ebm_core.training.loop', 'torch._dynamo']
)


def small(**changes):
    """Return a recipe whose steps take a tenth of a second; changes: of the training's values."""
    few = {'point': 2, 'between': 1, 'one': 1}
    values = {'steps': 12, 'checkpoint_every': 6, 'concepts': few, **changes}
    return ConceptRecipe(preset('tiny', **values))


def start(function, *args):
    """Start a process that calls a function of a module."""
    process = _context.Process(target=_single_threaded, args=(function, *args))
    process.start()
    return process


def start_together(number, function, *args):
    """Start processes that find each other as torchrun's do; each calls function(processes, …)."""
    port = _free_port()
    return [start(_as_rank, rank, number, port, function, *args) for rank in range(number)]


def end(processes, timeout_s=180):
    """Wait for processes, and return their exit codes; one that hangs is killed."""
    for process in processes:
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def train_until(step, recipe, directory):
    """Train, and die without a word when `step` is to be taken."""
    _die_before(step)
    loop.train(recipe, directory, device=CPU)


def train_together_until(processes, step, recipe, directory):
    """Train as one of several, keep the end's weights; see `train_until`."""
    _die_before(step)
    learner, _ = loop.train(recipe, directory, device=CPU, processes=processes)
    torch.save(learner.state_dict(), directory / f'rank{processes.rank}.pt')


def checkpoint_of(directory):
    """Return all tensors of a checkpoint, and what it says besides, without the time it took."""
    with safe_open(directory / FILE, 'pt') as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        return tensors, file.metadata() | {'progress': None}


def assert_same_checkpoint(one, other):
    """Check that two runs ended the same, bit for bit: weights, moments and random states."""
    (tensors, texts), (other_tensors, other_texts) = checkpoint_of(one), checkpoint_of(other)
    assert texts == other_texts
    assert tensors.keys() == other_tensors.keys()
    for key, value in tensors.items():
        assert torch.equal(value, other_tensors[key]), key


def _free_port():
    """Return one that nobody listens on, and that no connection takes in the meantime.

    Below the ephemeral ports, and for each process of the tests another.
    """
    for attempt in range(1000):
        port = 24000 + (os.getpid() + attempt) % 8000
        with socket.socket() as free:
            try:
                free.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
    raise RuntimeError('no free port from 24000 to 31999')


def _single_threaded(function, *args):
    torch.set_num_threads(1)
    tqdm.monitor_interval = 0  # no thread of its own
    function(*args)


def _as_rank(rank, number, port, function, *args):
    os.environ |= {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': str(number),
        'LOCAL_WORLD_SIZE': str(number),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
    }
    with joined(CPU) as processes:
        function(processes, *args)


def _die_before(last):
    step = loop.train_step

    def die(recipe, learner, optimizer, index, *rest):
        if index == last:
            os._exit(9)
        return step(recipe, learner, optimizer, index, *rest)

    loop.train_step = die
