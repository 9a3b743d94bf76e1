# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording means what its trajectory says, in however many states, pauses and rests it comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.concepts import get_concept
from ebm_core.errors import InvalidInput
from ebm_core.world import trajectory
from ebm_core.world.scene import COLOURS, MAX_STATES, Demonstration, Scene
from ebm_core.world.trajectory import SAME_PLACE, WAY_STEPS, at

JITTER = 0.008  # particle units
RED, BLUE = COLOURS['red'], COLOURS['blue']
seeds = st.integers(0, 10_000)
numbers = st.sampled_from([2, 3, 5, 10, 50, 300])
few = settings(max_examples=40, deadline=None)


def scene(positions, colours=None, shapes=(0, 1, 2), movable=(True, False, False)):
    rgb = np.tile(BLUE, (3, 1)) if colours is None else colours
    return Scene(np.asarray(positions, float), rgb, np.array(shapes), np.array(movable))


def recording(drawn, moments, jitter=0.0, seed=0):
    """Return the drawn event's states at moments, which are fractions of its states' numbers."""
    positions = at(np.array([s.positions for s in drawn.states]), np.asarray(moments, float))
    positions = positions + np.random.default_rng(seed).uniform(-jitter, jitter, positions.shape)
    states = tuple(drawn.states[0].with_positions(p) for p in positions)
    return Demonstration(states, drawn.attention)


def drawn(name, seed):
    return get_concept(name).demonstrations(np.random.default_rng(seed), 1)[0]


def places(demonstration):
    """Return the keyframes' positions of those who take part."""
    part = demonstration.attention > 0.5
    return np.array([state.positions[part] for state in demonstration.keyframes])


@given(seed=seeds, number=numbers, name=st.sampled_from(['north', 'between', 'square', 'farthest']))
@few
def test_any_number_of_states_says_the_same(seed, number, name):
    event = drawn(name, seed)
    again = recording(event, np.linspace(0, 1, number))
    assert len(again.keyframes) == 2
    np.testing.assert_allclose(places(again), places(event), atol=SAME_PLACE)


