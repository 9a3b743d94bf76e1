# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A move is one entity, one place and two yaws, all of them numbers."""

import math

import pytest

from ebm_concept_ros.arranging.moves import Move


@pytest.mark.parametrize('index', range(4))
@pytest.mark.parametrize('wrong', [math.nan, math.inf])
def test_a_move_is_refused_where_a_number_is_none(index, wrong):
    numbers = [0.4, 0.1, 0.0, 0.5]
    numbers[index] = wrong
    with pytest.raises(ValueError, match="move of 'red_0'"):
        Move('red_0', tuple(numbers[:2]), *numbers[2:])


def test_a_place_has_two_numbers():
    with pytest.raises(ValueError, match='four finite numbers'):
        Move('red_0', (0.4, 0.1, 0.0), 0.0, 0.5)
