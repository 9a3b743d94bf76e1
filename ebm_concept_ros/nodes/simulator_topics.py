# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the simulator publishes of a simulation: scene, joint states and time."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.torque_simulation import TorqueSimulation
from ebm_concept_ros.conversions.blocks import blocks_to_message
from ebm_concept_ros.conversions.serialised_joints import JointStateWriting
from ebm_concept_ros.conversions.stamps import set_stamp
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.nodes.command_input import COMMANDS
from ebm_concept_ros.nodes.runtime import qos


class SimulatorTopics:
    """Publishers of one node, until they are destroyed."""

    def __init__(self, node: Node, joint_names: Sequence[str]) -> None:
        self._node = node
        self._writing = JointStateWriting(joint_names)
        self._now = Clock()
        self._states, self._scenes, self._clock = self._publishers = (
            node.create_publisher(
                JointState, 'joint_states', **qos.overridable(qos.JOINT_STATES_PUBLISHED)
            ),
            node.create_publisher(ros.Scene, 'scene', **qos.overridable(qos.LATCHED)),
            node.create_publisher(Clock, '/clock', **qos.overridable(qos.CLOCK)),
        )

    def destroy(self) -> None:
        """Publish no more."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    def time(self, stamp_ns: int) -> None:
        """Publish simulated time."""
        set_stamp(self._now.clock, stamp_ns)
        self._clock.publish(self._now)

    def scene(self, sim: ArmSimulation | BlockSimulation, stamp_ns: int) -> None:
        """Publish where all entities and the effector are."""
        if isinstance(sim, BlockSimulation):
            message = blocks_to_message(
                *(sim.table, sim.block_poses(), sim.grasp_pose, sim.workspace, stamp_ns)
            )
            self._scenes.publish(message)
            return
        self._scenes.publish(
            conversions.table_scene_to_message(
                sim.table_scene,
                sim.entity_positions_in_base_m(),
                sim.effector_in_base_m,
                sim.workspace,
                stamp_ns,
            )
        )

    def state(self, sim: TorqueSimulation, stamp_ns: int) -> None:
        """Publish the joint state."""
        self._states.publish(self._writing.data(stamp_ns, sim.joint_state))

    def senders_of_commands(self) -> list[str]:
        """Return the names of the nodes that publish torques, sorted."""
        found = self._node.get_publishers_info_by_topic(COMMANDS)
        return sorted({info.node_name for info in found})
