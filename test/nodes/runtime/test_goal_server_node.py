# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A goal is told its end also where its server is taken away in the same breath."""

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from harness import PATIENCE_S, wait_until
from rclpy.action import ActionClient, CancelResponse
from rclpy.task import Future

from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.nodes.runtime.goal_server import GoalServer
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_concept_ros.nodes.runtime.running import SpinThread


@pytest.mark.parametrize('events_executor', [False, True])
def test_goals_that_end_with_their_server_are_told_and_then_it_is_gone(events_executor):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('ends', context=context)
    is_over = Future()

    async def execute(handle):
        await is_over
        handle.abort()
        return EnactConcept.Result(message='it ends')

    server = GoalServer(node, EnactConcept, 'enact', execute, lambda _: CancelResponse.ACCEPT)
    client = ActionClient(node, EnactConcept, 'enact')
    spinning = SpinThread(node, events_executor)
    spinning.start()
    try:
        assert client.wait_for_server(PATIENCE_S)
        sent = [send_goal(node, client, EnactConcept.Goal()) for _ in range(2)]
        wait_until(lambda: all(one.done() for one in sent), 'two goals')
        ends = [one.result().get_result_async() for one in sent]

        def end():
            is_over.set_result(None)
            server.destroy()

        node.executor.create_task(end)
        wait_until(lambda: all(one.done() for one in ends), 'their ends')
        for each in ends:
            answer = each.result()
            assert (answer.status, answer.result.message) == (GoalStatus.STATUS_ABORTED, 'it ends')
        server.wait_until_told(PATIENCE_S)
        wait_until(lambda: not client.server_is_ready(), 'its going')
    finally:
        spinning.stop()
        node.destroy_node()
        rclpy.shutdown(context=context)
