# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Checkpoints: nothing is half-written, whatever ends the process, and foreign ones are refused."""

import json
import random
import signal
import time

import pytest
import torch
from processes import CPU, assert_same_checkpoint, end, small, start, train_until
from safetensors import safe_open
from safetensors.torch import save_file

from ebm_core.errors import InvalidInput
from ebm_core.files import write_atomically
from ebm_core.training.checkpoint import FILE
from ebm_core.training.loop import train

KILLS = 3


def steps_done(directory):
    """Return how far the checkpoint is; raises if it is not whole."""
    if not (directory / FILE).exists():
        return 0
    with safe_open(directory / FILE, 'pt') as file:
        return json.loads(file.metadata()['progress'])['step']


def test_killed_at_any_moment_a_run_ends_as_an_undisturbed_one(tmp_path):
    """At random moments of its own CPU time, while every step writes a checkpoint; then the end."""
    recipe = small(steps=12 * KILLS, checkpoint_every=1)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    assert end([start(train_and_note_cpu_time, recipe, whole, tmp_path / 'cpu_s')]) == [0]
    cpu_s = float((tmp_path / 'cpu_s').read_text())
    rng = random.Random(0)
    for _ in range(KILLS):
        before = steps_done(parts)
        killed_s = cpu_s * rng.uniform(0.02, 0.6 / KILLS)
        assert end([start(train_until_killed, killed_s, recipe, parts)]) == [-signal.SIGPROF]
        assert before <= steps_done(parts)  # what is there can be read
    assert 0 < steps_done(parts) < recipe.run.steps
    assert end([start(train_until, None, recipe, parts)]) == [0]
    assert_same_checkpoint(whole, parts)
    assert [p.name for p in parts.iterdir() if p.name.startswith('.')] == []


def train_and_note_cpu_time(recipe, directory, file):
    """Train, and write how much CPU time it took, s."""
    began_s = time.process_time()
    train(recipe, directory, device=CPU)
    file.write_text(str(time.process_time() - began_s))


def train_until_killed(cpu_s, recipe, directory):
    """Train, and be killed after so much CPU time, however busy the machine is.

    The signal of that timer kills as SIGKILL does where nobody handles it.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    train(recipe, directory, device=CPU)


def test_killed_within_a_write_the_old_checkpoint_stays(tmp_path):
    """The moment that random kills seldom meet: half of the new file is written."""
    recipe = small(steps=4, checkpoint_every=1)
    assert end([start(die_within_a_write, recipe, tmp_path, 3)]) == [9]
    assert steps_done(tmp_path) == 2
    assert len([p for p in tmp_path.iterdir() if p.name.startswith('.')]) == 1
    train(recipe, tmp_path, device=CPU)
    assert steps_done(tmp_path) == 4
    assert [p for p in tmp_path.iterdir() if p.name.startswith('.')] == []


def die_within_a_write(recipe, directory, number):
    """Train, and die within the write of checkpoint `number`."""
    import os

    from ebm_core import files

    count, real = 0, os.fdopen

    def fdopen(*args):
        nonlocal count
        count += 1
        file = real(*args)
        if count == number:
            file.write(b'half of it')
            file.flush()
            os._exit(9)
        return file

    files.os.fdopen = fdopen
    train(recipe, directory, device=CPU)


def test_another_configurations_checkpoint_is_refused(tmp_path):
    train(small(steps=1), tmp_path, device=CPU)
    with pytest.raises(InvalidInput, match='another configuration'):
        train(small(steps=2), tmp_path, device=CPU)


def test_damaged_checkpoint_is_refused(tmp_path):
    train(small(steps=1), tmp_path, device=CPU)
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InvalidInput, match='not a readable checkpoint'):
        train(small(steps=1), tmp_path, device=CPU)


def test_a_checkpoint_whose_tensors_do_not_fit_is_refused_and_kept(tmp_path):
    train(small(steps=1), tmp_path, device=CPU)
    with safe_open(tmp_path / FILE, 'pt') as file:
        metadata, names = file.metadata(), file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
    name = next(name for name in tensors if name.startswith('module.'))
    tensors[name] = torch.zeros(3, 5, 7)
    save_file(tensors, tmp_path / FILE, metadata)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(InvalidInput, match=r'does not fit \(size mismatch for .*remove it'):
        train(small(steps=1), tmp_path, device=CPU)
    assert (tmp_path / FILE).read_bytes() == before


def test_foreign_file_is_refused(tmp_path):
    save_file({'weights': torch.zeros(1)}, tmp_path / FILE)
    with pytest.raises(InvalidInput, match='not a checkpoint of a training run'):
        train(small(steps=1), tmp_path, device=CPU)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / 'file'
    write_atomically(target, b'old')
    with pytest.raises(TypeError):
        write_atomically(target, 'not bytes')

    def refuse(*_):
        raise OSError('no space left on device')

    monkeypatch.setattr('os.fsync', refuse)
    with pytest.raises(OSError, match='no space'):
        write_atomically(target, b'new, and longer')
    assert target.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == ['file']
