# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages to and from the library's objects: the one place that validates messages.

What a node receives passes through here once. A message that is not usable is refused with
`InvalidInput`, whose text names the field as it is written in the message definition and the
reason; the rest of the package may rely on what comes out. Positions come out in particle units
whatever frame they came in; the correspondence itself is `workspace.Workspace`.
"""

from __future__ import annotations

from ebm_concept_ros.conversions.concepts import (
    MAX_WEIGHT,
    composition_from_message,
    composition_of,
    concept_from_message,
    concept_to_message,
    summary_to_message,
)
from ebm_concept_ros.conversions.enactments import (
    arrange_goal_from_message,
    enact_goal_from_message,
    tolerance_from_message,
)
from ebm_concept_ros.conversions.intentions import (
    energy_from_message,
    energy_to_message,
    no_energy_message,
    plan_from_message,
    plan_to_message,
)
from ebm_concept_ros.conversions.joints import (
    effort_from_message,
    effort_to_message,
    efforts_to_array,
    joint_positions_from_message,
    joint_sample,
    joint_state_from_message,
    joint_state_to_message,
    linear_feedback_to_message,
)
from ebm_concept_ros.conversions.scenes import (
    attention_from_message,
    demonstration_from_message,
    demonstration_to_message,
    moved_scene_message,
    point,
    scene_from_message,
    scene_to_message,
    table_scene_to_message,
)
from ebm_concept_ros.conversions.simulation import place_from_pose, result_message
from ebm_concept_ros.conversions.stamps import (
    ns_to_stamp,
    stamp_to_ns,
)

__all__ = [
    'MAX_WEIGHT',
    'arrange_goal_from_message',
    'attention_from_message',
    'composition_from_message',
    'composition_of',
    'concept_from_message',
    'concept_to_message',
    'demonstration_from_message',
    'demonstration_to_message',
    'effort_from_message',
    'effort_to_message',
    'efforts_to_array',
    'enact_goal_from_message',
    'energy_from_message',
    'energy_to_message',
    'joint_positions_from_message',
    'joint_sample',
    'joint_state_from_message',
    'joint_state_to_message',
    'linear_feedback_to_message',
    'moved_scene_message',
    'no_energy_message',
    'ns_to_stamp',
    'place_from_pose',
    'plan_from_message',
    'plan_to_message',
    'point',
    'result_message',
    'scene_from_message',
    'scene_to_message',
    'stamp_to_ns',
    'summary_to_message',
    'table_scene_to_message',
    'tolerance_from_message',
]
