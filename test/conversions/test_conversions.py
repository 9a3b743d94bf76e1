# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages come through unchanged, and what is malformed is refused with its field's name."""

import math
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID, random_table_scene
from ebm_concept_ros.types import ComposedConcept, ConceptCodes, NamedScene
from ebm_concept_ros.workspace import load_workspace
from ebm_core.concepts import get_concept
from ebm_core.world.scene import (
    COLOURS,
    MAX_STATES,
    SHAPES,
    Demonstration,
    InvalidInput,
    Scene,
)

WORKSPACE = load_workspace(Path(__file__).parents[2] / 'config' / 'workspace.yaml')
JOINTS = ('shoulder', 'elbow', 'wrist')
NOT_FINITE = st.sampled_from([math.nan, math.inf, -math.inf])
finite = st.floats(-1e6, 1e6)


def wired(message):
    """Return the message as it arrives at the other end of a topic."""
    return deserialize_message(serialize_message(message), type(message))


@st.composite
def named_scenes(draw, min_size=1, max_size=6):
    n = draw(st.integers(min_size, max_size))
    coordinate = st.floats(-1.5, 1.5)
    unit = st.floats(0, 1, width=32)
    rows = st.lists(st.tuples(coordinate, coordinate), min_size=n, max_size=n)
    colours = st.lists(st.tuples(unit, unit, unit), min_size=n, max_size=n)
    shapes = st.lists(st.integers(0, len(SHAPES) - 1), min_size=n, max_size=n)
    movable = st.lists(st.booleans(), min_size=n, max_size=n)
    ids = st.lists(
        st.text(min_size=1, max_size=8).filter(_storable), min_size=n, max_size=n, unique=True
    )
    size = st.tuples(st.floats(0.0, 1.0), st.floats(0.001, 1.0))
    sizes = st.none() | st.lists(size, min_size=n, max_size=n).map(np.array)
    return NamedScene(
        tuple(draw(ids)),
        Scene(draw(rows), draw(colours), draw(shapes), draw(movable)),
        draw(sizes),
    )


def _storable(text):
    return '\0' not in text and text.isprintable()


def assert_same_scene(a, b, tolerance=0.0):
    assert a.ids == b.ids
    np.testing.assert_allclose(a.scene.positions, b.scene.positions, atol=tolerance, rtol=0)
    np.testing.assert_array_equal(a.scene.colours, b.scene.colours)
    np.testing.assert_array_equal(a.scene.shapes, b.scene.shapes)
    np.testing.assert_array_equal(a.scene.movable, b.scene.movable)
    np.testing.assert_array_equal(a.sizes_m, b.sizes_m)


def demonstration_message(count=1, seed=0):
    demonstration = get_concept('between').demonstrations(np.random.default_rng(seed), count)[-1]
    return cv.demonstration_to_message('between', demonstration, WORKSPACE)


# Round trips ---------------------------------------------------------------------------------


@given(named_scenes(), st.integers(0, 2**31 * 10**9 - 1))
def test_scene_round_trip(named, stamp_ns):
    message = wired(cv.scene_to_message(named, WORKSPACE, stamp_ns))
    assert cv.stamp_to_ns(message.header.stamp) == stamp_ns
    assert_same_scene(cv.scene_from_message(message, WORKSPACE), named)


@given(named_scenes())
def test_scene_in_the_base_frame_is_the_same_scene(named):
    message = cv.scene_to_message(named, WORKSPACE)
    message.header.frame_id = WORKSPACE.base_frame
    for entity, position in zip(
        message.entities, WORKSPACE.to_base(named.scene.positions), strict=True
    ):
        entity.pose.position = cv.point((*position, 0.0))
    assert_same_scene(cv.scene_from_message(wired(message), WORKSPACE), named, tolerance=1e-9)


