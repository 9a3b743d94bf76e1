# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a node says of refused messages: each culprit once, and apart from the node's state."""

import threading
from types import SimpleNamespace

import pytest
import rclpy
from harness import PATIENCE_S

from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics, Level, same_reason


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ("joint 'joint_1' has nan", "joint 'joint_2' has nan"),
        ('scene.states[0].entities[1]: empty', 'scene.states[1].entities[1]: empty'),
        ('concept.w_1: empty', 'concept.w_2: empty'),
        ("'place 1': empty", "'place 2': empty"),
    ],
)
def test_other_culprits_are_other_reasons(one, other):
    assert same_reason(one) != same_reason(other)


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ('it is 0.123 s old, at most 0.05 s', 'it is 1e-05 s old, at most 0.05 s'),
        ('position.x: -1.5 is out', 'position.x: 27 is out'),
        (
            'joint_states.position: 2 values for 6 names',
            'joint_states.position: 5 values for 6 names',
        ),
    ],
)
def test_other_values_are_the_same_reason(one, other):
    assert same_reason(one) == same_reason(other)


def test_no_report_is_overtaken_by_an_older_one(monkeypatch):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('reporter', context=context)
    diagnostics = Diagnostics(node)
    reported, begun, overtaken = [], threading.Event(), threading.Event()

    def publish(message):
        if threading.current_thread() is slow:
            begun.set()
            overtaken.wait(0.5)
        else:
            overtaken.set()
        reported.append(message.status[0].message)

    monkeypatch.setattr(diagnostics, '_publisher', SimpleNamespace(publish=publish))
    slow = threading.Thread(target=diagnostics.set, args=('state', Level.OK, 'older'))
    slow.start()
    assert begun.wait(PATIENCE_S)
    diagnostics.set('state', Level.OK, 'newer')
    slow.join()
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert reported == ['older', 'newer']
