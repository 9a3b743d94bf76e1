# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is strange to an energy: AUROC over kinds of images that it was not trained on.

The columns are those of Du & Mordatch (2019), as far as they can be had without a download, and
what they are is said here. A likelihood in closed form stands beside: a Gaussian for each class.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..datasets.sources import LabelledImages
from ..errors import InvalidInput

_FLOOR = 0.05  # standard deviation added to each pixel of the Gaussians, which else have none


def outliers(
    images: LabelledImages, number: int, seed: int, other: LabelledImages | None = None
) -> dict[str, np.ndarray]:
    """Return images (number, C, H, W) of each kind.

    other: images of the same size for a column of their own; else that column is of our own test
    images, turned over and mirrored in their grey values: strokes, but of no digit.
    """
    rng, test = np.random.default_rng(seed), images.test
    shape = (number, *test.shape[1:])
    pairs = test[rng.integers(len(test), size=(2, number))]
    if other is not None:
        if other.test.shape[1:] != test.shape[1:]:
            raise InvalidInput(
                f'--other: size {other.test.shape[1:]} is refused: {test.shape[1:]} as --data has'
            )
        strange = {other.name: other.test[rng.integers(len(other.test), size=number)]}
    else:
        strange = {'inverted': 1 - test[rng.integers(len(test), size=number)]}
    return {
        **strange,
        'textures': _textures(shape, rng),
        'monochrome': np.broadcast_to(rng.random((number, shape[1], 1, 1)), shape).astype('f4'),
        'uniform': rng.random(shape, np.float32),
        'interpolations': (pairs[0] + pairs[1]) / 2,
    }


def _textures(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return gratings: the product of two waves of any direction, length and phase."""
    number, channels, height, width = shape
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = []
    for _ in range(2):
        angle, phase = rng.uniform(0, 2 * np.pi, (2, number, channels, 1, 1))
        length = rng.uniform(1.5, 4, (number, channels, 1, 1))
        waves.append(np.sin(2 * np.pi * length * (x * np.cos(angle) + y * np.sin(angle)) + phase))
    return (0.5 + 0.5 * waves[0] * waves[1]).astype(np.float32)


def auroc(usual: np.ndarray, strange: np.ndarray) -> float:
    """Return how often a strange score (M,) is above a usual one (N,), ties counting half."""
    ordered = np.sort(usual)
    below, with_ties = (np.searchsorted(ordered, strange, side) for side in ('left', 'right'))
    return float((below + with_ties).mean() / (2 * len(usual)))


class Gaussians:
    """The likelihood that energies are held against: a mixture of one Gaussian for each class."""

    def __init__(self, images: LabelledImages) -> None:
        """Fit means and covariances to the training images."""
        x = images.train.reshape(len(images.train), -1).astype(np.float64)
        self.parts = []
        for label in range(images.classes):
            own = x[images.train_labels == label]
            # A label's only image has a covariance of zero, which the floor makes one.
            covariance = np.cov(own.T, ddof=min(1, len(own) - 1)) + _FLOOR**2 * np.eye(x.shape[1])
            vectors = np.linalg.cholesky(covariance)
            log_weight = np.log(len(own) / len(x)) - np.log(np.diag(vectors)).sum()
            self.parts.append((own.mean(0), vectors, log_weight))

    def surprise(self, images: np.ndarray) -> np.ndarray:
        """Return −log p (N,) of images (N, C, H, W), up to a constant."""
        x = images.reshape(len(images), -1).astype(np.float64)
        logs = []
        for mean, vectors, log_weight in self.parts:
            away = np.linalg.solve(vectors, (x - mean).T)
            logs.append(log_weight - 0.5 * np.square(away).sum(0))
        return -np.logaddexp.reduce(logs, 0)


def table_of(
    scores: Mapping[str, object], images: LabelledImages, strange: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return the AUROC of each score (a function of images) on each kind, and the average."""
    rows = {}
    for name, score in scores.items():
        usual = score(images.test)
        row = {kind: auroc(usual, score(x)) for kind, x in strange.items()}
        rows[name] = {**row, 'average': float(np.mean(list(row.values())))}
    return rows


def energy_score(energy: torch.nn.Module):
    """Return the function from images (N, C, H, W) to E(x) (N,)."""

    def score(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            x = torch.from_numpy(np.ascontiguousarray(images)).flatten(1)
            x = x.to(next(energy.parameters()).device)
            return torch.cat([energy.of(part) for part in x.split(500)]).cpu().numpy()

    return score
