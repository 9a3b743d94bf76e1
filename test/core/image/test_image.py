# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An energy of digits: trained, sampled, asked what is strange, attacked; and stopped in time."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from processes import CPU, assert_same_checkpoint

from ebm_core.__main__ import main
from ebm_core.datasets.sources import load_images
from ebm_core.errors import Diverged, InvalidInput
from ebm_core.image.config import preset
from ebm_core.image.energy import ImageEnergy, ImageLearner, check_images, load_image_energy
from ebm_core.image.generation import complete, distance, some, walk
from ebm_core.image.judge import attack, robustness, train_classifier
from ebm_core.image.outliers import Gaussians, auroc, energy_score, outliers, table_of
from ebm_core.image.recipe import ImageRecipe
from ebm_core.training.loop import train

SHORT = {'chain_steps': 1, 'batch': 4, 'width': 4}  # where only the loop is looked at


@pytest.fixture(scope='module')
def digits():
    return load_images('digits')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp('image')
    command = ['image', 'train', '--preset', 'tiny', '--output', str(directory), '--device', 'cpu']
    assert main(command) == 0
    return directory


@pytest.fixture(scope='module')
def judge(digits, model):
    learner, _ = load_image_energy(model)
    return train_classifier(digits, learner.config, steps=80, seed=0)


def test_it_tells_digits_apart_and_knows_noise_as_strange(digits, model):
    learner, card = load_image_energy(model)
    assert card['data'][0] == 'digits' and card['provenance']['step'] == 80
    with torch.no_grad():
        energies = learner.energy(torch.from_numpy(digits.test).flatten(1))
    right = energies.argmin(1) == torch.from_numpy(digits.test_labels)
    assert right.float().mean() > 0.8
    strange = outliers(digits, 200, 0)
    rows = table_of({'energy': energy_score(learner.energy)}, digits, strange)
    assert rows['energy']['uniform'] > 0.9 and rows['energy']['textures'] > 0.7
    assert list(rows['energy'])[-1] == 'average'


def test_completions_keep_what_was_not_lost(digits, model, judge):
    learner, _ = load_image_energy(model)
    done = complete(learner, judge, digits, number=6, tries=3, steps=10, seed=0)
    assert done.completions.shape == (6, 3, 64)
    assert torch.equal(done.completions[:, :, :32], done.original[:, None, :32].expand(6, 3, 32))
    assert done.spread > 0 and 0 <= done.accepted <= 1
    assert done.completions.min() >= 0 and done.completions.max() <= 1


def test_walks_go_from_the_image_to_another_label(digits, model, judge):
    learner, _ = load_image_energy(model)
    path, asked, _ = walk(learner, judge, digits, number=20, steps=40, seed=0)
    assert len(path) == 41 and path[0].shape == (20, 64)
    with torch.no_grad():
        before, after = (learner.energy.of(path[i], asked).mean() for i in (0, -1))
    assert after < before


def test_distance_is_none_to_itself_and_larger_to_noise(digits, judge):
    test = torch.from_numpy(digits.test).flatten(1)
    assert abs(distance(test, digits, judge)) < 1e-3
    assert distance(torch.rand(100, 64), digits, judge) > 1


def test_auroc_is_the_share_of_pairs_in_order():
    usual, strange = np.array([0.0, 1, 2]), np.array([1.0, 5])
    assert auroc(usual, strange) == pytest.approx((1.5 + 3) / 6)
    assert auroc(strange, strange) == 0.5


def test_the_gaussians_take_a_label_with_one_image(digits):
    first = [int((digits.train_labels == k).argmax()) for k in range(10)]
    few = digits._replace(train=digits.train[first], train_labels=digits.train_labels[first])
    assert np.isfinite(Gaussians(few).surprise(digits.test)).all()


def test_the_gaussians_are_a_density(digits):
    density = Gaussians(digits)
    surprise = density.surprise(digits.test)
    noise = density.surprise(np.random.default_rng(0).random(digits.test.shape, np.float32))
    assert auroc(surprise, noise) > 0.99


def test_attacks_stay_within_their_radius(digits, judge):
    x, y = torch.from_numpy(digits.test[:40]).flatten(1), torch.from_numpy(digits.test_labels[:40])
    torch.manual_seed(0)
    for norm, order in (('inf', float('inf')), ('2', 2)):
        moved = attack(judge, x, y, norm, 0.3)
        away = torch.linalg.vector_norm(moved - x, ord=order, dim=1)
        assert away.max() < 0.3001 and away.max() > 0.2
        assert moved.min() >= 0 and moved.max() <= 1
        clean, attacked = robustness(judge, x, y, norm, [0.0, 0.3])
        assert attacked < clean