@pytest.mark.parametrize('seed', range(5))
def test_table_scene_arrives_with_the_effector_as_its_actor(seed):
    table = random_table_scene(seed, 2, 'blue', WORKSPACE)
    effector = (0.4, 0.1, 0.12)
    message = cv.table_scene_to_message(table, table.positions_in_base_m(), effector, WORKSPACE, 7)
    named = cv.scene_from_message(wired(message), WORKSPACE)
    assert named.ids == (*(e.id for e in table.entities), EFFECTOR_ID)
    np.testing.assert_array_equal(named.scene.movable, [False] * len(table.entities) + [True])
    np.testing.assert_allclose(
        WORKSPACE.to_base(named.scene.positions),
        [*table.positions_in_base_m(), effector[:2]],
        atol=1e-12,
    )
    for entity, colour in zip(table.entities, named.scene.colours[:-1], strict=True):
        np.testing.assert_allclose(colour, COLOURS[entity.colour], atol=1e-6)


@given(st.integers(0, 10_000))
def test_demonstration_round_trip(seed):
    sent = get_concept('between').demonstrations(np.random.default_rng(seed), 1)[0]
    message = wired(cv.demonstration_to_message('between', sent, WORKSPACE))
    got = cv.demonstration_from_message(message, WORKSPACE)
    assert got.concept == 'between'
    np.testing.assert_array_equal(got.demonstration.attention, sent.attention)
    assert len(got.demonstration.states) == len(sent.states)
    for a, b in zip(got.demonstration.states, sent.states, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_allclose(a.colours, b.colours, atol=1e-6)


def test_roles_travel_with_a_demonstration():
    shown = get_concept('between').demonstrations(np.random.default_rng(1), 1)[0]
    roles = np.where(shown.before.movable | (shown.attention < 0.5), 0, 1).cumsum()
    roles = np.where(shown.before.movable | (shown.attention < 0.5), 0, roles)
    sent = Demonstration(shown.states, shown.attention, roles)
    message = wired(cv.demonstration_to_message('between', sent, WORKSPACE))
    got = cv.demonstration_from_message(message, WORKSPACE)
    np.testing.assert_array_equal(got.demonstration.roles, roles)
    message.roles[int(roles.argmax())] = 0
    with pytest.raises(InvalidInput, match=r'demonstration\.roles: '):
        cv.demonstration_from_message(message, WORKSPACE)


def test_states_take_the_frame_of_their_demonstration():
    message = demonstration_message()
    for state in message.states:
        state.header.frame_id = ''
    cv.demonstration_from_message(message, WORKSPACE)


@given(st.lists(finite, min_size=8, max_size=8), st.lists(finite, min_size=8, max_size=8))
def test_concept_round_trip(action, argument):
    sent = ConceptCodes(
        *('between', np.array(action), np.array(argument), 'abc'),
        *(5, (0.5,) * 5, (0.25,) * 5, 3.5, 2.5),
    )
    got = cv.concept_from_message(wired(cv.concept_to_message(sent)), 'abc', 8)
    np.testing.assert_array_equal(got.action_code, sent.action_code)
    np.testing.assert_array_equal(got.argument_code, sent.argument_code)
    assert got.name == 'between' and got.demonstrations == 5
    assert got.action_energies == (0.5,) * 5 and got.argument_energies == (0.25,) * 5
    assert got.understanding == 3.5 and got.understanding_threshold == 2.5


values = st.lists(finite, min_size=3, max_size=3).map(np.array)
speeds = st.lists(st.floats(-100.0, 100.0), min_size=3, max_size=3).map(np.array)


@given(values, st.permutations(range(3)), st.integers(0, 2**62))
def test_efforts_are_matched_by_name(efforts, order, stamp_ns):
    stamp_ns %= 2**31 * 10**9
    message = cv.effort_to_message([JOINTS[i] for i in order], efforts[list(order)], stamp_ns)
    command = cv.effort_from_message(wired(message), JOINTS)
    np.testing.assert_array_equal(command.efforts_nm, efforts)
    assert command.stamp_ns == stamp_ns


@given(values, speeds, st.permutations(range(3)))
def test_joint_states_are_matched_by_name_and_others_ignored(positions, velocities, order):
    message = cv.joint_state_to_message(
        [*(JOINTS[i] for i in order), 'finger'],
        np.append(positions[list(order)], 9.0),
        np.append(velocities[list(order)], 9.0),
        np.append(positions[list(order)] / 2, 9.0),
        5,
    )
    sample = cv.joint_state_from_message(wired(message), JOINTS)
    np.testing.assert_array_equal(sample.positions_rad, positions)
    np.testing.assert_array_equal(sample.velocities_rad_s, velocities)
    np.testing.assert_array_equal(sample.efforts_nm, positions / 2)


@pytest.mark.parametrize('efforts', [[], [1.0], [1.0, math.nan, 1.0]])
def test_efforts_that_are_not_said_are_no_reason_to_refuse_a_joint_state(efforts):
    message = JointState(name=JOINTS, position=[0.0] * 3, velocity=[0.0] * 3, effort=efforts)
    assert cv.joint_state_from_message(wired(message), JOINTS).efforts_nm is None


# Refusals ------------------------------------------------------------------------------------


def refused(message, *texts):
    with pytest.raises(InvalidInput) as error:
        cv.demonstration_from_message(wired(message), WORKSPACE)
    for text in texts:
        assert text in str(error.value)


@given(st.data(), NOT_FINITE | st.sampled_from([1e308, -1e308, 1.6]))
def test_a_position_that_is_not_finite_or_out_of_the_workspace_is_refused(data, value):
    message = demonstration_message()
    t = data.draw(st.integers(0, len(message.states) - 1))
    i = data.draw(st.integers(0, len(message.states[t].entities) - 1))
    axis = data.draw(st.sampled_from('xy'))
    setattr(message.states[t].entities[i].pose.position, axis, value)
    refused(message, f'demonstration.states[{t}].entities')


def test_position_nan_names_the_coordinate():
    message = demonstration_message()
    message.states[1].entities[2].pose.position.y = math.nan
    refused(message, 'demonstration.states[1].entities[2].pose.position.y: nan is not finite')


@given(st.data(), NOT_FINITE | st.sampled_from([-0.5, 1.5, 1e30]))
def test_a_colour_out_of_range_is_refused(data, value):
    message = demonstration_message()
    component = data.draw(st.sampled_from('rgb'))
    setattr(message.states[0].entities[0].colour, component, value)
    refused(message, f'demonstration.states[0].entities[0].colour.{component}')


@given(st.integers(4, 255))
def test_an_unknown_shape_is_refused(shape):
    message = demonstration_message()
    message.states[0].entities[1].shape = shape
    refused(message, 'demonstration.states[0].entities[1].shape', str(shape))


@given(st.integers(0, 9), st.floats(0, 1))
def test_attention_of_another_length_is_refused(length, value):
    message = demonstration_message()
    n = len(message.states[0].entities)
    message.attention = array('d', [value] * (length if length != n else length + 1))
    refused(message, 'demonstration.attention', f'for {n} entities')


@given(NOT_FINITE | st.floats(max_value=-1e-3) | st.floats(min_value=1.001))
def test_attention_out_of_range_is_refused(value):
    message = demonstration_message()
    message.attention[1] = value
    refused(message, 'demonstration.attention[1]', 'not within [0, 1]')


def without_entities(message):
    message.states[0].entities = []


def with_another_count(message):
    message.states[1].entities = message.states[1].entities[:-1]


def with_one_state(message):
    message.states = message.states[:1]


def without_states(message):
    message.states = []


def without_a_name(message):
    message.concept = ''


def in_an_unknown_frame(message):
    message.states[0].header.frame_id = 'world'


def in_no_frame(message):
    message.header.frame_id = message.states[0].header.frame_id = ''


def in_another_order(message):
    message.states[1].entities = message.states[1].entities[::-1]


def with_an_id_twice(message):
    message.states[0].entities[1].id = message.states[0].entities[0].id


def with_an_empty_id(message):
    message.states[0].entities[1].id = ''


def attending_to_nothing(message):
    message.attention = array('d', [0.0] * len(message.attention))


def with_too_many_entities(message):
    message.states[0].entities = message.states[0].entities[:1] * 129


@pytest.mark.parametrize(
    ('spoil', 'texts'),
    [
        (without_entities, ('demonstration.states[0].entities', 'no entities')),
        (with_another_count, ('demonstration.states[1].entities', 'state 0 has')),
        (with_one_state, ('demonstration.states', '1 given')),
        (without_states, ('demonstration.states', '0 given')),
        (without_a_name, ('demonstration.concept', 'empty')),
        (in_an_unknown_frame, ('demonstration.states[0].header.frame_id', "'world'")),
        (in_no_frame, ('demonstration.states[0].header.frame_id', "''")),
        (in_another_order, ('demonstration.states[1].entities', 'same order')),
        (with_an_id_twice, ('demonstration.states[0].entities[1].id', 'already')),
        (with_an_empty_id, ('demonstration.states[0].entities[1].id', 'empty')),
        (attending_to_nothing, ('demonstration.attention', 'no entity')),
        (with_too_many_entities, ('demonstration.states[0].entities', 'at most 128')),
    ],
)
def test_a_malformed_demonstration_is_refused(spoil, texts):
    message = demonstration_message()
    cv.demonstration_from_message(wired(message), WORKSPACE)
    spoil(message)
    refused(message, *texts)


def codes(name):
    return ConceptCodes(name, np.zeros(8), np.ones(8), 'a' * 64, 5)


def concept_message():
    return cv.concept_to_message(codes('between'))


@pytest.mark.parametrize(
    ('field', 'value', 'texts'),
    [
        ('model_sha256', 'b' * 64, ('concept.model_sha256', 'bbbb', 'aaaa')),
        ('model_sha256', '', ('concept.model_sha256', 'empty')),
        ('name', '', ('concept.name', 'empty')),
        ('terms', [], ('concept.terms', '0 given', '1 to 8')),
        ('terms', [ros.ConceptTerm(name='a')] * 9, ('concept.terms', '9 given')),
    ],
)
def test_a_concept_that_does_not_fit_is_refused(field, value, texts):
    message = concept_message()
    setattr(message, field, value)
    refused_concept(message, *texts)


@pytest.mark.parametrize(
    ('field', 'value', 'texts'),
    [
        ('name', '', ('.name', 'empty')),
        ('weight', math.nan, ('.weight', 'nan')),
        ('weight', -0.5, ('.weight', '-0.5')),
        ('weight', 1e300, ('.weight', '1e+300')),
        ('action_code', [0.0] * 7, ('.action_code', '7 values', '8')),
        ('argument_code', [], ('.argument_code', '0 values', '8')),
        ('action_code', [math.nan] * 8, ('.action_code', 'NaN')),
        ('argument_code', [math.inf] * 8, ('.argument_code', 'NaN or infinity')),
    ],
)
def test_a_term_that_does_not_fit_is_refused_by_its_number(field, value, texts):
    composed = ComposedConcept('sum', (codes('between'), codes('north')), (1.0, 0.0))
    message = cv.concept_to_message(composed)
    cv.concept_from_message(wired(message), 'a' * 64, 8)
    setattr(message.terms[1], field, value)
    refused_concept(message, 'concept.terms[1]', *texts)


def test_weights_that_are_all_zero_ask_for_nothing():
    composed = ComposedConcept('sum', (codes('between'), codes('north')), (0.0, 0.0))
    refused_concept(cv.concept_to_message(composed), 'concept.terms[].weight', 'all are 0')


def refused_concept(message, *texts):
    with pytest.raises(InvalidInput) as error:
        cv.concept_from_message(wired(message), 'a' * 64, 8)
    for text in texts:
        assert text in str(error.value)


def test_composed_concepts_round_trip():
    sent = ComposedConcept('sum', (codes('between'), codes('north')), (1.0, 0.25))
    got = cv.concept_from_message(wired(cv.concept_to_message(sent)), 'a' * 64, 8)
    assert got.name == 'sum' and got.weights == (1.0, 0.25)
    assert [term.name for term in got.terms] == ['between', 'north']
    assert got.model_sha256 == 'a' * 64


@pytest.mark.parametrize(
    ('names', 'efforts', 'texts'),
    [
        (JOINTS, [1.0, 2.0], ('joint_effort_commands.effort', '2 values for 3 names')),
        (JOINTS, [], ('joint_effort_commands.effort', '0 values')),
        (JOINTS, [1.0, math.nan, 0.0], ('joint_effort_commands.effort', "'elbow'", 'nan')),
        (JOINTS, [1.0, 0.0, math.inf], ('joint_effort_commands.effort', "'wrist'", 'inf')),
        (('shoulder', 'elbow'), [0.0] * 2, ('joint_effort_commands.name', "['wrist'] missing")),
        (('a', 'b', 'c'), [0.0] * 3, ('joint_effort_commands.name', 'missing')),
        ((*JOINTS, 'tail'), [0.0] * 4, ('joint_effort_commands.name', "unknown ['tail']")),
        (('elbow', 'elbow', 'wrist'), [0.0] * 3, ('joint_effort_commands.name', 'twice')),
        ((), [], ('joint_effort_commands.name', 'missing')),
    ],
)
def test_an_effort_command_that_does_not_fit_is_refused(names, efforts, texts):
    message = wired(JointState(name=list(names), effort=efforts))
    with pytest.raises(InvalidInput) as error:
        cv.effort_from_message(message, JOINTS)
    for text in texts:
        assert text in str(error.value)


@given(
    st.integers(0, 2),
    st.sampled_from(['position', 'velocity']),
    NOT_FINITE | st.sampled_from([1e308, -1e7]),
)
def test_a_joint_state_that_no_arm_can_have_is_refused(index, field, value):
    message = cv.joint_state_to_message(JOINTS, np.zeros(3), np.zeros(3), np.zeros(3), 0)
    getattr(message, field)[index] = value
    with pytest.raises(InvalidInput, match=f"joint_states.{field}: joint '{JOINTS[index]}'"):
        cv.joint_state_from_message(wired(message), JOINTS)


# Recordings ----------------------------------------------------------------------------------


def recording_message(states=12):
    """Return the message of a recording whose actor goes from the first to the last state."""
    before, after = get_concept('north').demonstrations(np.random.default_rng(0), 1)[0].states
    way = np.linspace(before.positions, after.positions, states)
    attention = [1.0, 1.0] + [0.0] * (len(before) - 2)
    recording = Demonstration(tuple(before.with_positions(p) for p in way), attention)
    return cv.demonstration_to_message('north', recording, WORKSPACE)


def swap_ids(entities):
    entities[0].id, entities[1].id = entities[1].id, entities[0].id


def change_an_id(entities):
    entities[1].id = 'another'


def change_a_shape(entities):
    entities[1].shape = (entities[1].shape + 1) % len(SHAPES)


def change_who_can_move(entities):
    entities[1].movable = True


@pytest.mark.parametrize('last', [8, 12])
@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (swap_ids, 'demonstration.states[7].entities: ids'),
        (change_an_id, 'demonstration.states[7].entities: ids'),
        (change_a_shape, 'the entities of state 7 are not those of state 0'),
        (change_who_can_move, 'the entities of state 7 are not those of state 0'),
    ],
)
def test_entities_that_turn_into_others_halfway_are_refused_with_the_state(change, text, last):
    """Whether for good or for one state."""
    message = recording_message()
    cv.demonstration_from_message(wired(message), WORKSPACE)
    for state in message.states[7:last]:
        change(state.entities)
    refused(message, text)


def test_a_colour_that_goes_and_comes_back_is_refused_with_the_state():
    message = recording_message()
    for state in message.states[3:7]:
        rgb = state.entities[1].colour
        rgb.r, rgb.g, rgb.b = 1 - rgb.r, 1 - rgb.g, 1 - rgb.b
    refused(message, 'demonstration.states: in state 7 the colour of entity 1')


def test_endless_recordings_are_refused():
    message = recording_message(2)
    message.states = message.states[:1] * (MAX_STATES + 1)
    with pytest.raises(InvalidInput, match=f'demonstration.states: .* at most {MAX_STATES}'):
        cv.demonstration_from_message(message, WORKSPACE)
