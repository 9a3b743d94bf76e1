# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core image: energies of images, trained, sampled, and asked what is strange."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..config import keys_help
from ..datasets.sources import LabelledImages, load_images
from ..errors import InvalidInput
from ..image.config import PRESETS, ImageConfig, ImageTraining, preset
from ..image.energy import ImageLearner, check_images, load_image_energy
from ..image.generation import complete, distance, fresh_samples, some, walk
from ..image.judge import Scores, accuracy, robustness, train_classifier
from ..image.outliers import Gaussians, energy_score, outliers, table_of
from ..image.recipe import ImageRecipe
from ..model_files import write_model
from ..training.distributed import device_of
from . import training
from .common import result_options
from .gallery import gallery_options, table, write_section

RADII = {'inf': [0.0, 0.1, 0.2, 0.3], '2': [0.0, 0.5, 1.0, 2.0]}


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    image = commands.add_parser('image', help='energies of images: train, sample, measure')
    commands, result = image.add_subparsers(required=True), result_options()
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        '--data', default='digits', help='digits, mnist, fashion, or a folder of idx files or PNGs'
    )
    command = commands.add_parser(
        'train',
        parents=[result, data],
        help='train an energy of images',
        epilog=f'keys of --set:\n{keys_help(ImageConfig)}\n{keys_help(ImageTraining)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train)
    training.add_options(command, PRESETS, 'digits')
    shared = gallery_options()
    shared.add_argument(
        '--model',
        type=Path,
        nargs='+',
        default=[Path('out/train/digits')],
        help='a model; of several, as of seeds of one preset, mean and standard deviation',
    )
    shared.add_argument(
        '--device', help='cpu, cuda, … (default: cuda where there is one, else cpu)'
    )
    shared.add_argument(
        '--judge-steps', type=int, default=600, help='of training the classifiers (600)'
    )
    parents = [result, data, shared]
    command = commands.add_parser(
        'generate', parents=parents, help='samples, completions and walks between classes'
    )
    command.set_defaults(command=_generate, fewest_number=2)  # a distance has a covariance
    command.add_argument('--number', type=int, default=100, help='images of each (100)')
    command.add_argument('--steps', type=int, default=200, help='of each chain (200)')
    command = commands.add_parser('outliers', parents=parents, help='AUROC of what is strange')
    command.set_defaults(command=_outliers)
    command.add_argument('--other', help='images of the same size, for a column: as --data')
    command.add_argument('--number', type=int, default=1000, help='images of each kind (1000)')
    command = commands.add_parser('robust', parents=parents, help='accuracy under attack')
    command.set_defaults(command=_robust)
    command.add_argument('--number', type=int, default=300, help='images that are attacked (300)')


def _train(args: argparse.Namespace) -> dict | None:
    images = load_images(args.data)
    chosen = preset(args.preset, **training.changes_of(args))
    if chosen.model.classes not in (1, images.classes):
        raise InvalidInput(
            f'classes: {chosen.model.classes} is refused: {images.classes}, as {images.name} has, '
            'or 1, of an energy without labels (--set classes=…)'
        )
    output = args.output or Path('out/train') / args.preset
    recipe = ImageRecipe(chosen, images)
    made = training.run(args, recipe, output)
    if made is None:
        return None
    learner, provenance = made
    write_model(output, learner, recipe.config, provenance)
    print(f'{output}\npython -m ebm_core image generate --model {output} --data {args.data}')
    return provenance


def _load(
    args: argparse.Namespace, labels: bool, unlabelled: bool = False
) -> tuple[list[ImageLearner], LabelledImages]:
    """Load models and images that fit; labels: their labels, too, or none where `unlabelled`."""
    images, device = load_images(args.data), device_of(args.device)
    if labels and args.number > len(images.test):
        raise InvalidInput(
            f'--number: {args.number} is refused: at most {len(images.test)}, the test images of '
            f'{images.name}'
        )
    learners = [load_image_energy(directory)[0].to(device) for directory in args.model]
    for learner in learners:
        check_images(torch.from_numpy(images.test), learner.config)
        if learner.config != learners[0].config:
            raise InvalidInput('--model: models of several configurations are refused')
        if labels and images.classes < 2:
            raise InvalidInput(f'--data: {images.name} has one label: two or more are needed')
        known = (images.classes, 1) if unlabelled else (images.classes,)
        if labels and learner.config.classes not in known:
            raise InvalidInput(
                f'--model: {learner.config.classes} labels are refused: {images.classes}, as '
                f'{images.name} has'
            )
    return learners, images


def _summary(values: Sequence[float], digits: int, scale: float = 1.0) -> str:
    """Return the mean, and of several values the standard deviation, too."""
    mean = f'{scale * np.mean(values):.{digits}f}'
    return mean if len(values) == 1 else f'{mean} ± {scale * np.std(values, ddof=1):.{digits}f}'


def _generate(args: argparse.Namespace) -> dict:
    try:
        from ..image.figure import grid_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    learners, images = _load(args, labels=True, unlabelled=True)
    if len(images.test) < 4:  # a distance has the covariance of half of them
        raise InvalidInput(f'--data: {len(images.test)} images to test are refused: 4 or more')
    config, device = learners[0].config, learners[0].device
    judge = train_classifier(images, config, steps=args.judge_steps, seed=args.seed, device=device)
    shares, values, rows = [], [], []
    for learner in learners:
        share, value, shown = _generated(learner, images, judge, args)
        shares.append(share)
        values.append(value)
        rows = rows or shown
    text = '\n\n'.join(
        (
            table(
                ('', 'share'),
                [(k, f'{_summary([s[k] for s in shares], 1, 100)} %') for k in shares[0]],
            ),
            table(('', 'value'), [(k, _summary([v[k] for v in values], 3)) for k in values[0]]),
        )
    )
    title = f'Samples, completions and walks: {images.name}'
    caption = '2 rows of samples; 4 of original, lost, completed'
    caption += '; 4 of walks' if learners[0].labelled else ''
    picture = grid_png(rows, config, caption)
    name = f'image_generate_{images.name}'
    numbers = {'models': [{**s, **v} for s, v in zip(shares, values, strict=True)]}
    return write_section(args.output, name, title, text, numbers, picture)


def _generated(
    learner: ImageLearner, images: LabelledImages, judge: nn.Module, args: argparse.Namespace
) -> tuple[dict[str, float], dict[str, float], list[list[torch.Tensor]]]:
    """Return shares and other numbers of a model, and rows of images that show them.

    Of an energy without labels none can be asked for: there are no walks, and samples have none.
    """
    test = torch.from_numpy(images.test).flatten(1).to(learner.device)
    labels = torch.from_numpy(images.test_labels).to(learner.device)
    options = {'number': args.number, 'steps': args.steps, 'seed': args.seed}
    samples, asked = fresh_samples(learner, args.number, args.steps, args.seed)
    long, _ = fresh_samples(learner, args.number, 10 * args.steps, args.seed)
    done = complete(learner, judge, images, tries=4, **options)
    half = len(test) // 2
    # Drawn, for files may have one label after the other.
    places = np.random.default_rng(args.seed).permutation(len(images.train))[: args.number]
    train = torch.from_numpy(images.train[places]).flatten(1).to(learner.device)
    shares = {'accuracy of the judge': accuracy(judge, test, labels)}
    if learner.labelled:
        shares |= {
            'accuracy of the energy': accuracy(lambda x: -learner.energy(x), test, labels),
            'samples accepted': accuracy(judge, samples, asked),
            'samples accepted, chains ten times as long': accuracy(judge, long, asked),
        }
    shares['completions accepted'] = done.accepted
    values = {
        'Fréchet distance of the samples': distance(samples, images, judge),
        'of chains ten times as long': distance(long, images, judge),
        'of half of the test images': distance(test[:half], images, judge),
        'of as many training images': distance(train, images, judge),
        'of uniform noise': distance(torch.rand_like(samples), images, judge),
        'completions: spread': done.spread,
        'completions: error': done.wrong,
        'mean image of the class: error': done.by_mean,
    }
    rows = [list(samples[10 * i : 10 * i + 10]) for i in range(2)]
    few = range(min(4, args.number))
    rows += [[done.original[i], done.lost[i], *done.completions[i]] for i in few]
    if learner.labelled:
        path, _, shares['walks accepted'] = walk(learner, judge, images, **options)
        shown = np.linspace(0, len(path) - 1, 10).astype(int)
        rows += [[path[step][i] for step in shown] for i in few]
    return shares, values, rows


def _outliers(args: argparse.Namespace) -> dict:
    learners, images = _load(args, labels=False)
    other = load_images(args.other) if args.other else None
    strange = outliers(images, args.number, args.seed, other)
    rows = {'our energy': [], 'likelihood (Gaussians)': []}
    for learner in learners:
        (row,) = table_of({'': energy_score(learner.energy)}, images, strange).values()
        rows['our energy'].append(row)
    (row,) = table_of({'': Gaussians(images).surprise}, images, strange).values()
    rows['likelihood (Gaussians)'].append(row)
    kinds = [*strange, 'average']
    text = table(
        ('AUROC', *kinds),
        [
            (name, *(_summary([r[k] for r in found], 3) for k in kinds))
            for name, found in rows.items()
        ],
    )
    title = f'What is strange to an energy of {images.name}'
    name = f'image_outliers_{images.name}'
    return write_section(args.output, name, title, text, {'rows': rows}, None)


def _robust(args: argparse.Namespace) -> dict:
    learners, images = _load(args, labels=True)
    x, y = some(images, args.number, args.seed, learners[0].device)
    rows: dict[str, list] = {}
    for name, scores in _contenders(learners, images, args):
        torch.manual_seed(args.seed)
        row = [
            value
            for norm, radii in RADII.items()
            for value in robustness(scores, x, y, norm, radii)
        ]
        rows.setdefault(name, []).append(row)
    header = [f'L{"∞" if norm == "inf" else norm} {r:g}' for norm, rs in RADII.items() for r in rs]
    text = table(
        ('accuracy, %', *header),
        [
            (name, *(_summary(values, 1, 100) for values in zip(*found, strict=True)))
            for name, found in rows.items()
        ],
    )
    title = f'Classification under attack: {images.name}'
    name = f'image_robust_{images.name}'
    return write_section(args.output, name, title, text, {'radii': RADII, 'rows': rows}, None)


def _contenders(
    learners: list[ImageLearner], images: LabelledImages, args: argparse.Namespace
) -> Iterator[tuple[str, Scores]]:
    """Yield the energies, and two classifiers of the same network, with a name."""
    for learner in learners:
        yield 'our energy', lambda x, energy=learner.energy: -energy(x)
    options = {'steps': args.judge_steps, 'seed': args.seed, 'device': learners[0].device}
    config = learners[0].config
    yield 'plain classifier', train_classifier(images, config, **options)
    attacked = train_classifier(images, config, attacked=('inf', 0.3), **options)
    yield 'trained under attack, L∞ 0.3', attacked
