# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Moves in a stream of scenes: from rest to rest, whatever a camera's noise does."""

import numpy as np
import pytest

from ebm_concept_ros.bags.segments import Rest, segments
from ebm_concept_ros.types import NamedScene
from ebm_core import get_concept, load_model
from ebm_core.world.scene import InvalidInput, Scene

IDS = ('mover', 'blue_0', 'blue_1', 'red_0')
RATE_HZ = 20.0


def scene(positions, ids=IDS):
    n = len(ids)
    colours = np.array([(0.1, 0.1, 0.1), (0.1, 0.2, 0.9), (0.1, 0.2, 0.9), (0.9, 0.1, 0.1)])[:n]
    return NamedScene(ids, Scene(positions, colours, [0, 1, 1, 2][:n], np.zeros(n, bool)))


def recorded(places, rng, noise=0.003, rest_s=1.0, move_s=0.5):
    """Yield scenes of a camera: rests at places (T, N, 2), and steady moves in between."""
    time_s = 0.0
    for before, after in zip(places, [*places[1:], None], strict=True):
        for tick in range(round((rest_s + move_s) * RATE_HZ)):
            part = max(0.0, tick / RATE_HZ - rest_s) / move_s
            now = before if after is None else before + part * (after - before)
            yield time_s, scene(now + rng.normal(scale=noise, size=now.shape))
            time_s += 1 / RATE_HZ


def test_a_move_from_rest_to_rest_is_a_demonstration():
    start = np.array([[-0.5, -0.5], [0.3, 0.3], [0.5, -0.3], [-0.2, 0.6]])
    end = start.copy()
    end[0] = 0.4, 0.0
    rng = np.random.default_rng(0)
    (segment,) = segments(recorded([start, end], rng), ('blue_0', 'blue_1'), Rest())
    demonstration = segment.demonstration
    np.testing.assert_array_equal(demonstration.attention, [1, 1, 1, 0])
    np.testing.assert_array_equal(demonstration.before.movable, [True, False, False, False])
    before, after = (state.positions for state in demonstration.states)
    np.testing.assert_allclose(before, start, atol=0.02)
    np.testing.assert_allclose(after[0], end[0], atol=0.02)
    np.testing.assert_array_equal(before[1:], after[1:])
    assert 0.0 <= segment.from_s < segment.to_s


def test_what_is_no_single_move_is_left_out_and_says_why():
    start = np.array([[-0.5, -0.5], [0.3, 0.3], [0.5, -0.3], [-0.2, 0.6]])
    both, third = start.copy(), start.copy()
    both[:2] += 0.3
    third[:2], third[2] = both[:2], (0.8, 0.8)
    rng = np.random.default_rng(0)
    first, second = segments(recorded([start, both, third], rng), (), Rest())
    assert first.demonstration is None and first.why == 'mover, blue_0 were moved at once'
    np.testing.assert_array_equal(second.demonstration.attention, [0, 0, 1, 0])
    assert list(segments(recorded([start, start], rng), (), Rest())) == [], 'nothing happened'
    hasty = recorded([start, both], rng, rest_s=0.2)
    assert list(segments(hasty, (), Rest(rest_s=5.0))) == [], 'nothing ever was at rest'


def test_a_scene_that_is_published_at_changes_alone_holds_until_the_next():
    start = np.array([[-0.5, -0.5], [0.3, 0.3], [0.5, -0.3], [-0.2, 0.6]])
    end = start.copy()
    end[3] = 0.0, 0.0
    (segment,) = segments([(0.0, scene(start)), (9.0, scene(end))], ('blue_0',), Rest())
    np.testing.assert_array_equal(segment.demonstration.attention, [0, 1, 0, 1])


def test_who_appears_begins_a_new_stream():
    start = np.array([[-0.5, -0.5], [0.3, 0.3], [0.5, -0.3], [-0.2, 0.6]])
    fewer = scene(start[:3] + 0.3, IDS[:3])
    assert list(segments([(0.0, scene(start)), (2.0, fewer), (4.0, fewer)], (), Rest())) == []


def test_bad_settings_are_refused():
    with pytest.raises(InvalidInput, match=r'still: 0\.2 is not within'):
        Rest(still=0.2)
    with pytest.raises(InvalidInput, match='rest_s: 0'):
        Rest(rest_s=0.0)
    start = np.zeros((4, 2)) + np.arange(4)[:, None] / 5
    end = start.copy()
    end[0] = -0.9
    with pytest.raises(InvalidInput, match="taking_part: 'nobody' is not in the scene"):
        list(segments([(0.0, scene(start)), (2.0, scene(end))], ('nobody',), Rest()))


def test_a_concept_is_learned_from_moves_alone():
    rng = np.random.default_rng(3)
    places = []
    for _ in range(5):
        place = rng.uniform(-0.7, 0.7, (4, 2))
        place[1] = place[2] + rng.uniform(0.4, 0.8) * np.array([1.0, rng.uniform(-1, 1)])
        done = place.copy()
        done[0] = place[1:3].mean(0)
        places.append((place, done))
    shown = []
    for pair in places:  # the table is laid anew in between, by several moves at once
        found = list(segments(recorded(list(pair), rng), ('blue_0', 'blue_1'), Rest()))
        shown += [one.demonstration for one in found]
    assert len(shown) == 5
    model = load_model()
    assert model.understanding(shown, in_time=False) > model.understanding_threshold
    code = model.infer(shown, in_time=False)
    novel = get_concept('between').demonstrations(np.random.default_rng(9), 1, 'blue')[0]
    who = model.identify(novel.before, code.argument_code)
    np.testing.assert_array_equal(who, novel.attention)
    done = model.generate(novel.before, who, code.action_code)
    np.testing.assert_allclose(done.positions[0], novel.states[-1].positions[0], atol=0.1)
