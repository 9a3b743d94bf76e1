# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `live_view`: arm, table, plan and energy for RViz and Foxglove.

It listens only, and at its own pace: of hundreds of joint states a second it takes some, and
nothing is sent again for its sake. What it publishes it does at bounded rates.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
from nav_msgs.msg import OccupancyGrid
from pydantic import Field
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.link_tree import LinkTree, link_tree
from ebm_concept_ros.arm.mesh_files import MeshFolder
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.arm.robot_description import robot_description
from ebm_concept_ros.config_files import ConfigError, path_of
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.conversions import views
from ebm_concept_ros.nodes.live_markers import LiveMarkers
from ebm_concept_ros.nodes.marker_board import MarkerBoard
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_workspace_parameter,
    with_hand_parameter,
)
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE, FOLDER_OR_NONE, HAND
from ebm_concept_ros.planning.kinematics import Kinematics
from ebm_concept_ros.types import EnergyOverTable, JointSample
from ebm_core.world.scene import InvalidInput

# Above the table, for it not to flicker with it.
_MAP_ABOVE_TABLE_M = 0.002
# What has not changed is said again this often, for who comes later.
_REPEAT_S = 1.0


class LiveViewParameters(Parameters):
    """Parameters of the live view."""

    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    hand: Annotated[str, HAND] = Field(
        '', description='name of a shipped hand, or the YAML of another: its fingers move, too'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )
    robot_state: bool = Field(
        True,
        description='robot_description, /tf and /tf_static; false where a robot_state_publisher is',
    )
    mesh_dir: Annotated[str, FOLDER_OR_NONE] = Field(
        '', description="folder of the URDF's meshes; empty: ebm_concept_ros/meshes in ROS_HOME"
    )
    transform_rate: float = Field(30.0, ge=1.0, le=200.0, description='/tf at most, Hz')
    marker_rate: float = Field(10.0, ge=0.5, le=50.0, description='markers at most, Hz')
    demonstrations_s: float = Field(
        10.0, ge=0.1, le=3600.0, description='how long a demonstration is shown, s'
    )


