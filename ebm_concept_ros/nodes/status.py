# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller's status message from its snapshots."""

from __future__ import annotations

import math
from array import array

import numpy as np
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.workspace import Workspace


def status_message(
    controller: TrackingController, decision: Decision, model: PlanModel, workspace: Workspace
) -> ros.ControllerStatus:
    """Return what the controller does and why, at its newest joint state.

    model: for the effector's position; not shared with another thread.
    """
    state, target, plan = controller.state, controller.assignment.target, controller.plan
    message = ros.ControllerStatus(
        header=Header(frame_id=workspace.base_frame),
        state=int(decision.mode),
        reason=decision.reason,
        energy=math.nan,
        plan_time_s=plan.plan_time_s if plan is not None else math.nan,
    )
    effector_m = None
    if state is not None:
        message.header.stamp = conversions.ns_to_stamp(state.sample.stamp_ns)
        effector_m = model.effector_in_base_m(state.sample.positions_rad)
        message.effector_in_base = conversions.point(effector_m)
    if target is not None:
        message.concept = target.concept.name
        message.entity_ids = list(target.scene.ids)
        message.attention = array('d', target.attention.tolist())
        goal_m = workspace.to_base(target.field.minimum())
        message.goal_in_base = conversions.point((*goal_m, workspace.hover_height_in_base_m))
        if effector_m is not None:
            message.energy = float(target.field.energy(np.array(workspace.to_plane(effector_m))))
    return message