def test_layers_are_bounded(digits):
    torch.manual_seed(0)
    energy = ImageEnergy(preset('digits', width=4).model)
    for _ in range(30):  # the norm's vectors turn with each call
        energy(torch.rand(2, 64))
    norms = [
        torch.linalg.matrix_norm(m.weight.flatten(1), 2).item()
        for m in energy.network
        if hasattr(m, 'weight')
    ]
    assert len(norms) == 4 and all(norm < 1.05 for norm in norms)


def test_energies_of_labels_and_of_images_agree():
    torch.manual_seed(0)
    energy = ImageEnergy(preset('digits', width=4).model).eval()
    x = torch.rand(3, 64)
    each = torch.stack([energy.of(x, torch.full((3,), k)) for k in range(10)], 1)
    assert torch.allclose(each, energy(x))
    assert torch.allclose(energy.of(x), -torch.logsumexp(-each, 1))
    one = ImageLearner(preset('unconditional', width=4).model)
    assert not one.labelled and one.sample(5)[1].tolist() == [0] * 5


def test_a_resumed_run_has_the_samples_it_had(digits, tmp_path):
    chosen = preset('unconditional', **SHORT, steps=4, checkpoint_every=2)
    recipe = ImageRecipe(chosen, digits)
    train(recipe, tmp_path / 'whole', device=CPU, quiet=True)

    def stop(module, step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / 'parts', device=CPU, quiet=True, report=stop)
    train(recipe, tmp_path / 'parts', device=CPU, quiet=True)
    assert_same_checkpoint(tmp_path / 'whole', tmp_path / 'parts')


def test_a_run_that_diverges_is_stopped_and_its_checkpoint_kept(digits, tmp_path):
    class Exploding(ImageRecipe):
        def losses(self, module, batch, step):
            if step == 5:
                module.energy.log_scale.data += 8
            return super().losses(module, batch, step)

    recipe = Exploding(preset('digits', **SHORT, steps=9, checkpoint_every=2), digits)
    said = r'step 5: energies of .* are beyond 100; .*checkpoint.safetensors of step 4, .* is kept'
    with pytest.raises(Diverged, match=said):
        train(recipe, tmp_path, device=CPU, quiet=True)
    assert (tmp_path / 'checkpoint.safetensors').exists()


def test_gradients_that_are_never_finite_end_a_run(digits, tmp_path):
    class Broken(ImageRecipe):
        def losses(self, module, batch, step):
            losses = super().losses(module, batch, step)
            return losses._replace(total=losses.total * float('nan'))

    recipe = Broken(preset('digits', **SHORT, steps=80), digits)
    with pytest.raises(Diverged, match=r'step 49: 50 gradients in a row .* no checkpoint'):
        train(recipe, tmp_path, device=CPU, quiet=True)
    short = Broken(preset('digits', **SHORT, steps=3), digits)
    with pytest.raises(Diverged, match=r'step 2: 3 gradients in a row .* no checkpoint'):
        train(short, tmp_path, device=CPU, quiet=True)
    assert not (tmp_path / 'checkpoint.safetensors').exists()


def test_results_are_sections(model, tmp_path):
    options = ['--model', str(model), '--output', str(tmp_path), '--judge-steps', '3']
    few = ['--number', '20']
    assert main(['image', 'generate', *options, '--number', '3', '--steps', '2']) == 0
    (numbers,) = json.loads((tmp_path / 'image_generate_digits.json').read_text())['models']
    # What is said to be far has to be: three real images are not so to the judge.
    assert numbers['of as many training images'] > numbers['of half of the test images']
    assert main(['image', 'outliers', *options[:4], *few]) == 0
    assert main(['image', 'robust', *options, '--number', '5']) == 0
    assert (tmp_path / 'image_generate_digits.png').read_bytes().startswith(b'\x89PNG')
    rows = json.loads((tmp_path / 'image_robust_digits.json').read_text())['rows']
    assert list(rows) == ['our energy', 'plain classifier', 'trained under attack, L∞ 0.3']
    assert '| our energy |' in (tmp_path / 'image_outliers_digits.md').read_text()


def test_an_energy_without_labels_is_sampled_and_completes(tmp_path, capsys):
    tiny = ['--preset', 'tiny', '--set', 'classes=1', '--set', 'classify_weight=0']
    output = ['--output', str(tmp_path), '--device', 'cpu']
    assert main(['image', 'train', *tiny, '--set', 'steps=2', *output]) == 0
    few = ['--model', str(tmp_path), '--number', '3', '--steps', '2', '--judge-steps', '3']
    assert main(['image', 'generate', *few, *output]) == 0
    (numbers,) = json.loads((tmp_path / 'image_generate_digits.json').read_text())['models']
    assert numbers.keys() >= {'completions accepted', 'of chains ten times as long'}
    assert not numbers.keys() & {'samples accepted', 'walks accepted', 'accuracy of the energy'}
    assert main(['image', 'robust', *few[:4], *output]) == 2
    assert '--model: 1 labels are refused: 10, as digits has' in capsys.readouterr().err