class LiveView(RunnableDefaults, Node):
    """Takes what the others say, and shows it."""

    spin_pause_s = 0.005  # some of the 500 joint states a second are enough

    def __init__(self) -> None:
        super().__init__('live_view')
        p = self.parameters = declare(self, LiveViewParameters)
        self._arm = arm = load_arm_parameter(p.arm, p.robot_description)
        self._planned_joints = arm.joint_names  # without the fingers
        if p.hand:
            self._arm = with_hand_parameter(arm, p.hand)
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._diagnostics = Diagnostics(self)
        model = compile_arm(self._arm)
        self._kinematics = Kinematics(model, self._arm.effector_site)
        self._tree: LinkTree | None = None
        if p.robot_state:
            self._tree = link_tree(model, self._arm, self._workspace.base_frame)
            self._description = self._described(model)
        self._markers = LiveMarkers(self._workspace, p.demonstrations_s)
        self._board = MarkerBoard(self._workspace.base_frame)
        self._changed, self._said_s = True, 0.0
        self._sample: JointSample | None = None
        self._transformed: JointSample | None = None  # what the last transforms are of
        self._stamp_ns = 0  # of the newest of all that was heard
        self._map: OccupancyGrid | None = None
        self._create_ends()

    def start(self) -> None:
        """Publish what stays as it is."""
        if self._tree is None:
            return
        self._description_publisher.publish(String(data=self._description))
        still = ((joint, joint.origin) for joint in self._tree.joints if not joint.moves)
        self._static_publisher.publish(views.transforms_to_message(still, 0))

    def stop(self) -> None:
        """Leave what was shown as it is: a viewer keeps its last picture."""

    def _described(self, model: object) -> str:
        """Return the URDF; raises InvalidParameter."""
        home = Path(os.environ.get('ROS_HOME') or '~/.ros')
        try:
            folder = path_of(self.parameters.mesh_dir or home / 'ebm_concept_ros' / 'meshes')
            return robot_description(self._arm.name, model, self._tree, MeshFolder(folder))
        except (OSError, ConfigError) as error:
            raise InvalidParameter(f'parameter mesh_dir: {error}') from None

    def _create_ends(self) -> None:
        publisher, p = self.create_publisher, self.parameters
        if self._tree is not None:
            self._description_publisher = publisher(
                String, 'robot_description', **qos.overridable(qos.LATCHED)
            )
            self._transform_publisher = publisher(
                TFMessage, '/tf', **qos.overridable(qos.TRANSFORMS)
            )
            self._static_publisher = publisher(
                TFMessage, '/tf_static', **qos.overridable(qos.LATCHED)
            )
        self._marker_publisher = publisher(MarkerArray, '~/markers', **qos.overridable(qos.MARKERS))
        self._map_publisher = publisher(OccupancyGrid, '~/energy', **qos.overridable(qos.LATCHED))
        for kind, topic, profile, take in (
            (JointState, 'joint_states', qos.JOINT_STATES_REAL_TIME, self._on_joint_state),
            (ros.Scene, 'scene', qos.LATCHED, self._on_scene),
            (ros.ControllerStatus, 'controller/status', qos.STATUS_LOOKED_AT, self._on_status),
            (JointTrajectory, 'controller/plan', qos.PLANS, self._on_plan),
            (ros.EnergyGrid, 'controller/energy', qos.LATCHED, self._on_energy),
            (ros.Concept, 'concept', qos.LATCHED, self._on_concept),
            (ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS, self._on_demonstration),
        ):
            self.create_subscription(kind, topic, take, **qos.overridable(profile))
        # On the steady clock: simulated time may stand still, and a view shall say so.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / p.transform_rate, self._publish_transforms, clock=clock)
        self.create_timer(1.0 / p.marker_rate, self._publish_markers, clock=clock)

    # What it hears ---------------------------------------------------------------------------

    def _on_joint_state(self, message: JointState) -> None:
        try:
            self._sample = conversions.joint_state_from_message(message, self._arm.joint_names)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return
        self._diagnostics.accept('joint_states')
        self._stamp_ns = self._sample.stamp_ns

    def _on_scene(self, message: ros.Scene) -> None:
        try:
            named = conversions.scene_from_message(message, self._workspace)
            in_base = message.header.frame_id == self._workspace.base_frame
            self._markers.scene(named, message.entities if in_base else ())
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            return
        self._accept('scene')

    def _on_status(self, message: ros.ControllerStatus) -> None:
        self._markers.status(message)
        self._changed = True

    def _on_plan(self, message: JointTrajectory) -> None:
        try:
            positions = conversions.plan_from_message(message, self._planned_joints)
        except InvalidInput as error:
            self._diagnostics.refuse('plan', error)
            return
        self._markers.plan(self._kinematics(positions)[0])
        self._accept('plan')

    def _on_energy(self, message: ros.EnergyGrid) -> None:
        try:
            energy = conversions.energy_from_message(message, self._workspace.base_frame)
        except InvalidInput as error:
            self._diagnostics.refuse('energy', error)
            return
        self._diagnostics.accept('energy')
        self._show_energy(energy, conversions.stamp_to_ns(message.header.stamp))

    def _show_energy(self, energy: EnergyOverTable | None, stamp_ns: int) -> None:
        if energy is not None:
            height_m = self._workspace.table_height_in_base_m + _MAP_ABOVE_TABLE_M
            frame = self._workspace.base_frame
            self._map = views.energy_to_map(energy, frame, height_m, stamp_ns)
        elif self._map is not None:
            self._map = views.forgotten_map(self._map)
        if self._map is not None:
            self._map_publisher.publish(self._map)

    def _on_concept(self, message: ros.Concept) -> None:
        size = len(message.terms[0].action_code) if message.terms else 0
        try:
            concept = conversions.concept_from_message(message, message.model_sha256, size)
        except InvalidInput as error:
            self._diagnostics.refuse('concept', error)
            return
        names = [(term.name, term.demonstrations) for term in concept.terms]
        self._markers.concept(names, why_not_understood(concept))
        self._accept('concept')

    def _on_demonstration(self, message: ros.Demonstration) -> None:
        now_s = time.monotonic()
        try:
            named = conversions.demonstration_from_message(message, self._workspace)
        except InvalidInput as error:  # the learner reports it; here it is shown
            self._markers.refused_demonstration(message, str(error), now_s)
        else:
            self._markers.demonstration(named, now_s)
        self._changed = True

    def _accept(self, part: str) -> None:
        self._diagnostics.accept(part)
        self._changed = True

    # What it says ----------------------------------------------------------------------------

    def _publish_transforms(self) -> None:
        sample, now_ns = self._sample, self.get_clock().now().nanoseconds
        if sample is None or self._tree is None:
            return
        stamp_ns = transform_stamp_ns(sample, self._transformed, now_ns)
        if stamp_ns is None:
            return
        self._transformed = sample
        at = dict(zip(self._arm.joint_names, sample.positions_rad, strict=True))
        moved = ((j, j.at(at[j.name])) for j in self._tree.joints if j.moves)
        self._transform_publisher.publish(views.transforms_to_message(moved, stamp_ns))

    def _publish_markers(self) -> None:
        now_s = time.monotonic()
        if not self._changed and now_s < self._said_s + _REPEAT_S:
            return
        self._changed, self._said_s = False, now_s
        shown = self._markers.shown(now_s)
        self._marker_publisher.publish(self._board.message(shown, self._stamp_ns))
        self._diagnostics.set('view', Level.OK, 'showing', markers=len(shown))


def transform_stamp_ns(sample: JointSample, before: JointSample | None, now_ns: int) -> int | None:
    """Return the stamp of a joint state's transforms; None: they have been published.

    before: what was published last. tf takes no stamp twice; a driver that never stamps gives the
    same one for other positions, and they get the time that it is now.
    """
    if before is None or sample.stamp_ns != before.stamp_ns:
        return sample.stamp_ns
    is_same = np.array_equal(sample.positions_rad, before.positions_rad)
    return None if is_same or sample.stamp_ns else now_ns


def main() -> int:
    """Run the node."""
    return run(LiveView)


if __name__ == '__main__':
    sys.exit(main())
