# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller means to do, for those who look on: the energy, and the plan.

The energy is published once per target, the plan at a low rate and only while somebody listens, by
the executor's thread: the control thread has no part in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.workspace import Workspace


class Intentions:
    """Publishes `controller/energy` (latched) and `controller/plan`."""

    def __init__(self, node: Node, joint_names: Sequence[str], plan_rate: float) -> None:
        """plan_rate: of published plans at most, Hz."""
        self._node, self._joint_names = node, joint_names
        self._period_s, self._due_s = 1.0 / plan_rate, 0.0
        self._target: Target | None = None
        self._plan: Plan | None = None
        self._energies = node.create_publisher(
            ros.EnergyGrid, 'controller/energy', **qos.overridable(qos.LATCHED)
        )
        self._plans = node.create_publisher(
            JointTrajectory, 'controller/plan', **qos.overridable(qos.PLANS)
        )

    def destroy(self) -> None:
        """Take the publishers away."""
        for publisher in (self._energies, self._plans):
            self._node.destroy_publisher(publisher)

    def publish(
        self, target: Target | None, plan: Plan | None, workspace: Workspace, stamp_ns: int
    ) -> None:
        """Publish what is new of both; None: there is none, or it is not followed."""
        if target is not self._target:
            self._target = target
            self._energies.publish(_energy(target, workspace, stamp_ns))
        if plan is None and self._plan is not None:
            self._say(None)
        elif plan is not self._plan and time.monotonic() >= self._due_s:
            if self._plans.get_subscription_count():
                self._say(plan)
            self._due_s = time.monotonic() + self._period_s

    def _say(self, plan: Plan | None) -> None:
        self._plan = plan
        states, start_s, step_s = (
            ((), 0.0, 0.0) if plan is None else (plan.states, plan.start_s, plan.step_s)
        )
        self._plans.publish(
            conversions.plan_to_message(self._joint_names, states, round(start_s * 1e9), step_s)
        )


def _energy(target: Target | None, workspace: Workspace, stamp_ns: int) -> ros.EnergyGrid:
    if target is None:
        return conversions.no_energy_message(workspace, stamp_ns)
    energies = target.field.energies
    return conversions.energy_to_message(target.concept.name, energies, workspace, stamp_ns)
