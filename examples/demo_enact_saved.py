# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Have a concept enacted that demo_concept_arm.py has saved, whatever was restarted since."""

from ebm_concept_ros.client.concept_arm import ConceptArm

with ConceptArm() as arm:
    arm.enact('in the middle')
    outcome = arm.wait(timeout_s=120.0)
    print(outcome.reached, outcome.reason, outcome.distance_m)
