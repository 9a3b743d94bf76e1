# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core image: energies of images, trained, sampled, and asked what is strange."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ..config import keys_help
from ..datasets.sources import load_images
from ..errors import InvalidInput
from ..image.config import PRESETS, ImageConfig, ImageTraining, preset
from ..image.energy import ImageLearner, check_images, load_image_energy
from ..image.generation import complete, distance, fresh_samples, some, walk
from ..image.judge import accuracy, robustness, train_classifier
from ..image.outliers import Gaussians, energy_score, outliers, table_of
from ..image.recipe import ImageRecipe
from ..model_files import write_model
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
    shared.add_argument('--model', type=Path, default=Path('out/train/digits'), help='a model')
    shared.add_argument(
        '--judge-steps', type=int, default=600, help='of training the classifiers (600)'
    )
    parents = [result, data, shared]
    command = commands.add_parser(
        'generate', parents=parents, help='samples, completions and walks between classes'
    )
    command.set_defaults(command=_generate)
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
    output = args.output or Path('out/train') / args.preset
    made = training.run(args, ImageRecipe(chosen, images), output)
    if made is None:
        return None
    learner, provenance = made
    config = {**chosen.model_dump(), 'data': [images.name, *images.train.shape]}
    write_model(output, learner, config, provenance)
    print(f'{output}\npython -m ebm_core image generate --model {output} --data {args.data}')
    return provenance


def _load(args: argparse.Namespace, labels: bool) -> tuple[ImageLearner, object]:
    learner, _ = load_image_energy(args.model)
    images = load_images(args.data)
    check_images(torch.from_numpy(images.test), learner.config)
    if labels and learner.config.classes != images.classes:
        raise InvalidInput(
            f'--model: {learner.config.classes} labels are refused: {images.classes}, as '
            f'{images.name} has'
        )
    return learner, images


def _generate(args: argparse.Namespace) -> dict:
    try:
        from ..image.figure import grid_png
    except ImportError as error:
        raise InvalidInput(f'figures need matplotlib: pip install matplotlib ({error})') from None
    learner, images = _load(args, labels=True)
    judge = train_classifier(images, learner.config, steps=args.judge_steps, seed=args.seed)
    test = torch.from_numpy(images.test).flatten(1)
    labels = torch.from_numpy(images.test_labels)
    options = {'number': args.number, 'steps': args.steps, 'seed': args.seed}
    samples, asked = fresh_samples(learner, args.number, args.steps, args.seed)
    long, _ = fresh_samples(learner, args.number, 10 * args.steps, args.seed)
    done = complete(learner, judge, images, tries=4, **options)
    path, _, reached = walk(learner, judge, images, **options)
    half = len(test) // 2
    numbers = {
        'accuracy of the judge': accuracy(judge, test, labels),
        'accuracy of the energy': accuracy(lambda x: -learner.energy(x), test, labels),
        'samples accepted': accuracy(judge, samples, asked),
        'samples accepted, chains ten times as long': accuracy(judge, long, asked),
        'completions accepted': done.accepted,
        'walks accepted': reached,
    }
    others = {
        'Fréchet distance of the samples': distance(samples, images, judge),
        'of half of the test images': distance(test[:half], images, judge),
        'of uniform noise': distance(torch.rand_like(samples), images, judge),
        'completions: spread': done.spread,
        'completions: error': done.wrong,
        'mean image of the class: error': done.by_mean,
    }
    text = '\n\n'.join(
        (
            table(('', 'share'), [(k, f'{100 * v:.1f} %') for k, v in numbers.items()]),
            table(('', 'value'), [(k, f'{v:.3f}') for k, v in others.items()]),
        )
    )
    shown = np.linspace(0, len(path) - 1, 10).astype(int)
    rows = [list(samples[10 * i : 10 * i + 10]) for i in range(2)]
    rows += [[done.original[i], done.lost[i], *done.completions[i]] for i in range(4)]
    rows += [[path[step][i] for step in shown] for i in range(4)]
    title = f'Samples, completions and walks: {images.name}'
    caption = '2 rows of samples; 4 of original, lost, completed; 4 of walks'
    picture = grid_png(rows, learner.config, caption)
    name = f'image_generate_{images.name}'
    return write_section(args.output, name, title, text, {**numbers, **others}, picture)


def _outliers(args: argparse.Namespace) -> dict:
    learner, images = _load(args, labels=False)
    other = load_images(args.other) if args.other else None
    strange = outliers(images, args.number, args.seed, other)
    scores = {
        'our energy': energy_score(learner.energy),
        'likelihood (Gaussians)': Gaussians(images).surprise,
    }
    rows = table_of(scores, images, strange)
    kinds = [*strange, 'average']
    text = table(
        ('AUROC', *kinds), [(name, *(f'{row[k]:.2f}' for k in kinds)) for name, row in rows.items()]
    )
    title = f'What is strange to an energy of {images.name}'
    name = f'image_outliers_{images.name}'
    return write_section(args.output, name, title, text, {'rows': rows}, None)


def _robust(args: argparse.Namespace) -> dict:
    learner, images = _load(args, labels=True)
    options = {'steps': args.judge_steps, 'seed': args.seed}
    config = learner.config
    contenders = {
        'our energy': lambda x: -learner.energy(x),
        'plain classifier': train_classifier(images, config, **options),
        'trained under attack, L∞ 0.3': train_classifier(
            images, config, attacked=('inf', 0.3), **options
        ),
    }
    x, y = some(images, args.number, args.seed)
    rows = {}
    for name, scores in contenders.items():
        torch.manual_seed(args.seed)
        rows[name] = {norm: robustness(scores, x, y, norm, radii) for norm, radii in RADII.items()}
    header = [f'L{"∞" if norm == "inf" else norm} {r:g}' for norm, rs in RADII.items() for r in rs]
    text = table(
        ('accuracy, %', *header),
        [
            (name, *(f'{100 * value:.1f}' for values in row.values() for value in values))
            for name, row in rows.items()
        ],
    )
    title = f'Classification under attack: {images.name}'
    name = f'image_robust_{images.name}'
    return write_section(args.output, name, title, text, {'radii': RADII, 'rows': rows}, None)
