# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who of those who are alike goes where: the best of all assignments, by trying all of them."""

from itertools import permutations

import numpy as np
import pytest

from ebm_concept_ros.arranging.assignment import assigned

STAYS = 0.01


def cost(starts: np.ndarray, places: np.ndarray) -> tuple[int, float]:
    way = np.linalg.norm(starts - places, axis=-1)
    return int((way > STAYS).sum()), float(way[way > STAYS].sum())


@pytest.mark.parametrize('seed', range(40))
def test_few_move_and_not_far(seed):
    rng = np.random.default_rng(seed)
    m = rng.integers(1, 6)
    starts, places = rng.uniform(-1, 1, (2, m, 2))
    stay = rng.random(m) < 0.4
    places[stay] = starts[stay] + rng.uniform(-0.005, 0.005, (stay.sum(), 2))
    places = rng.permutation(places)
    found = assigned(starts, places, STAYS)
    assert sorted(map(tuple, found)) == sorted(map(tuple, places))
    best = min(cost(starts, places[list(order)]) for order in permutations(range(m)))
    assert cost(starts, found) == pytest.approx(best)
