# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples, completions of images of which a part is lost, and walks from one class to another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.sources import LabelledImages
from ..errors import InvalidInput
from .energy import ImageLearner


class Completed(NamedTuple):
    """original, lost (N, pixels), completions (N, T, pixels), and the share that is accepted.

    spread: standard deviation among an image's completions, over the lost pixels. wrong: their mean
    absolute difference to the original there; by_mean: that of the label's mean training image.
    """

    original: Tensor
    lost: Tensor
    completions: Tensor
    accepted: float
    spread: float
    wrong: float
    by_mean: float


def complete(
    learner: ImageLearner,
    judge: nn.Module,
    images: LabelledImages,
    *,
    number: int,
    tries: int,
    steps: int,
    seed: int,
) -> Completed:
    """Lose the lower half of test images to noise, and let chains draw it anew, `tries` times."""
    x, y = some(images, number, seed, learner.device)
    config = learner.config
    mask = torch.zeros(config.channels, config.size, config.size, dtype=torch.bool)
    mask[:, config.size // 2 :] = True
    mask = mask.flatten().to(x.device)
    torch.manual_seed(seed)
    repeated, label = x.repeat_interleave(tries, 0), y.repeat_interleave(tries)
    start = torch.where(mask, torch.rand_like(repeated), repeated)
    ends = learner.chain(
        start,
        learner.energy.gradient(label if learner.labelled else None),
        steps,
        lambda moved: torch.where(mask, moved, repeated),
    )
    drawn = ends.view(number, tries, -1)
    means = torch.stack(
        [
            torch.from_numpy(images.train[images.train_labels == k].mean(0)).flatten()
            for k in range(images.classes)
        ]
    ).to(x.device)
    with torch.no_grad():
        accepted = (judge(ends).argmax(1) == label).float().mean()
    return Completed(
        x,
        start.view(number, tries, -1)[:, 0],
        drawn,
        float(accepted),
        float(drawn.std(1)[:, mask].mean()),
        float((drawn - x[:, None])[:, :, mask].abs().mean()),
        float((means[y] - x)[:, mask].abs().mean()),
    )


def walk(
    learner: ImageLearner,
    judge: nn.Module,
    images: LabelledImages,
    *,
    number: int,
    steps: int,
    seed: int,
) -> tuple[list[Tensor], Tensor, float]:
    """Begin at test images, and follow the energy of another label.

    Returns the images (N, pixels) at every step, the labels (N,) asked for, and the share of the
    last images that the judge takes for that label.
    """
    x, y = some(images, number, seed, learner.device)
    torch.manual_seed(seed)
    asked = (y + torch.randint(1, images.classes, (number,)).to(y)) % images.classes
    path = learner.paths(x, learner.energy.gradient(asked), steps)
    with torch.no_grad():
        accepted = (judge(path[-1]).argmax(1) == asked).float().mean()
    return path, asked, float(accepted)


def fresh_samples(
    learner: ImageLearner, number: int, steps: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Return images (N, pixels) by long chains from noise, and the labels asked for (N,)."""
    torch.manual_seed(seed)
    y = torch.arange(number, device=learner.device) % learner.config.classes
    start = torch.rand(number, learner.config.pixels).to(learner.device)
    return learner.chain(start, learner.energy.gradient(y), steps), y


def distance(samples: Tensor, images: LabelledImages, judge: nn.Module) -> float:
    """Return the Fréchet distance of samples (N, pixels) to the test images.

    In the features before the last layer of the judge, a classifier of ours: the number means
    something beside others of the same judge alone, and nothing beside published ones. The fewer
    samples, the larger it is, of real images too.
    """
    if len(samples) < 2:
        raise InvalidInput(f'samples: {len(samples)} is refused: 2 or more, for a covariance')
    features = judge[:-1]
    with torch.no_grad():
        test = torch.from_numpy(images.test).flatten(1).to(samples)
        a, b = (features(x).double().cpu().numpy() for x in (samples, test))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    # The trace of the product's root is the sum of the roots of its eigenvalues, which are ≥ 0.
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(min=0))
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b) - 2 * roots.sum())


def some(
    images: LabelledImages, number: int, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return test images (N, pixels) and their labels (N,), drawn without replacement.

    More than there are raise InvalidInput.
    """
    if not 1 <= number <= len(images.test):
        raise InvalidInput(
            f'number: {number} is refused: 1 to {len(images.test)}, the test images of '
            f'{images.name}'
        )
    places = np.random.default_rng(seed).permutation(len(images.test))[:number]
    return (
        torch.from_numpy(images.test[places]).flatten(1).to(device),
        torch.from_numpy(images.test_labels[places]).to(device),
    )
