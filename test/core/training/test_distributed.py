# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several processes train the model that one would: same gradients, and resumed exactly."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from processes import (
    CPU,
    assert_same_checkpoint,
    end,
    small,
    start_together,
    train_together_until,
)

from ebm_core.relational.model import load_model
from ebm_core.relational.objective import LossConfig, losses
from ebm_core.training.distributed import ALONE, Processes, device_of
from ebm_core.training.loop import train
from ebm_core.world.scene import InvalidInput

EVEN = {'point': 2, 'between': 2}
UNEVEN = {'point': 2, 'colour': 1}


def gradients(processes, recipe, average):
    """Return the gradients of the first step, None where there are none."""
    torch.manual_seed(0)
    learner = recipe.build()
    rng = processes.random_of_its_own(0)
    mine = recipe.share(processes.rank, processes.number)
    tasks = mine.draw(0, rng, CPU)
    batch = losses(learner.energy, learner.sampler, tasks, LossConfig())
    (batch.likelihood + batch.kl).backward()
    if average:
        processes.average_gradients(learner, weight=mine.work)
    return {name: p.grad for name, p in learner.named_parameters()}


def averaged_gradients(processes, recipe, directory):
    torch.save(gradients(processes, recipe, True), directory / f'gradients{processes.rank}.pt')


@pytest.mark.parametrize('concepts', [EVEN, UNEVEN])
def test_gradients_are_the_mean_of_the_halves(tmp_path, concepts):
    recipe = small(concepts=concepts)
    assert end(start_together(2, averaged_gradients, recipe, tmp_path)) == [0, 0]
    ranks = [torch.load(tmp_path / f'gradients{rank}.pt') for rank in (0, 1)]

    halves = [gradients(Processes(rank, 2), recipe, False) for rank in (0, 1)]
    total = sum(concepts.values())
    first = (total + 1) // 2 / total  # the share of the concepts that rank 0 has
    assert not torch.equal(*(half['energy.f_out'] for half in halves))
    for name, gradient in ranks[0].items():
        parts = [half[name] for half in halves]
        if parts == [None, None]:
            assert gradient is None and ranks[1][name] is None, name
            continue
        assert torch.equal(gradient, ranks[1][name]), name
        one, other = (torch.zeros_like(gradient) if p is None else p for p in parts)
        mean = first * one + (1 - first) * other
        torch.testing.assert_close(gradient, mean, rtol=1e-5, atol=1e-6, msg=name)
    # The step size of trajectories: nobody had one.
    assert ranks[0]['sampler.log_step.trajectory'] is None


def test_an_interrupted_run_equals_an_uninterrupted_one(tmp_path):
    recipe = small(steps=7, checkpoint_every=3, kl_from=0.5)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    assert end(start_together(2, train_together_until, None, recipe, whole)) == [0, 0]
    assert end(start_together(2, train_together_until, 5, recipe, parts)) == [9, 9]
    assert end(start_together(2, train_together_until, None, recipe, parts)) == [0, 0]
    assert_same_checkpoint(whole, parts)

    ranks = [torch.load(parts / f'rank{rank}.pt') for rank in (0, 1)]
    for name, value in ranks[0].items():
        assert torch.equal(value, ranks[1][name]), name
    # One process cannot go on where two were: it has other random numbers.
    with pytest.raises(InvalidInput, match='made by 2 processes, 1 cannot continue'):
        train(recipe, parts, device=CPU)


def test_a_damaged_checkpoint_stops_all(tmp_path):
    """Nobody waits for a process that has refused and left."""
    recipe = small(steps=2, checkpoint_every=1)
    (tmp_path / 'checkpoint.safetensors').write_bytes(b'not one')
    assert end(start_together(2, train_together_until, None, recipe, tmp_path)) == [1, 1]


def test_concepts_are_dealt_out_evenly():
    recipe = small(concepts={'shape': 5, 'point': 4, 'one': 1})
    shares = [recipe.share(rank, 3).run.concepts for rank in range(3)]
    assert sorted(sum(share.values()) for share in shares) == [3, 3, 4]
    for key, number in recipe.run.concepts.items():
        counts = [share[key] for share in shares]
        assert sum(counts) == number and max(counts) - min(counts) <= 1
    assert recipe.share(0, 1) is recipe
    with pytest.raises(InvalidInput, match='10 per step are too few for 11 processes'):
        recipe.share(0, 11)


def test_random_numbers_differ_by_process_and_seed():
    drawn = set()
    for seed, rank in ((0, 0), (0, 1), (1, 0)):
        rng = Processes(rank, 2).random_of_its_own(seed)
        drawn |= {float(rng.random()), float(torch.rand(()))}
    assert len(drawn) == 6
    assert ALONE.random_of_its_own(3).random() == np.random.default_rng(3).random()


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('gpu', "'gpu' is unknown"),
        ('cuda:99', 'this machine has'),
        ('meta', 'meta cannot be used here'),
        ('xpu:99', 'xpu:99 cannot be used here'),
    ],
)
def test_devices_that_are_not_there_are_refused(name, message):
    with pytest.raises(InvalidInput, match=message):
        device_of(name)


def test_torchrun(tmp_path):
    """The command of the help: one table, one model, made by two."""
    sizes = ['--set', 'steps=2', '--set', 'concepts={"point": 2}', '--scenes', '2']
    command = [
        *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
        *(
            '--nproc-per-node',
            '2',
            '-m',
            'ebm_core',
            'train',
            '--preset',
            'tiny',
            '--output',
            str(tmp_path),
            *sizes,
        ),
        *('--device', 'cpu', '--json', str(tmp_path / 'result.json')),
    ]
    # In a session of its own: torchrun, killed, would leave its workers behind.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        stdout, stderr = process.communicate(timeout=400)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, stderr
    assert stdout.count('| point |') == 1
    assert load_model(tmp_path).card['provenance']['processes'] == 2
    assert json.loads((tmp_path / 'result.json').read_text())['step'] == 2
