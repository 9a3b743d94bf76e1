# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What README.md begins with: teach the arm a concept, keep it, have it enacted."""

import numpy as np

from ebm_concept_ros.client.concept_arm import ConceptArm
from ebm_core import get_concept

shown = get_concept('between').demonstrations(np.random.default_rng(0), 5, 'blue')
with ConceptArm() as arm:
    arm.teach('in the middle', shown)  # five demonstrations make a concept
    arm.save('in the middle')  # it survives a restart of every node
    arm.enact('in the middle')  # or a sum: {'in the middle': 1.0, 'north': 0.5}
    print(arm.wait(timeout_s=120.0))  # reached or why not, and how far from the minimum
