# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Teach the arm a concept from a program, keep it, and have it enacted.

    ros2 launch ebm_concept_ros reach_between.launch.py demonstrations:=0 \
        library_dir:=out/library timeout_s:=600 hold_s:=60 &
    python examples/demo_concept_arm.py

The status is 0 where the arm has arrived.
"""

import sys

import numpy as np

from ebm_concept_ros.client.concept_arm import ConceptArm
from ebm_core import get_concept


def main() -> int:
    """Teach, save, enact, wait."""
    shown = get_concept('between').demonstrations(np.random.default_rng(0), 6, 'blue')
    with ConceptArm(timeout_s=120.0) as arm:
        arm.pause()  # or it would set out as soon as it has learned
        arm.teach('in the middle', shown[:3])
        print(arm.undo('in the middle'))  # the third one went wrong
        arm.teach('in the middle', shown[3:])
        print(arm.save('in the middle'))
        print(arm.resume())
        arm.enact('in the middle')
        outcome = arm.wait(timeout_s=120.0)
        print(f'{outcome.reason}, {outcome.distance_m * 1e3:.0f} mm from the minimum')
    return 0 if outcome.reached else 1


if __name__ == '__main__':
    sys.exit(main())
