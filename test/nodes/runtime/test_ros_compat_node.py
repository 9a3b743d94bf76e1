# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A goal that another thread than the executor's sends is answered, however soon the answer is."""

import threading

import pytest
import rclpy
from harness import PATIENCE_S, wait_until
from rclpy.action import ActionClient, ActionServer

from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_concept_ros.nodes.runtime.running import SpinThread


class NotedAfterTheAnswer(dict):
    """Where a client keeps who is told of the feedback, which it does once the goal is sent.

    Outside of the thread that spins, it does so no sooner than the answer has come.
    """

    def __init__(self, client):
        self._client = client

    def __setitem__(self, key, value):
        if threading.current_thread() is threading.main_thread():
            (sent,) = self._client._pending_goal_requests.values()
            wait_until(sent.done, 'an answer')
        super().__setitem__(key, value)


@pytest.fixture(params=[False, True], ids=['usual', 'events'])
def spun(request):
    """Return a node that offers an action, spun by a thread of its own, and a client."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('offers', context=context)

    def execute(handle):
        handle.publish_feedback(EnactConcept.Feedback(reason='on its way'))
        handle.succeed()
        return EnactConcept.Result(message='there')

    server = ActionServer(node, EnactConcept, 'enact', execute)
    client = ActionClient(node, EnactConcept, 'enact')  # before it spins: see Probe.action_client
    spinning = SpinThread(node, request.param)
    spinning.start()
    yield node, client
    spinning.stop()
    server.destroy()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_an_answer_that_comes_at_once_is_not_lost(spun):
    node, client = spun
    assert client.wait_for_server(PATIENCE_S)
    client._feedback_callbacks = NotedAfterTheAnswer(client)
    heard = []
    sent = send_goal(node, client, EnactConcept.Goal(), heard.append)
    wait_until(sent.done, 'an answer to a goal')
    assert sent.result().accepted
    ended = sent.result().get_result_async()
    wait_until(ended.done, 'the end of a goal')
    assert ended.result().result.message == 'there'
    wait_until(lambda: heard, 'feedback')
    assert heard[0].feedback.reason == 'on its way'


def test_what_is_no_goal_is_refused_in_the_answer(spun):
    node, client = spun
    sent = send_goal(node, client, 'no goal')
    wait_until(sent.done, 'a refusal')
    with pytest.raises(TypeError, match='Expected goal type'):
        sent.result()
