# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked of sums of energies, and the share of images that have all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations as subsets
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.shapes import ATTRIBUTES, COUNTS, TOGETHER, draw_values
from .energy import AttributeEnergy
from .judge import judge
from .sums import Asked, Sampling, sample

NAMES = tuple(ATTRIBUTES)
Request = list[Asked]


class Share(NamedTuple):
    """Of images: how many, the share that has all asked for, that is a shape at all, and both.

    each: of every attribute asked for, the share that has it. chance: what the share would be of
    images of the training.
    """

    images: int
    has_all: float
    is_shape: float
    both: float
    each: dict[str, float]
    chance: float


def told(values: Tensor, attributes: Sequence[int]) -> Request:
    """Return the request for those of the values (B, 5) that are named by their places."""
    return [Asked(NAMES[i], values[:, i : i + 1]) for i in attributes]


def every_request(
    number: int, rng: np.random.Generator, device: torch.device
) -> dict[str, list[Request]]:
    """Return what is measured, by name: requests for about `number` images each.

    Combinations are ones that data have, but where the name says that they are left out.
    """

    def values(count: int, left_out: bool = False) -> Tensor:
        return torch.from_numpy(draw_values(count, rng, left_out)).to(device)

    first, everything = range(TOGETHER), range(len(NAMES))
    made = {
        f'{size} attributes' if size > 1 else '1 attribute': [
            told(values(count), chosen)
            for chosen in subsets(everything, size)
            if (count := -(-number // len(list(subsets(everything, size)))))
        ]
        for size in (1, 2, 3)
    }
    made['4 attributes, seen together'] = [told(values(number), first)]
    made['4 attributes, never seen together'] = [told(values(number, True), first)]
    made['5 attributes, never seen together'] = [told(values(number, True), everything)]
    base = values(number)
    few = told(base, (0,))
    made['shape, not a colour'] = [[*few, Asked('colour', base[:, 3:4], True)]]
    made['position and colour, not a shape'] = [
        [*told(base, (2, 3)), Asked('shape', base[:, :1], True)]
    ]
    other = (base + 1 + torch.from_numpy(rng.integers(2, size=base.shape)).to(device)) % (
        torch.tensor(COUNTS, device=device)
    )
    either = torch.stack((base, other), 2)
    made['shape, either of two colours'] = [[*few, Asked('colour', either[:, 3])]]
    made['colour, either of two shapes'] = [[*told(base, (3,)), Asked('shape', either[:, 0])]]
    return made


def measure(
    energies: Mapping[str, AttributeEnergy],
    requests: Sequence[Request],
    how: Sampling,
    seed: int,
) -> tuple[Share, Tensor, Tensor]:
    """Return the share of images that have what requests ask for, the images, and their values."""
    drawn = [sample(energies, r, how, seed + place) for place, r in enumerate(requests)]
    images = torch.cat(drawn)
    verdict = judge(images)
    right, chances, each = [], [], {}
    for request, values in zip(requests, verdict.values.split(list(map(len, drawn))), strict=True):
        has, chance = [], 1.0
        for part in request:
            place = NAMES.index(part.attribute)
            has.append((part.values == values[:, place, None]).any(1) ^ part.negated)
            likely = part.values.shape[1] / COUNTS[place]
            chance *= 1 - likely if part.negated else likely
            name = f'not {part.attribute}' if part.negated else part.attribute
            each.setdefault(name, []).append(has[-1])
        right.append(torch.stack(has).all(0))
        chances += [chance] * len(values)
    has_all, is_shape = torch.cat(right), verdict.is_shape
    shares = (has_all, is_shape, has_all & is_shape)
    share = Share(
        len(images),
        *(_share(each_image) for each_image in shares),
        {name: _share(torch.cat(found)) for name, found in each.items()},
        float(np.mean(chances)),
    )
    return share, images, verdict.values


def _share(true: Tensor) -> float:
    return float(true.float().mean())
