# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Maximum likelihood with a replay buffer, of images alone or with labels, for the shared loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..datasets.sources import LabelledImages, check
from ..errors import Diverged
from ..preset_recipe import PresetRecipe
from ..protocols import StepLosses
from .config import ImagePreset, ImageTraining
from .energy import ImageLearner, check_images


@dataclass(frozen=True)
class ImageRecipe(PresetRecipe[ImagePreset, ImageTraining]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    images: LabelledImages

    def __post_init__(self) -> None:
        """Refuse images that the network does not take."""
        check(self.images)
        labels = torch.from_numpy(self.images.train_labels)
        config = self.preset.model
        check_images(
            torch.from_numpy(self.images.train), config, labels if config.classes > 1 else None
        )

    @cached_property
    def config(self) -> dict:
        """The preset, and which images."""
        images = self.images
        return {**super().config, 'data': [images.name, *images.train.shape, images.sha256]}

    @property
    def shown(self) -> Mapping[str, str]:
        """The energies of images (+) and of samples (-)."""
        return {'+': 'data', '-': 'samples'}

    def build(self) -> ImageLearner:
        """Return a learner with weights and samples at random."""
        return ImageLearner(self.preset.model)

    def draw(
        self, step: int, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Draw images (batch, pixels) with noise, and their labels."""
        places = rng.integers(len(self.images.train), size=self.run.batch)
        x = torch.from_numpy(self.images.train[places]).flatten(1)
        y = torch.from_numpy(self.images.train_labels[places])
        noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
        return (x + self.run.data_noise * noise).clamp(0, 1).to(device), y.to(device)

    def losses(self, module: ImageLearner, batch: tuple[Tensor, Tensor], step: int) -> StepLosses:
        """Return E of images minus E of samples, whose gradient is that of −log p(images)."""
        x, y = batch
        samples, labels = module.sample(len(x))
        energies = module.energy(torch.cat((x, samples)))
        if module.labelled:
            told = torch.cat((y, labels))
            chosen = energies.gather(1, told[:, None]).squeeze(1)
        else:
            chosen = energies.squeeze(1)
        data, sampled = chosen.split(len(x))
        likelihood = data.mean() - sampled.mean()
        size = data.square().mean() + sampled.square().mean()
        # A gap far beyond what the squares allow has never come back.
        if not float(size.detach()) / 2 < self.run.largest_energy**2:
            much = float(size.detach() / 2) ** 0.5
            limit = self.run.largest_energy
            raise Diverged(f'energies of {much:.3g} (root mean square) are beyond {limit:g}')
        parts = {'likelihood': likelihood, 'size': size}
        parts |= {'data': data.mean(), 'samples': sampled.mean()}
        total = likelihood + self.run.energy_weight * size
        if module.labelled and self.run.classify_weight:
            parts['classify'] = F.cross_entropy(-energies[: len(x)], y)
            total = total + self.run.classify_weight * parts['classify']
        return StepLosses(total, parts)
