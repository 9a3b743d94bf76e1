# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Show the arm examples that contradict one another: it says so, and stays where it is.

    ros2 launch ebm_concept_ros reach_between.launch.py demonstrations:=0 \
        timeout_s:=60 hold_s:=60 &
    python examples/demo_contradiction.py; wait

Three of the five end north of the red one, two in the corner farthest from it. The status is 0
where it was refused.
"""

import sys

import numpy as np

from ebm_concept_ros.client.concept_arm import ConceptArm, Refused
from ebm_core import get_concept


def main() -> int:
    """Teach what nobody can understand, and ask for it."""
    rng = np.random.default_rng(0)
    north = get_concept('north').demonstrations(rng, 3, 'red')
    far = get_concept('farthest').demonstrations(rng, 2, 'red')
    with ConceptArm(timeout_s=120.0) as arm:
        arm.teach('it depends', [*north, *far])
        try:
            arm.enact('it depends')
        except Refused as refused:
            print(refused)
            return 0
    return 1


if __name__ == '__main__':
    sys.exit(main())
