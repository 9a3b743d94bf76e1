# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What images are made of: outlines and colours, any of which may come together.

An image is near one outline in one colour. Which there are is learned, from a beginning that some
images give; what an outline shows is not told. How near images with noise are follows: noise adds
to distances alone, so that nothing has to be learned about it. As in a dense associative memory
(Krotov & Hopfield 2016; Ramsauer et al. 2021) all that is remembered pulls, the nearest the most.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..datasets.shapes import SHAPE
from .config import AttributeConfig

CHANNELS, PIXELS = SHAPE[0], math.prod(SHAPE[1:])


class Memory(nn.Module):
    """Outlines (K, P) in P pixels, colours (C, 3), and how often either is seen."""

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.outlines = nn.Parameter(torch.rand(config.outlines, PIXELS))
        self.colours = nn.Parameter(torch.rand(config.colours, CHANNELS))
        self.outline_logits = nn.Parameter(torch.zeros(config.outlines))
        self.colour_logits = nn.Parameter(torch.zeros(config.colours))

    @torch.no_grad()
    def begin(self, images: Tensor) -> Tensor:
        """Take an outline of each of K images (K, 3, 24, 24), and the colours that differ most.

        Returns of which images (C,) the colours are.
        """
        flat = images.flatten(2)
        outlines = flat.amax(1)
        colours = (flat * outlines[:, None]).sum(2) / outlines.square().sum(1, keepdim=True)
        self.outlines.copy_(outlines)
        chosen = [0]
        while len(chosen) < len(self.colours):
            chosen.append(int(torch.cdist(colours, colours[chosen]).amin(1).argmax()))
        self.colours.copy_(colours[chosen])
        return torch.tensor(chosen, device=images.device)

    def logits(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the logits (B, K, C) of what images (B, 3, 24, 24) with noise (B,) are near."""
        along = x.flatten(2) @ self.outlines.T
        squares = self.outlines.square().sum(1)[:, None] * self.colours.square().sum(1)
        near = torch.einsum('bnk,cn->bkc', along, self.colours) - 0.5 * squares
        often = self.outline_logits.log_softmax(0)[:, None] + self.colour_logits.log_softmax(0)
        return near / sigma.square()[:, None, None] + often
