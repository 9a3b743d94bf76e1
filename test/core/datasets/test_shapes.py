# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Shapes that are drawn: what they look like, and which combinations data leave out."""

import numpy as np
import torch

from ebm_core.datasets.shapes import (
    ATTRIBUTES,
    COUNTS,
    JITTER,
    combinations,
    draw_images,
    draw_values,
)


def drawn(values, jitter=0.0):
    values = torch.tensor(values)
    return draw_images(values, torch.full((len(values), len(JITTER)), jitter))


def test_a_fifth_of_the_combinations_is_left_out_of_data():
    kept, out = combinations(False), combinations(True)
    both = np.concatenate((kept, out))
    assert len(out) == 130 and len(np.unique(both, axis=0)) == len(both) == np.prod(COUNTS[:4])
    rng = np.random.default_rng(0)
    missing = {tuple(four) for four in out}
    assert not missing & {tuple(v[:4]) for v in draw_values(5000, rng)}
    assert {tuple(v[:4]) for v in draw_values(500, rng, left_out=True)} <= missing
    # Every two values that an image may have together are in some image of the data.
    pairs = {(i, j, *four[[i, j]]) for four in kept for i in range(4) for j in range(i)}
    assert len(pairs) == sum(COUNTS[i] * COUNTS[j] for i in range(4) for j in range(i))


def test_attributes_are_what_pixels_show():
    place = ATTRIBUTES['position'].index('top_right')
    (image,) = drawn([[1, 2, place, ATTRIBUTES['colour'].index('green'), 0]])
    cover = image[1]
    assert cover.argmax().item() // 24 < 12 and image[0].max() < 0.2 and image[1].max() == 1
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing='ij')
    assert (rows * cover).sum() / cover.sum() < 9 < 15 < (columns * cover).sum() / cover.sum()
    small, large = drawn([[3, 0, 4, 0, 0], [3, 2, 4, 0, 0]]).sum((1, 2, 3))
    assert large / small > 2.5


def test_a_quarter_turn_turns_the_picture():
    up, left = drawn([[0, 2, 4, 0, 0], [0, 2, 4, 0, 2]])
    assert torch.allclose(torch.rot90(up, 1, (1, 2)), left, atol=1e-4)


def test_images_are_differentiable_in_their_jitter():
    jitter = torch.full((1, len(JITTER)), 0.1, requires_grad=True)
    image = draw_images(torch.tensor([[3, 1, 4, 1, 1]]), jitter)
    (slope,) = torch.autograd.grad(image[:, :2, :9, :11].square().sum(), jitter)
    assert torch.isfinite(slope).all() and (slope != 0).all()