@given(seed=seeds, rest=st.integers(0, 60), number=st.integers(2, 60))
@few
def test_rests_shivers_and_pauses_change_nothing(seed, rest, number):
    event = drawn('between', seed)
    moments = np.linspace(0, 1, number)
    pause = np.full(rest, moments[number // 2])
    halting = np.concatenate(
        (np.zeros(rest), moments[: number // 2], pause, moments[number // 2 :], np.ones(rest))
    )
    again = recording(event, halting, JITTER, seed)
    np.testing.assert_allclose(places(again), places(event), atol=SAME_PLACE)


def test_a_rest_is_seen_better_than_a_single_state_of_it():
    event = drawn('north', 3)
    rests = recording(event, np.repeat([0.0, 1.0], 200), JITTER)
    assert np.abs(places(rests) - places(event)).max() < JITTER / 4


@given(seed=seeds, number=numbers, name=st.sampled_from(['north', 'square', 'follow', 'red']))
@few
def test_what_a_recording_amounts_to_amounts_to_itself(seed, number, name):
    event = drawn(name, seed)
    last = len(event.states) - 1
    first = recording(event, np.linspace(0, last, number), JITTER, seed)
    again = Demonstration(first.keyframes, first.attention)
    assert len(again.keyframes) == len(first.keyframes)
    np.testing.assert_allclose(places(again)[[0, -1]], places(first)[[0, -1]], atol=1e-12)
    # Of a leader's steps that shiver, others are equally long: who is on the way is elsewhere.
    leader = ~event.before.movable[event.attention > 0.5]
    np.testing.assert_allclose(
        places(again)[:, leader], places(first)[:, leader], atol=3 * SAME_PLACE
    )
    for one, other in zip(first.keyframes, again.keyframes, strict=True):
        np.testing.assert_allclose(one.colours, other.colours, atol=1e-12)


@given(seed=seeds, pause=st.integers(0, 100), rest=st.integers(0, 100), moment=st.floats(0, 4))
@few
def test_a_way_is_the_same_with_pauses_and_rests(seed, pause, rest, moment):
    """At the moments in between, the leader has come as far and the follower is where it was."""
    event = drawn('follow', seed)
    moments = np.linspace(0, WAY_STEPS, 401)
    at_pause = np.searchsorted(moments, moment)
    halting = np.concatenate(
        (
            np.zeros(rest),
            np.insert(moments, at_pause, np.full(pause, moments[min(at_pause, 400)])),
            np.full(rest, WAY_STEPS),
        )
    )
    smooth, halted = recording(event, moments), recording(event, halting)
    assert len(smooth.keyframes) == len(halted.keyframes) == WAY_STEPS + 1
    leader = ~event.before.movable[event.attention > 0.5]
    np.testing.assert_allclose(
        places(halted)[:, leader], places(smooth)[:, leader], atol=2 * SAME_PLACE
    )


@given(seed=seeds, number=st.sampled_from([50, 300, 1000]), jitter=st.sampled_from([0, JITTER]))
@few
def test_a_follower_still_waits_and_then_is_with_its_leader(seed, number, jitter):
    event = drawn('follow', seed)
    way = recording(event, np.linspace(0, WAY_STEPS, number), jitter, seed)
    part = event.attention > 0.5
    follower = event.before.movable[part]
    course = places(way)
    steps = np.linalg.norm(np.diff(course[:, ~follower][:, 0], axis=0), axis=-1)
    assert steps.min() > 0.5 * steps.mean()  # the leader's steps are equal, but for shivers
    waits = np.abs(course[1, follower] - course[0, follower]).max()
    assert waits <= 2 * SAME_PLACE
    assert np.abs(course[-1, follower] - course[-1, ~follower]).max() <= 2 * SAME_PLACE


def test_the_way_counts_only_where_a_reference_moves():
    a, b = np.zeros((3, 2)), np.array([(0.5, 0.5), (0, 0), (0, 0)])
    nudged = b + np.array([(0, 0), (0.05, 0), (0, 0)])
    carried = b + np.array([(0, 0), (0.3, 0), (0, 0)])
    moments = np.linspace(0, 1, 20)[:, None, None]
    for after, number in ((b, 2), (nudged, 2), (carried, WAY_STEPS + 1)):
        states = tuple(scene(p) for p in a + moments * (after - a))
        assert len(Demonstration(states, [1, 1, 0]).keyframes) == number
    # Who takes no part may move, and of a few states nobody can tell who began.
    states = tuple(scene(p) for p in a + moments * (carried - a))
    assert len(Demonstration(states, [1, 0, 1]).keyframes) == 2
    assert len(Demonstration(states[::5], [1, 1, 0]).keyframes) == 2


def test_who_shivers_has_not_moved():
    """A still scene shows whom to attend to, even if nobody in it can act."""
    event = Demonstration((scene(np.zeros((3, 2))),) * 2, [0, 1, 1])
    seen = recording(event, np.linspace(0, 1, 100), JITTER)
    np.testing.assert_array_equal(seen.before.positions, seen.after.positions)


def in_colours(*courses):
    """Return a demonstration whose entities have these colours one after the other."""
    steps = np.stack(courses, 1)
    moved = np.zeros((len(steps), 3, 2))
    moved[:, 0, 0] = np.linspace(0, 1, len(steps))
    states = [scene(p, rgb) for p, rgb in zip(moved, steps, strict=True)]
    return Demonstration(tuple(states), [1, 1, 0])


def test_a_colour_may_change_once_and_shiver():
    still = np.tile(BLUE, (40, 1))
    fades = np.linspace(RED, BLUE, 40)
    turns = np.repeat([RED, BLUE], 20, axis=0)
    noise = np.random.default_rng(0).uniform(-0.02, 0.02, (40, 3))
    for course in (fades, turns, turns + noise):
        after = in_colours(course.clip(0, 1), still, still).after
        np.testing.assert_allclose(after.colours[0], BLUE, atol=0.03)


@pytest.mark.parametrize('back', [2, 25, 39])
def test_a_colour_that_comes_back_is_refused_with_the_state(back):
    still = np.tile(BLUE, (40, 1))
    course = np.tile(BLUE, (40, 1))
    course[1:back] = RED
    with pytest.raises(InvalidInput, match=f'states: in state {back} the colour of entity 1'):
        in_colours(still, course, still)


def test_entities_that_exchange_their_colours_are_refused_with_the_state():
    one = np.repeat([RED, BLUE], [7, 5], axis=0)
    with pytest.raises(InvalidInput, match='in state 7 entities 0 and 1 exchange their colours'):
        in_colours(one, np.repeat([BLUE, RED], [7, 5], axis=0), np.tile(BLUE, (12, 1)))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'shapes': (0, 1, 3)}, 'state 7 .*entity 2 is triangle, and was square'),
        ({'movable': (True, True, False)}, 'state 7 .*entity 1 is movable, and was not'),
    ],
)
def test_entities_that_turn_into_others_halfway_are_refused_with_the_state(changes, message):
    states = [scene(np.zeros((3, 2))) for _ in range(12)]
    states[7:] = [scene(np.zeros((3, 2)), **changes)] * 5
    with pytest.raises(InvalidInput, match=message):
        Demonstration(tuple(states), [1, 1, 0])


def test_endless_recordings_are_refused():
    states = (scene(np.zeros((3, 2))),) * (MAX_STATES + 1)
    with pytest.raises(InvalidInput, match=f'at most {MAX_STATES}'):
        Demonstration(states, [1, 1, 0])


@given(seed=seeds)
@few
def test_colours_that_wander_and_never_return_are_let_through(seed):
    rng = np.random.default_rng(seed)
    turns = rng.permutation(5)[:4] / 4.0
    course = np.repeat(turns, rng.integers(1, 30, 4))[:, None, None] * np.ones((1, 2, 3))
    assert trajectory.returning_colour(course) is None
    again = np.concatenate((course, course[:1]))
    assert trajectory.returning_colour(again) == (len(course), 0)
