# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked of sums of energies, and the share of images that have all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations as subsets
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES, COUNTS, TOGETHER, draw_values
from .judge import judge
from .sums import Asked, Sampling, sample

NAMES = tuple(ATTRIBUTES)
Request = list[Asked]


class Share(NamedTuple):
    """Of images: how many; the share that has all asked for, that is a shape, and that is both.

    each: of every attribute asked for, the share that has it. chance: the share of images that
    would have all if every value were drawn alike.
    """

    images: int
    has_all: float
    is_shape: float
    both: float
    each: dict[str, float]
    chance: float


def told(values: Tensor, attributes: Sequence[int]) -> Request:
    """Return the request for those of the values (B, 5) that are named by their places."""
    return [Asked.one_of(NAMES[i], values[:, i : i + 1]) for i in attributes]


def every_request(
    number: int, rng: np.random.Generator, device: torch.device
) -> dict[str, list[Request]]:
    """Return what is measured, by name: requests for about `number` images each.

    Combinations are ones that data have, but where the name says that they are left out.
    """

    def values(count: int, left_out: bool = False) -> Tensor:
        return torch.from_numpy(draw_values(count, rng, left_out)).to(device)

    first, everything = range(TOGETHER), range(len(NAMES))
    made = {}
    for size in (1, 2, 3):
        chosen = list(subsets(everything, size))
        count = -(-number // len(chosen))
        name = f'{size} attributes' if size > 1 else '1 attribute'
        made[name] = [told(values(count), some) for some in chosen]
    made['4 attributes, seen together'] = [told(values(number), first)]
    made['4 attributes, never seen together'] = [told(values(number, True), first)]
    made['5 attributes, never seen together'] = [told(values(number, True), everything)]
    base = values(number)
    made['shape, not a colour'] = [[*told(base, (0,)), Asked.none_of('colour', base[:, 3:4])]]
    made['position and colour, not a shape'] = [
        [*told(base, (2, 3)), Asked.none_of('shape', base[:, :1])]
    ]
    counts = torch.tensor(COUNTS, device=device)
    further = torch.from_numpy(1 + rng.integers(2, size=base.shape)).to(device)
    either = torch.stack((base, (base + further) % counts), 2)
    made['shape, either of two colours'] = [
        [*told(base, (0,)), Asked.one_of('colour', either[:, 3])]
    ]
    made['colour, either of two shapes'] = [
        [*told(base, (3,)), Asked.one_of('shape', either[:, 0])]
    ]
    return made


def measure(
    energies: Mapping[str, nn.Module], requests: Sequence[Request], how: Sampling, seed: int
) -> tuple[Share, Tensor, Tensor]:
    """Return the share of images that have what requests ask for, the images, and their values."""
    drawn = [
        sample(energies, request, len(allowed), how, seed=seed + i, device=allowed.device)
        for i, request in enumerate(requests)
        for allowed in [request[0].allowed]
    ]
    images = torch.cat(drawn)
    verdict = judge(images)
    right, chances, each = [], [], {}
    for request, values in zip(requests, verdict.values.split(list(map(len, drawn))), strict=True):
        has, chance = [], 1.0
        for attribute, allowed in request:
            place = NAMES.index(attribute)
            has.append(allowed.gather(1, values[:, place, None]).squeeze(1))
            chance = chance * allowed.float().mean(1)
            each.setdefault(attribute, []).append(has[-1])
        right.append(torch.stack(has).all(0))
        chances.append(chance)
    has_all, is_shape = torch.cat(right), verdict.is_shape
    share = Share(
        len(images),
        _share(has_all),
        _share(is_shape),
        _share(has_all & is_shape),
        {name: _share(torch.cat(found)) for name, found in each.items()},
        _share(torch.cat(chances)),
    )
    return share, images, verdict.values


def _share(true: Tensor) -> float:
    return float(true.float().mean())
