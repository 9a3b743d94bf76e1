# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked and forgotten is kept by no client, and an answer that comes later harms nobody."""

import threading

import pytest
import rclpy
from harness import wait_until
from rclpy.context import Context
from rclpy.node import Node
from std_srvs.srv import Trigger

from ebm_concept_ros.nodes.runtime.questions import Questions
from ebm_concept_ros.nodes.runtime.running import SpinThread


@pytest.mark.parametrize('events_executor', [True, False])
def test_what_is_forgotten_is_not_kept_and_may_be_answered_late(events_executor):
    may_answer, heard, context = threading.Event(), [], Context()
    rclpy.init(context=context)
    nodes = [Node(name, context=context) for name in ('slow', 'asking')]

    def respond(_, response):
        may_answer.wait()
        response.message = str(len(heard))
        return response

    nodes[0].create_service(Trigger, 'question', respond)
    client = nodes[1].create_client(Trigger, 'question')
    spinning = [SpinThread(nodes[0]), SpinThread(nodes[1], events_executor)]
    for each in spinning:
        each.start()
    try:
        wait_until(client.service_is_ready, 'the service')
        questions = Questions()
        questions.ask(client, Trigger.Request(), heard.append)
        assert len(client._pending_requests) == 1
        questions.forget()
        assert not client._pending_requests
        may_answer.set()
        questions.ask(client, Trigger.Request(), heard.append)
        wait_until(lambda: heard, 'the second answer')
        assert [answer.message for answer in heard] == ['0'], 'the first one was forgotten'
        assert not client._pending_requests
    finally:
        for each in spinning:
            each.stop()
        for node in nodes:
            node.destroy_node()
        rclpy.shutdown(context=context)
