# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A loop that looks for messages finds each of them once, and no executor takes one from it."""

import time

import pytest
import rclpy
from harness import wait_until
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from std_msgs.msg import Int64

from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription, polled_subscriptions
from ebm_concept_ros.nodes.runtime.running import SpinThread

COUNT = 20


@pytest.fixture(params=[False, True], ids=['usual', 'events'])
def setting(request):
    """A node that is spun from before it subscribes, what it polls, and a publisher."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('looks', context=context)
    spinning = SpinThread(node, request.param)
    spinning.start()
    profile = QoSProfile(depth=COUNT)
    polled = PolledSubscription(node, Int64, 'numbers', profile)
    publisher = node.create_publisher(Int64, 'numbers', **qos.overridable(profile))
    wait_until(publisher.get_subscription_count, 'the subscription')
    yield polled, publisher
    spinning.stop()
    assert [each.topic_name for each in polled_subscriptions(node)] == ['/numbers']
    polled.destroy()
    assert not polled_subscriptions(node)
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_all_that_came_is_found_in_order_and_once(setting):
    polled, publisher = setting
    began_s = time.monotonic()
    for number in range(COUNT):
        publisher.publish(Int64(data=number))
    found = []

    def all_found():
        found.extend(polled.messages())
        return len(found) >= COUNT

    wait_until(all_found, 'the messages')
    assert [deserialize_message(data, Int64).data for data, _ in found] == list(range(COUNT))
    assert not list(polled.messages())
    times_s = [arrived_s for _, arrived_s in found]
    assert times_s == sorted(times_s) and began_s <= times_s[0] <= times_s[-1] <= time.monotonic()
