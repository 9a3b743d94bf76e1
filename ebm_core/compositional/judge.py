# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which shape an image shows, by drawing: no network judges what networks have drawn.

Of all combinations the ones nearest to the image are fitted to it, in size, place, hue and turn.
The nearest fit says the values; whether there is a shape at all, how much of the image it explains.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.shapes import COUNTS, JITTER, draw_images

CANDIDATES = 6
EXPLAINED = 0.9  # the share of an image's squares that a shape has to explain
_FARTHEST = 1.5  # jitters of the data, that a fit may go to
_STEPS = 25


class Verdict(NamedTuple):
    """Values (N, 5) of the nearest shape, and the share (N,) of the image that it explains."""

    values: Tensor
    explained: Tensor

    @property
    def is_shape(self) -> Tensor:
        """Whether there is a shape (N,)."""
        return self.explained >= EXPLAINED


@functools.cache
def _all_shapes(device: torch.device) -> tuple[Tensor, Tensor]:
    values = np.stack(np.unravel_index(np.arange(np.prod(COUNTS)), COUNTS), 1)
    values = torch.from_numpy(values).to(device)
    still = torch.zeros(len(JITTER), device=device)
    images = [draw_images(v, still.expand(len(v), -1)).flatten(1) for v in values.split(648)]
    return values, torch.cat(images)


def judge(images: Tensor) -> Verdict:
    """Return what is seen in images (N, 3, 24, 24), judged 250 at a time."""
    parts = [_judge(part) for part in images.split(250)]
    return Verdict(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _judge(images: Tensor) -> Verdict:
    shapes, drawn = _all_shapes(images.device)
    flat = images.flatten(1)
    nearest = (drawn.square().sum(1) - 2 * flat @ drawn.T).topk(CANDIDATES, largest=False).indices
    values = shapes[nearest.flatten()]
    wanted = images.repeat_interleave(CANDIDATES, 0)
    # Not from nought: pure colours have no slope by hue.
    jitter = torch.full((len(values), len(JITTER)), 0.1, device=images.device, requires_grad=True)
    optimizer = torch.optim.Adam([jitter], 0.2)
    for _ in range(_STEPS):
        loss = (draw_images(values, jitter) - wanted).square().sum()
        (jitter.grad,) = torch.autograd.grad(loss, jitter)
        optimizer.step()
        jitter.data.clamp_(-_FARTHEST, _FARTHEST)
    with torch.no_grad():
        away = (draw_images(values, jitter) - wanted).square().sum((1, 2, 3))
        away, best = away.view(-1, CANDIDATES).min(1)
        own = shapes[nearest.gather(1, best[:, None]).squeeze(1)]
        return Verdict(own, 1 - away / flat.square().sum(1).clamp_min(1e-6))
