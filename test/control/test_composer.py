# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is to be enacted when concepts are learned and compositions are asked for, in any order."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='concepts are those of the messages')

from ebm_concept_ros.control.composer import Composer
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.types import ComposedConcept, CompositionRequest, ConceptCodes

SUM = CompositionRequest(('a', 'b'), (1.0, 0.5))


def concept(name, value=0.0):
    return ConceptCodes(name, np.full(8, value), np.full(8, value), 'hash')


@pytest.fixture
def composer():
    return Composer(max_names=3)


def test_without_a_composition_what_was_learned_last_is_enacted(composer):
    first, second = concept('a'), concept('b')
    assert composer.learned(first) is first
    assert composer.learned(second) is second


def test_a_composition_waits_for_what_it_names_whatever_comes_first(composer):
    assert composer.request(SUM) is None and composer.missing == ('a', 'b')
    assert composer.learned(concept('b')) is None and composer.missing == ('a',)
    composed = composer.learned(concept('a'))
    assert [term.name for term in composed.terms] == ['a', 'b']
    assert composed.weights == (1.0, 0.5) and composed.name == '1 a + 0.5 b'


def test_a_part_that_is_learned_anew_takes_its_place_in_the_sum(composer):
    for each in (concept('a'), concept('b')):
        composer.learned(each)
    assert composer.request(SUM) is not None
    better = concept('b', 1.0)
    assert composer.learned(better).terms[1] is better


def test_another_concept_ends_the_composition(composer):
    for each in (concept('a'), concept('b')):
        composer.learned(each)
    composer.request(SUM)
    other = concept('c')
    assert composer.learned(other) is other
    alone = concept('a', 1.0)
    assert composer.learned(alone) is alone


def test_one_concept_is_no_sum(composer):
    only = concept('a')
    composer.learned(only)
    assert composer.request(CompositionRequest(('a',), (2.0,))) is only


def test_the_oldest_are_forgotten_but_for_those_in_the_sum(composer):
    for name in 'abcd':
        composer.learned(concept(name))
    assert composer.known == ('b', 'c', 'd')
    composer.request(CompositionRequest(('b', 'e'), (1.0, 1.0)))
    composer.learned(concept('e'))
    assert composer.known == ('b', 'd', 'e')


def test_a_sum_is_understood_where_all_that_counts_in_it_is():
    good, bad = (
        ConceptCodes(
            name, np.zeros(8), np.zeros(8), 'hash', understanding=score, understanding_threshold=0.5
        )
        for name, score in (('a', 0.6), ('b', 0.4))
    )
    assert "'b' is not understood" in why_not_understood(
        ComposedConcept('sum', (good, bad), (1.0, 0.1))
    )
    assert why_not_understood(ComposedConcept('sum', (good, bad), (1.0, 0.0))) == ''
