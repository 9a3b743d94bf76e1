# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Teach an arm with a hand where a block belongs, from a program, and have it put there.

    ros2 launch ebm_concept_ros teach.launch.py hand:=jaco \
        scene_file:=examples/table_of_blocks.yaml &
    python examples/demo_arrange.py

Shown is *the red one between the blue ones*, five times. The status is 0 where it is there.
"""

import sys

import numpy as np

from ebm_concept_ros.client.concept_arm import ConceptArm, Feedback
from ebm_concept_ros.oracle.arrangements import ARRANGEMENTS, demonstrations


def main() -> int:
    """Teach, arrange, wait."""
    shown = demonstrations(ARRANGEMENTS['between'], np.random.default_rng(0), 5, 'blue')
    with ConceptArm(timeout_s=120.0) as arm:
        arm.teach('in the middle', shown)
        arm.arrange('in the middle')
        heard: set[str] = set()

        def say(feedback: Feedback) -> None:
            if feedback.reason not in heard:
                heard.add(feedback.reason)
                print(feedback.reason)

        outcome = arm.wait(timeout_s=300.0, on_feedback=say)
        print(outcome.reason, *outcome.moved, *outcome.troubles, sep='; ')
    return 0 if outcome.reached else 1


if __name__ == '__main__':
    sys.exit(main())
