# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ask for a sum of concepts, or for other weights in it, also while the arm moves.

    python examples/weigh_concepts.py between=1 north=0.5

The learner must be running, and be shown each of them sooner or later, by `demonstrator` or by you.
"""

import sys

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from ebm_concept_ros.msg import Composition

LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


def main() -> None:
    """Send one composition, and stay until the learner has it."""
    pairs = [argument.partition('=') for argument in sys.argv[1:]]
    if not pairs:
        sys.exit('usage: weigh_concepts.py NAME=WEIGHT ...')
    composition = Composition(
        concepts=[name for name, _, _ in pairs], weights=[float(weight) for _, _, weight in pairs]
    )
    rclpy.init()
    node = Node('weigher')
    publisher = node.create_publisher(Composition, 'composition', LATCHED)
    while publisher.get_subscription_count() == 0:
        rclpy.spin_once(node, timeout_sec=0.1)
    publisher.publish(composition)
    publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=10))
    rclpy.shutdown()


if __name__ == '__main__':
    main()
