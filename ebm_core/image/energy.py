# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy E(x, y) of an image and its label, and what is trained and saved with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import cached

from ..errors import InvalidInput
from ..model_files import read_model
from ..sampling.langevin import Langevin, StepRange
from ..sampling.replay import ReplayBuffer
from .config import ImageConfig

Gradient = Callable[[Tensor], Tensor]


def convolutions(config: ImageConfig, bound: Callable[[nn.Module], nn.Module]) -> nn.Sequential:
    """Return a network from images (B, pixels) to (B, classes), each of its layers `bound`."""
    side, width, layers = config.size, config.width, []
    layers += [Pictures(config)]
    layers += [bound(nn.Conv2d(config.channels, width, 3, padding=1)), nn.SiLU()]
    while side > 2:
        wider = min(2 * width, 4 * config.width)
        layers += [bound(nn.Conv2d(width, wider, 3, stride=2, padding=1)), nn.SiLU()]
        side, width = math.ceil(side / 2), wider
    return nn.Sequential(*layers, nn.Flatten(), bound(nn.Linear(width * side**2, config.classes)))


class Pictures(nn.Module):
    """From images (B, pixels) to (B, C, H, W), channels last: so a processor convolves faster."""

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.shape = (config.channels, config.size, config.size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the images as convolutions take them."""
        return x.unflatten(1, self.shape).to(memory_format=torch.channels_last)


class ImageEnergy(nn.Module):
    """Convolutions whose spectral norm is one, with swish; a scale that is learned gives height.

    Of images without labels, classes is one.
    """

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.network = convolutions(config, spectral_norm)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: Tensor) -> Tensor:
        """Return E(x, y) (B, classes) of images x (B, pixels) with every label."""
        return self.log_scale.exp() * self.network(x)

    def of(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return E(x, y) (B,) of images with labels (B,), or E(x) = −log Σ_y exp(−E(x, y))."""
        energies = self(x)
        if y is None:
            return -torch.logsumexp(-energies, 1)
        return energies.gather(1, y[:, None]).squeeze(1)

    def gradient(self, y: Tensor | None = None) -> Gradient:
        """Return the function from x to ∂E/∂x (B, pixels); training does not differentiate it."""

        def gradient(x: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(self.of(x, y).sum(), x)[0]

        return gradient


class ImageLearner(nn.Module):
    """The energy, its chains, and where they go on; place i of the buffer has label i mod Y."""

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        self.energy = ImageEnergy(config)
        self.buffer = ReplayBuffer(torch.rand(config.buffer, config.pixels))

    @property
    def labelled(self) -> bool:
        """Whether the energy knows labels."""
        return self.config.classes > 1

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.buffer.samples.device

    @torch.no_grad()
    def sample(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the ends (number, pixels) of chains that go on from the buffer, and labels."""
        fresh = torch.rand(number, self.config.pixels).to(self.buffer.samples)
        start, places = self.buffer.draw(fresh)
        y = places % self.config.classes
        ends = self.chain(start, self.energy.gradient(y))
        self.buffer.put(places, ends)
        return ends, y

    def chain(
        self,
        start: Tensor,
        gradient: Gradient,
        steps: int | None = None,
        project: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Return where chains from images (B, pixels) end, always within [0, 1]."""
        return self.paths(start, gradient, steps, project)[-1]

    @torch.no_grad()
    def paths(
        self,
        start: Tensor,
        gradient: Gradient,
        steps: int | None = None,
        project: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Tensor]:
        """Return the images (B, pixels) before and after every step; project: besides [0, 1]."""
        c, was = self.config, self.energy.training
        sampler = Langevin(steps or c.chain_steps, {'image': StepRange(c.step, c.step, c.clip)})

        def allowed(x: Tensor) -> Tensor:
            x = x.clamp(0, 1)
            return x if project is None else project(x)

        self.energy.eval()  # else every call turns the vectors of the spectral norm
        with cached():  # the bounded weights, which are the same in all steps
            self.energy(start[:1])
            path = list(sampler.to(start.device).path('image', start, gradient, c.noise, allowed))
        self.energy.train(was)
        return path


def check_images(x: Tensor, config: ImageConfig, labels: Tensor | None = None) -> None:
    """Refuse images (B, C, H, W) and labels (B,) that the network does not take."""
    wanted = (config.channels, config.size, config.size)
    if x.ndim != 4 or tuple(x.shape[1:]) != wanted or not len(x):
        raise InvalidInput(f'images: shape {tuple(x.shape)} is refused: (N, {wanted}), N ≥ 1')
    low, high = float(x.min()), float(x.max())
    if not (low >= 0 and high <= 1):
        raise InvalidInput(f'images: values {low:g} to {high:g} are refused: 0 to 1')
    if labels is not None and not (int(labels.min()) >= 0 and int(labels.max()) < config.classes):
        raise InvalidInput(
            f'labels: {int(labels.min())} to {int(labels.max())} are refused: 0 to '
            f'{config.classes - 1}'
        )


def load_image_energy(directory: Path | str) -> tuple[ImageLearner, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    learner = ImageLearner(files.config(ImageConfig))
    files.load_into(learner)
    return learner.eval(), files.card
