# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torques on their way out: as the message that the arm's driver takes.

linear_feedback_controller_msgs is looked for only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from ebm_concept_ros import conversions
from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.conversions.serialised_joints import JointStateWriting
from ebm_concept_ros.nodes.driver_parameters import (
    FLOAT_ARRAY,
    LINEAR_FEEDBACK,
    DriverParameters,
    order_of_efforts,
)
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter

_LINEAR_FEEDBACK_MESSAGES = 'linear_feedback_controller_msgs.msg'


class EffortOutput:
    """Publishes torques while the node is active; raises InvalidParameter for what cannot be.

    joint_names: as the driver has them, in the order of the decisions' torques.
    """

    def __init__(
        self, node: LifecycleNode, p: DriverParameters, joint_names: tuple[str, ...]
    ) -> None:
        self._node = node
        kind, topic, self._to_message = _form(p, joint_names)
        self._publisher = node.create_lifecycle_publisher(
            kind, topic, **qos.overridable(qos.COMMANDS)
        )

    def destroy(self) -> None:
        """Publish no more."""
        self._node.destroy_lifecycle_publisher(self._publisher)

    def publish(self, decision: Decision) -> None:
        """Publish the torque of a decision that has one."""
        self._publisher.publish(self._to_message(decision))


def _form(
    p: DriverParameters, names: tuple[str, ...]
) -> tuple[type, str, Callable[[Decision], Any]]:
    """Return the type of the message, its topic, and what makes it, or its bytes, of a decision."""
    if p.effort_output == FLOAT_ARRAY:
        order = [names.index(name) for name in order_of_efforts(p, names)]
        return (
            Float64MultiArray,
            'forward_effort_controller/commands',
            lambda decision: conversions.efforts_to_array(decision.effort_nm[order]),
        )
    if p.effort_output == LINEAR_FEEDBACK:
        try:
            messages = import_module(_LINEAR_FEEDBACK_MESSAGES)
        except ImportError:
            raise InvalidParameter(
                f'parameter effort_output: {LINEAR_FEEDBACK!r} needs the package '
                'linear_feedback_controller_msgs, which is not installed'
            ) from None
        return (
            messages.Control,
            'linear_feedback_controller/control',
            lambda d: conversions.linear_feedback_to_message(
                messages.Control(), names, d.effort_nm, d.gains, d.sample
            ),
        )
    commands = JointStateWriting(names, ('effort',))
    return (
        JointState,
        'joint_effort_commands',
        lambda decision: commands.data(decision.stamp_ns, (decision.effort_nm,)),
    )
