# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An energy on the plane, by the training, sampling, checkpoints and cards that concepts have."""

import numpy as np
import pytest
import torch
from processes import CPU, assert_same_checkpoint, end, start_together, train_together_until

from ebm_core.__main__ import main
from ebm_core.errors import InvalidInput, ModelError
from ebm_core.model_files import SHIPPED
from ebm_core.toy.config import Curve, preset
from ebm_core.toy.curves import HALF_WIDTH, distance_to, point_on
from ebm_core.toy.energy import load_plane
from ebm_core.toy.recipe import PlaneRecipe
from ebm_core.training import loop
from ebm_core.training.loop import train

# Half of the preset's: enough to tell what was learned from what was not.
STEPS = 300


@pytest.fixture(scope='module')
def spiral(tmp_path_factory):
    directory = tmp_path_factory.mktemp('toy')
    few = ['--set', f'steps={STEPS}']
    assert main(['toy', 'train', '--output', str(directory), '--device', 'cpu', *few]) == 0
    return directory


def test_energy_is_low_on_the_curve_and_high_off_it(spiral):
    learner, _ = load_plane(spiral)
    rng = np.random.default_rng(0)
    on = point_on('spiral', rng.random(1000))
    off = rng.uniform(-HALF_WIDTH, HALF_WIDTH, (4000, 2))
    off = off[distance_to('spiral', off) > 0.12]
    with torch.no_grad():
        low, high = (learner.energy(torch.tensor(p, dtype=torch.float32)) for p in (on, off))
    # The share of pairs in the right order.
    assert (low < high.T).float().mean() > 0.97


def test_chains_end_near_the_curve(spiral):
    learner, _ = load_plane(spiral)
    torch.manual_seed(0)
    for _ in range(20):
        samples = learner.sample(1000)
    assert np.median(distance_to('spiral', samples.numpy())) < 0.1
    far = np.random.default_rng(0).uniform(-HALF_WIDTH, HALF_WIDTH, (1000, 2))
    assert np.median(distance_to('spiral', far)) > 0.2


def test_it_is_drawn(spiral, tmp_path, capsys):
    picture = tmp_path / 'toy.png'
    assert main(['toy', 'figure', '--model', str(spiral), '--output', str(picture)]) == 0
    assert picture.read_bytes().startswith(b'\x89PNG') and picture.stat().st_size > 10_000
    card = load_plane(spiral)[1]
    assert card['training']['curve'] == 'spiral' and card['provenance']['step'] == STEPS


@pytest.mark.parametrize('curve', Curve.__args__)
def test_every_curve_is_within_the_square_and_its_own_distance(curve):
    points = point_on(curve, np.linspace(0, 1, 300))
    assert np.abs(points).max() <= 1
    assert distance_to(curve, points).max() < 0.01
    assert distance_to(curve, np.array([[1.2, 1.2]])) > 0.5


class Stopped(Exception):
    pass


def test_a_resumed_run_has_the_samples_it_had(tmp_path, monkeypatch):
    recipe = PlaneRecipe(preset('moons', steps=6, checkpoint_every=3, batch=16))
    train(recipe, tmp_path / 'whole', device=CPU)
    step = loop.train_step

    def stop(recipe, module, optimizer, index, *rest):
        if index == 5:
            raise Stopped
        return step(recipe, module, optimizer, index, *rest)

    monkeypatch.setattr(loop, 'train_step', stop)
    with pytest.raises(Stopped):
        train(recipe, tmp_path / 'parts', device=CPU)
    monkeypatch.undo()
    train(recipe, tmp_path / 'parts', device=CPU)
    assert_same_checkpoint(tmp_path / 'whole', tmp_path / 'parts')


def test_each_of_several_processes_has_its_own_samples_again(tmp_path):
    recipe = PlaneRecipe(preset('rings', steps=7, checkpoint_every=3, batch=16))
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    assert end(start_together(2, train_together_until, None, recipe, whole)) == [0, 0]
    assert end(start_together(2, train_together_until, 5, recipe, parts)) == [9, 9]
    assert end(start_together(2, train_together_until, None, recipe, parts)) == [0, 0]
    assert_same_checkpoint(whole, parts)
    one, other = (torch.load(parts / f'rank{rank}.pt') for rank in (0, 1))
    assert torch.equal(one['energy.0.weight'], other['energy.0.weight'])
    assert not torch.equal(one['buffer.samples'], other['buffer.samples'])


def test_what_is_wrong_is_named():
    with pytest.raises(InvalidInput, match="'cube' is unknown; known are spiral, moons"):
        preset('cube')
    with pytest.raises(InvalidInput, match='batch: 9999 is refused: at most 2048'):
        preset('spiral', batch=9999)
    with pytest.raises(InvalidInput, match='batch: 2 is too few for 3 processes'):
        PlaneRecipe(preset('spiral', batch=2)).share(2, 3)
    with pytest.raises(ModelError, match=r'residuals, .*: unknown key; known are hidden'):
        load_plane(SHIPPED / 'concepts')