def test_of_several_models_there_are_mean_and_deviation(model, tmp_path, capsys):
    two = ['--model', str(model), str(model), '--device', 'cpu', '--output', str(tmp_path)]
    assert main(['image', 'outliers', *two, '--number', '5']) == 0
    energies, gaussians = capsys.readouterr().out.splitlines()[2:4]
    assert energies.count(' ± 0.000') == 6  # the same model twice
    assert '±' not in gaussians


def test_what_is_wrong_is_named(digits, model):
    config = preset('digits').model
    for x, labels, reason in (
        (torch.rand(2, 1, 9, 8), None, r'shape \(2, 1, 9, 8\) is refused'),
        (torch.rand(2, 3, 8, 8), None, r'shape \(2, 3, 8, 8\) is refused'),
        (torch.rand(0, 1, 8, 8), None, 'N ≥ 1'),
        (torch.full((1, 1, 8, 8), 255.0), None, 'values 255 to 255 are refused: 0 to 1'),
        (torch.full((1, 1, 8, 8), float('nan')), None, 'values nan'),
        (torch.rand(1, 1, 8, 8), torch.tensor([10]), 'labels: 10 to 10 are refused: 0 to 9'),
    ):
        with pytest.raises(InvalidInput, match=reason):
            check_images(x, config, labels)
    with pytest.raises(InvalidInput, match='batch: 64 is refused: at most 10, the buffer'):
        preset('digits', buffer=10)
    with pytest.raises(InvalidInput, match='shape'):
        ImageRecipe(preset('mnist'), digits)
    with pytest.raises(InvalidInput, match='N ≥ 1'):
        ImageRecipe(preset('digits'), digits._replace(train=digits.train[:0]))
    assert main(['image', 'outliers', '--model', str(model), '--data', '/nowhere']) == 2
    with pytest.raises(InvalidInput, match='number: 361 is refused: 1 to 360, the test images of'):
        some(digits, 361, 0, CPU)


def test_images_of_other_labels_than_the_models_are_refused(model, tmp_path, capsys):
    for label in ('a', 'b'):
        (tmp_path / 'two' / label).mkdir(parents=True)
        for i in range(8):
            Image.new('L', (8, 8), 9 * i).save(tmp_path / 'two' / label / f'{i}.png')
    (tmp_path / 'one').mkdir()
    (tmp_path / 'one' / 'a').symlink_to(tmp_path / 'two' / 'a')
    data, two = ['--data', str(tmp_path / 'two')], tmp_path / 'model'
    one = ['--data', str(tmp_path / 'one')]
    tiny = ['--preset', 'tiny', '--set', 'classes=2', '--set', 'steps=1', '--device', 'cpu']
    assert main(['image', 'train', *tiny, *data, '--output', str(two)]) == 0
    for label in ('a', 'b'):
        (tmp_path / 'few' / label).mkdir(parents=True)
        for i in range(4):
            Image.new('L', (8, 8), 9 * i).save(tmp_path / 'few' / label / f'{i}.png')
    few = ['--data', str(tmp_path / 'few')]
    for command, message in (
        (['train', '--preset', 'tiny', *data], 'classes: 10 is refused: 2, as two has, or 1'),
        (
            ['robust', '--model', str(model), *data, '--number', '2'],
            '--model: 10 labels are refused: 2',
        ),
        (['generate', '--model', str(model), *one, '--number', '2'], 'one has one label'),
        (
            ['generate', '--model', str(two), *data, '--number', '5'],
            '--number: 5 is refused: at most 4',
        ),
        (
            ['generate', '--model', str(two), *few, '--number', '2'],
            '--data: 2 images to test are refused: 4 or',
        ),
    ):
        judged = ['--judge-steps', '1'] if command[0] == 'generate' else []
        assert main(['image', *command, *judged, '--output', str(tmp_path / 'out')]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_checkpoint_with_another_buffer_or_of_other_images_is_refused(digits, tmp_path):
    train(ImageRecipe(preset('digits', **SHORT, steps=1), digits), tmp_path, device=CPU, quiet=True)
    other = preset('digits', **SHORT, buffer=300, steps=1)
    darker = digits._replace(train=digits.train * np.float32(0.9))
    for recipe in (
        ImageRecipe(other, digits),
        ImageRecipe(preset('digits', **SHORT, steps=1), darker),
    ):
        with pytest.raises(InvalidInput, match='made with another configuration'):
            train(recipe, tmp_path, device=CPU, quiet=True)
