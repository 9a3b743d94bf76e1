# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Layers of energies of shapes, and the levels of noise: what they see, and where levels lie."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ebm_core.compositional.config import preset
from ebm_core.compositional.layers import PATCH, Terms, coarse
from ebm_core.compositional.levels import level
from ebm_core.datasets.shapes import SHAPE


def terms(blocks, seed=0):
    torch.manual_seed(seed)
    made = Terms(preset('tiny', blocks=blocks).model).requires_grad_(False)
    for block in made.blocks:
        block.second.weight.normal_(std=0.3)
    return made


@pytest.mark.parametrize('blocks', [1, 2])
def test_each_block_looks_one_square_further(blocks):
    x = torch.randn(1, *SHAPE).requires_grad_()
    seen = terms(blocks)(x, torch.ones(1))[0, 6 * 2 + 3].sum()  # at row 2, column 3
    (slope,) = torch.autograd.grad(seen, x)
    squares = F.max_pool2d(slope.abs().sum(1), PATCH)[0] > 0
    expected = torch.zeros(6, 6, dtype=torch.bool)
    expected[max(0, 2 - blocks) : 3 + blocks, 3 - blocks : 4 + blocks] = True
    assert torch.equal(squares, expected)


def test_products_in_bfloat16_are_the_same_but_for_rounding():
    made, x, sigma = terms(2), torch.randn(4, *SHAPE), torch.linspace(0.1, 2, 4)
    exact = made(x, sigma)
    with coarse(x.device):
        rounded = made(x, sigma)
    assert rounded.dtype == torch.float32 and not torch.equal(rounded, exact)
    assert (rounded - exact).norm() < 0.03 * exact.norm()


def test_levels_are_densest_between_the_ends():
    found = np.log(level(np.linspace(0, 1, 1001), 0.05, 5.0))
    assert found[[0, -1]] == pytest.approx(np.log([0.05, 5.0]))
    gaps = np.diff(found)
    assert (gaps > 0).all() and gaps[0] == pytest.approx(3 * gaps[500], rel=1e-3)
