# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller's status message from its snapshots."""

from __future__ import annotations

import math
from array import array

from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.measured import Measured
from ebm_concept_ros.control.tracking_controller import TrackingController


def status_message(
    controller: TrackingController, decision: Decision, known: Measured, base_frame: str
) -> ros.ControllerStatus:
    """Return what the controller does and why, at its newest joint state."""
    state, target, plan = controller.state, known.target, controller.plan
    message = ros.ControllerStatus(
        header=Header(frame_id=base_frame),
        state=int(decision.mode),
        reason=decision.reason,
        energy=known.energy,
        plan_time_s=plan.plan_time_s if plan is not None else math.nan,
    )
    if state is not None:
        message.header.stamp = conversions.ns_to_stamp(state.sample.stamp_ns)
    if known.effector_m is not None:
        message.effector_in_base = conversions.point(known.effector_m)
    if target is not None:
        message.concept = target.concept.name
        message.entity_ids = list(target.scene.ids)
        message.attention = array('d', target.attention.tolist())
        message.goal_in_base = conversions.point(known.goal_m)
    return message
