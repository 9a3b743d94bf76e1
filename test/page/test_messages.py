# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whatever a page sends is a message, or is refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebm_concept_ros.page.messages import MAX_BYTES, Message, message_of
from ebm_core.world.scene import InvalidInput

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [
        *('beat', 'show', 'move', 'table_move', 'takes_part', 'shuffle', 'add', 'remove', 'look'),
        *('table_add', 'table_remove', 'record'),
        *('delete', 'select', 'teach', 'save', 'delete_concept', 'export', 'import', 'run'),
        *(
            'preview',
            'speed',
            'undo',
            'show_moved',
            'start_here',
            'deselect',
            'pause',
            'resume',
            'stop',
        ),
    ]
)
FIELDS = (
    'x',
    'y',
    'id',
    'name',
    'number',
    'concepts',
    'scale',
    'text',
    'colours',
    'takes_part',
    'on',
)


def message_or_reason(text):
    try:
        return message_of(text)
    except InvalidInput as error:
        return str(error)


@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_any_text_is_refused_with_a_reason_on_one_line(text):
    got = message_or_reason(text)
    assert isinstance(got, str) and got and '\n' not in got and len(got) < 400


@given(TYPES, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_any_fields_of_a_message_are_taken_as_they_are_or_refused(kind, fields):
    got = message_or_reason(json.dumps({'type': kind} | fields))
    if isinstance(got, Message):
        taken = got.model_dump()
        assert taken == {'type': kind} | fields
        assert all(abs(taken[c]) <= 1.25 for c in ('x', 'y') if c in taken)
    else:
        assert got and '\n' not in got and len(got) < 400


@pytest.mark.parametrize(
    ('sent', 'reason'),
    [
        ({'type': 'show', 'x': 2.0, 'y': 0.0}, 'x: Input should be less than or equal to 1.25'),
        ({'type': 'show', 'x': '0', 'y': 0.0}, 'x: Input should be a valid number'),
        ({'type': 'show', 'x': 0.0}, 'y: Field required'),
        ({'type': 'stop', 'why': 1}, 'why: Extra inputs are not permitted'),
        ({'type': 'save', 'name': '../../etc/passwd\0'}, 'name: String should match pattern'),
        ({'type': 'save', 'name': 'x' * 61}, 'name: String should have at most 60'),
        ({'type': 'run', 'concepts': {}}, 'concepts: Dictionary should have at least 1 item'),
        ({'type': 'run', 'concepts': {'a': -1.0}}, 'concepts.a: Input should be greater'),
        ({'type': 'read', 'name': 'x'}, "message: Input tag 'read' found"),
        ([], 'message: Input should be'),
    ],
)
def test_what_is_wrong_is_named(sent, reason):
    assert message_or_reason(json.dumps(sent)).startswith(reason)


def test_infinity_and_what_is_too_long_are_refused():
    assert 'x: ' in message_or_reason('{"type": "show", "x": Infinity, "y": 0}')
    assert message_or_reason(' ' * (MAX_BYTES + 1)).startswith('message: 500001 characters')
