# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tasks in sequence: the stream shows each task once, and the energy forgets less than others."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from ebm_core.__main__ import main
from ebm_core.continual.classifiers import L2, MAS, SI, LwF
from ebm_core.continual.config import PRESETS, LearnerConfig, preset
from ebm_core.continual.energies import (
    ContrastiveEnergy,
    OwnUnitsContrastive,
    ReconstructionEnergy,
)
from ebm_core.continual.run import METHODS, Method, learn
from ebm_core.continual.stream import Stream
from ebm_core.datasets.sources import load_images
from ebm_core.errors import InvalidInput


@pytest.fixture(scope='module')
def digits():
    return load_images('digits')


def quick(**changes):
    return preset('digits', **{'passes': 15, 'hidden': 100, 'fisher_images': 20, **changes})


def test_a_stream_shows_one_task_after_the_other(digits):
    torch.manual_seed(0)
    stream = Stream(digits, quick(passes=1).stream)
    batches = list(stream)
    assert [b.task for b in batches] == sorted(b.task for b in batches)
    assert [b.task for b in batches if b.ends] == [0, 1, 2, 3, 4]
    assert all(((b.y // 2) == b.task).all() for b in batches)
    assert sum(len(b.y) for b in batches) == len(digits.train)  # a pass has every image once


def test_tasks_fade_where_nothing_says_when_they_end(digits):
    torch.manual_seed(0)
    batches = list(Stream(digits, quick(boundaries='free', steps=20).stream))
    assert len(batches) == 100 and not any(b.ends or b.task is not None for b in batches)
    tasks = [set((b.y // 2).tolist()) for b in batches]
    # Two tasks overlap by half a task, of which a quarter is before the boundary.
    assert [tasks[step] for step in (0, 14, 20, 26, 99)] == [{0}, {0}, {0, 1}, {1}, {4}]
    later = [float((batches[step].y // 2 == 1).float().mean()) for step in range(15, 26)]
    assert np.mean(later) == pytest.approx(0.5, abs=0.06) and later[0] < 0.2 and later[-1] > 0.8


@pytest.mark.parametrize('boundaries', ['aware', 'free'])
def test_a_stream_can_be_read_before_its_end(digits, boundaries):
    changes = {'boundaries': boundaries, 'steps': 10, 'read_at': 0.5}
    torch.manual_seed(0)
    batches = list(Stream(digits, quick(**changes).stream))
    assert len(batches) == 25 and max(int(b.y.max()) for b in batches) == 5


def test_each_layer_of_li_s_energy_is_opened_by_the_label():
    energy = ContrastiveEnergy(64, 10, LearnerConfig(hidden=20, layers=2))
    assert [tuple(layer.weight.shape) for layer in energy.inward] == [(20, 64), (20, 20)]
    own = OwnUnitsContrastive(64, 10, LearnerConfig(hidden=20, layers=2))
    x = torch.rand(4, 64)
    loss = own.loss(x, torch.tensor([0, 1, 0, 1]), torch.arange(10) < 2)
    loss.backward()
    assert all(layer.weight.grad[4:].abs().sum() == 0 for layer in own.inward)


def test_level_keeps_the_energies_of_right_labels_near_zero(digits):
    def right_energies(level):
        torch.manual_seed(0)
        stream = Stream(digits, quick(passes=3, tasks=1).stream)
        energy = ContrastiveEnergy(64, 2, LearnerConfig(hidden=40, level=level))
        optimizer = torch.optim.Adam(energy.parameters(), 1e-3)
        for batch in stream:
            optimizer.zero_grad()
            energy.loss(batch.x, batch.y, torch.ones(2, dtype=torch.bool)).backward()
            optimizer.step()
        labels = stream.test_labels[:, None]
        return energy.energy(stream.test, labels).detach().abs().mean()

    assert right_energies(1.0) < 0.5 * right_energies(0.0)


def test_targets_and_accuracy_are_the_scenarios(digits):
    named, unnamed = (Stream(digits, quick(scenario=s).stream) for s in ('task', 'domain'))
    assert unnamed.outputs == 2 and set(unnamed.targets(torch.arange(10)).tolist()) == {0, 1}
    # Scores that say "an even digit, of task 0": right for the even ones where the task is named.
    scores = torch.zeros(len(named.test), 10)
    scores[:, ::2] = 1
    scores[:, 0] = 2
    tasks, labels = named.test_labels // 2, named.test_labels
    even = [float((labels[tasks == t] % 2 == 0).float().mean()) for t in range(5)]
    assert named.accuracy(scores)[1] == pytest.approx(even)
    assert Stream(digits, quick().stream).accuracy(scores)[1][1:] == [0, 0, 0, 0]


@pytest.mark.parametrize('method', METHODS)
def test_every_method_goes_through_a_stream(digits, method):
    found = learn(digits, quick(passes=2, tasks=2), method)
    assert found['diverged_at_step'] is None and len(found['by_task']) == 2
    assert 0.2 < found['accuracy'] <= 1


def test_the_energy_remembers_what_a_classifier_forgets(digits):
    energy, adam = (learn(digits, quick(), method) for method in ('energy', 'adam'))
    assert energy['accuracy'] > 0.85 and energy['by_task'][0] > 0.75
    assert adam['accuracy'] < 0.35 and adam['by_task'][0] < 0.1


def test_a_seed_is_one_run(digits):
    first, again = (learn(digits, quick(passes=1, tasks=2), 'energy') for _ in range(2))
    assert again['by_task'] == first['by_task']
    other = learn(digits, quick(passes=1, tasks=2, seed=1), 'energy')
    assert other['by_task'] != first['by_task']


def test_the_nearest_mean_image_is_exact(digits):
    means = np.stack([digits.train[digits.train_labels == k].mean(0) for k in range(10)])
    away = np.square(digits.test[:, None] - means).sum((2, 3, 4))
    right = away.argmin(1) == digits.test_labels
    by_task = [right[digits.test_labels // 2 == task].mean() for task in range(5)]
    found = learn(digits, quick(passes=1), 'mean_image')
    assert found['by_task'] == pytest.approx(by_task)


def test_importance_of_si_is_of_the_task_s_loss_alone():
    """As in the code of Zenke et al. (2017): what the penalty pulls back is no merit."""
    torch.manual_seed(0)
    learner = SI(6, 4, LearnerConfig(hidden=5, si=3.0))
    x, y, active = torch.rand(8, 6), torch.tensor([0, 1] * 4), torch.arange(4) < 2
    optimizer = torch.optim.SGD(learner.parameters(), 0.5)

    def step(y, active):
        optimizer.zero_grad()
        learner.loss(x, y, active).backward()
        optimizer.step()
        learner.after_step()

    for _ in range(3):
        step(y, active)
    learner.end_task(x, y, active)
    step(y + 2, ~active)  # the penalty has no slope where the anchor is
    before = learner.weights()
    assert learner.penalty(x) > 0
    own = torch.autograd.grad(
        learner.entropy(x, y + 2, ~active), tuple(learner.parameters()), allow_unused=True
    )
    way = [part.clone() for part in learner.way]
    step(y + 2, ~active)
    for now, last, slope, new, old in zip(
        learner.way, way, own, learner.weights(), before, strict=True
    ):
        assert torch.allclose(now - last, -slope * (new - old), atol=1e-6)


def test_a_task_leaves_the_units_of_other_labels_alone(digits):
    torch.manual_seed(0)
    energy = ReconstructionEnergy(64, 10, LearnerConfig(hidden=40))
    before = energy.drawn.weight.detach().clone()
    x, y = torch.rand(8, 64), torch.tensor([2, 3] * 4)
    energy.loss(x, y, torch.arange(10) // 2 == 1).backward()
    changed = energy.drawn.weight.grad.abs().sum(0) > 0
    assert changed.nonzero().squeeze(1).tolist() == list(range(8, 16))
    assert torch.equal(before, energy.drawn.weight)
    shared = ReconstructionEnergy(64, 10, LearnerConfig(hidden=40, shared=0.5))
    assert shared.gates.sum(1).tolist() == [22] * 10


def test_runs_are_kept_and_not_done_again(tmp_path, capsys):
    command = ['continual', '--methods', 'adam', 'energy', '--output', str(tmp_path)]
    command += ['--seeds', '2', '--set', 'passes=1', '--set', 'hidden=20']
    assert main(command) == 0
    assert 'energy, class, seed 1' in capsys.readouterr().out
    assert main(command) == 0
    assert 'seed' not in capsys.readouterr().out
    page = (tmp_path / 'continual_digits_digits.md').read_text()
    assert '| **our energy** |' in page and len(list((tmp_path / 'continual').iterdir())) == 4
    numbers = json.loads((tmp_path / 'continual_digits_digits.json').read_text())
    assert [run['seed'] for run in numbers['runs']] == [0, 0, 1, 1]
    command += ['--first-seed', '1']
    assert main(command) == 0  # seed 1 is there, seed 2 is not
    out = capsys.readouterr().out
    assert 'seed 2' in out and 'seed 1' not in out


def test_a_run_that_is_not_whole_is_done_again_and_one_of_other_images_refused(tmp_path, capsys):
    folder = tmp_path / 'images'
    for label in ('a', 'b'):
        (folder / label).mkdir(parents=True)
        for i in range(8):
            Image.new('L', (4, 4), 9 * i).save(folder / label / f'{i}.png')
    command = ['continual', '--methods', 'mean_image', '--seeds', '1', '--data', str(folder)]
    command += ['--output', str(tmp_path), '--set', 'passes=1', '--set', 'tasks=1']
    assert main(command) == 0
    # Of one seed nothing is known of how seeds differ.
    assert '±' not in (tmp_path / 'continual_images_digits.md').read_text()
    (file,) = (tmp_path / 'continual').iterdir()
    whole = json.loads(file.read_text())
    for half in (file.read_text()[:40], '{}', '[]', ''):
        file.write_text(half)
        assert main(command) == 0
        assert f'{file}: not the result of a run' in capsys.readouterr().err
        again = json.loads(file.read_text())
        assert {**again, 'cpu_s': 0} == {**whole, 'cpu_s': 0}
    Image.new('L', (4, 4), 255).save(folder / 'a' / '0.png')
    before = file.read_bytes()
    assert main(command) == 2
    assert 'made with other images of the same name and size' in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_batch_of_one_label_teaches_the_contrastive_energy_nothing(digits):
    small = quick(boundaries='free', batch=2, tasks=2, steps=20)
    assert learn(digits, small, 'contrastive_energy')['diverged_at_step'] is None
    energy = ContrastiveEnergy(64, 10, LearnerConfig(hidden=20))
    energy.loss(torch.rand(4, 64), torch.full((4,), 3), torch.arange(10) == 3).backward()
    assert all(p.grad is None or not p.grad.any() for p in energy.parameters())


def test_methods_that_wait_for_an_end_are_left_out_where_tasks_fade(tmp_path, capsys):
    command = ['continual', '--output', str(tmp_path), '--seeds', '1', '--set', 'boundaries=free']
    assert main([*command, '--set', 'steps=2', '--set', 'hidden=20']) == 0
    told = capsys.readouterr().out
    assert 'adam, class' in told and 'energy, class' in told
    assert not any(
        f'\n{method}, class' in told for method, way in METHODS.items() if way.needs_ends
    )


def test_what_is_wrong_is_named(digits, capsys):
    with pytest.raises(InvalidInput, match="method: 'gem' is unknown; known are adam, sgd"):
        learn(digits, quick(), 'gem')
    with pytest.raises(InvalidInput, match='tasks: 6 is refused: digits has 10 classes'):
        Stream(digits, quick(tasks=6).stream)
    with pytest.raises(InvalidInput, match="scenario: 'all' is refused"):
        preset('digits', scenario='all')
    with pytest.raises(InvalidInput, match='depth: unknown key'):
        preset('digits', depth=3)
    with pytest.raises(InvalidInput, match="'x' is unknown; known are hsu"):
        preset('x')
    assert main(['continual', '--methods', 'gem']) == 2 and 'gem' in capsys.readouterr().err
    labels = np.where(digits.train_labels < 2, 3, digits.train_labels)
    with pytest.raises(InvalidInput, match='task 0 has no images'):
        Stream(digits._replace(train_labels=labels), quick().stream)
    labels = np.where(digits.test_labels < 2, 3, digits.test_labels)
    with pytest.raises(InvalidInput, match='task 0 has no images to test'):
        Stream(digits._replace(test_labels=labels), quick().stream)
    for worth in (255, np.nan):
        with pytest.raises(InvalidInput, match=r'images: values .* are refused: 0 to 1'):
            Stream(digits._replace(train=digits.train * np.float32(worth)), quick().stream)
    with pytest.raises(InvalidInput, match='labels: -1 is refused: 0 or more'):
        labels = np.where(digits.train_labels == 0, -1, digits.train_labels)
        Stream(digits._replace(train_labels=labels), quick().stream)
    for key in ('seed=1', 'scenario=task'):
        assert main(['continual', '--set', key]) == 2
        assert f'--set: {key.partition("=")[0]} is refused: --' in capsys.readouterr().err
    with pytest.raises(InvalidInput, match="'si' is refused where boundaries are free"):
        learn(digits, quick(boundaries='free'), 'si')
    assert set(PRESETS) == {'hsu', 'li_aware', 'li_free', 'digits'}


def test_a_loss_that_is_not_finite_ends_the_run(digits, monkeypatch):
    class Broken(ReconstructionEnergy):
        def loss(self, x, y, active):
            return super().loss(x, y, active) * float('nan' if active[2] else 1)

    monkeypatch.setitem(METHODS, 'energy', Method('broken', Broken))
    found = learn(digits, quick(passes=1, tasks=2), 'energy')
    first = -(-int((digits.train_labels < 2).sum()) // 64)  # the steps of the first task
    assert found['diverged_at_step'] == first and found['by_task'][0] > 0.5


@pytest.mark.parametrize('named', [True, False])
def test_lwf_says_of_new_outputs_that_no_image_is_theirs_where_tasks_are_not_named(named):
    torch.manual_seed(0)
    learner, x, y = LwF(64, 10, LearnerConfig(hidden=20)), torch.rand(8, 64), torch.arange(8) % 2
    learner.multi_head = named
    first, second = torch.arange(10) < 2, (torch.arange(10) >= 2) & (torch.arange(10) < 4)
    assert learner.loss(x, y, first) == learner.entropy(x, y, first)
    learner.end_task(x, y, first)
    total, kept = learner.loss(x, y + 2, second), learner.penalty(x)
    torch.testing.assert_close(total, (learner.entropy(x, y + 2, second) + kept) / 2)
    kept.backward()
    pushed = learner.network[-1].bias.grad
    assert (pushed[2:4] > 0).all() != named and (pushed[4:] == 0).all()
    assert named or torch.isfinite(pushed).all()


def test_importance_of_l2_and_mas_is_what_the_papers_say():
    torch.manual_seed(0)
    x, y, active = torch.rand(8, 6), torch.tensor([0, 1] * 4), torch.arange(4) < 2
    for kind, weight in ((L2, 3.0), (MAS, 5.0)):
        learner = kind(6, 4, LearnerConfig(hidden=5, l2=3.0, mas=5.0))
        learner.loss(x, y, active)  # tells what has been seen
        learner.end_task(x, y, active)
        assert learner.penalty(x) == 0
        last = learner.network[-1]
        hidden, heard = learner.network[:-1](x), learner.network(x)[:, :2]
        with torch.no_grad():
            last.weight += 0.1
        # MAS: ∂ mean(outputs²) / ∂ weight, by hand; outputs that nobody has seen have none.
        slope = torch.zeros(4, 5)
        slope[:2] = (2 * heard[:, :, None] * hidden[:, None] / 2).mean(0).abs()
        importance = torch.ones(4, 5) if kind is L2 else slope
        expected = weight * (importance * 0.1**2).sum()
        torch.testing.assert_close(learner.penalty(x), expected)
