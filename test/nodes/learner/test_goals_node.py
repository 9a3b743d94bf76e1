# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A client's goal has begun where its own feedback says so, not that of the goal before it."""

import threading

import pytest
import rclpy
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from ebm_concept_ros.action import ArrangeConcept
from ebm_concept_ros.client.concept_arm import ConceptArm, Refused

PATIENCE_S = 60.0


class SlowArranger:
    """Goes on with the goal before while it finds out that it knows nothing of 'nobody'."""

    def __init__(self, context):
        self.told, self.over = threading.Event(), threading.Event()
        self.node = Node('arranger', context=context)
        self.server = ActionServer(
            *(self.node, ArrangeConcept, '~/arrange', self.execute),
            callback_group=ReentrantCallbackGroup(),
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def execute(self, handle):
        result = ArrangeConcept.Result(code=ArrangeConcept.Result.UNKNOWN_CONCEPT, message='who?')
        if handle.request.concepts == ['nobody']:
            self.told.wait(PATIENCE_S)
            handle.abort()
            return result
        told = 0
        while not self.over.wait(0.02):
            handle.publish_feedback(ArrangeConcept.Feedback(reason='the first'))
            told += 1
            if told == 30:
                self.told.set()
        handle.succeed()
        return ArrangeConcept.Result(code=ArrangeConcept.Result.ARRANGED)


def test_feedback_of_the_goal_before_does_not_say_that_this_one_has_begun():
    context = Context()
    rclpy.init(context=context)
    arranger = SlowArranger(context)
    executor = MultiThreadedExecutor(3, context=context)
    executor.add_node(arranger.node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    try:
        with ConceptArm(PATIENCE_S) as arm:
            arm.arrange('somebody')
            with pytest.raises(Refused, match=r'who\?'):
                arm.arrange('nobody')
    finally:
        arranger.over.set()
        executor.shutdown()
        spinning.join()
        arranger.server.destroy()
        arranger.node.destroy_node()
        rclpy.shutdown(context=context)
