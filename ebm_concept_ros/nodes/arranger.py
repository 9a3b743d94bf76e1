# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `arranger` (lifecycle): brings concepts about by moving blocks with the arm's own hand.

In place of the controller, where things are to be moved: it takes `joint_states` and `scene`,
publishes `joint_effort_commands`, for the fingers too, and says on `controller/status` what it
does. Goals of the action `arrange` say what for; it has the controller's `pause`, `resume`, `stop`.

Whatever ends or interrupts a goal, the arm holds and keeps what is in its hand. Before the first
goal nothing is commanded.
"""

from __future__ import annotations

import sys
import threading
from array import array
from contextlib import ExitStack

import numpy as np
from rclpy.clock import Clock, ClockType
from std_msgs.msg import Header
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arranging import arranger as arranging
from ebm_concept_ros.control.contact_reflex import IGNORE
from ebm_concept_ros.control.control_law import Decision, Mode
from ebm_concept_ros.control.priority import prioritise
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.conversions.blocks import BlockReader
from ebm_concept_ros.grasping.arranging_arm import ArrangingArm
from ebm_concept_ros.grasping.contact import ContactWatch
from ebm_concept_ros.grasping.sensed import SensedWorld
from ebm_concept_ros.grasping.tasks import Code, Progress
from ebm_concept_ros.nodes.arm_link import ArmLink
from ebm_concept_ros.nodes.arrange_action import ArrangeAction
from ebm_concept_ros.nodes.arranger_setup import ArrangerParameters, ArrangerSetup, load_arranger
from ebm_concept_ros.nodes.effort_output import EffortOutput
from ebm_concept_ros.nodes.joint_state_input import JointStateInput
from ebm_concept_ros.nodes.joint_state_reader import JointStateReader
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.managed import ManagedNode
from ebm_concept_ros.nodes.runtime.running import run
from ebm_concept_ros.types import JointSample
from ebm_core.world.scene import InvalidInput

_LEVELS = {
    Mode.WAITING: Level.OK,
    Mode.HOLDING: Level.OK,
    Mode.TRACKING: Level.OK,
    Mode.FAULT: Level.ERROR,
}
_STOPPED = 'stopped: holds until another goal comes'
_JOIN_TIMEOUT_S = 5.0


class Arranger(ManagedNode):
    """Converts messages and holds the arm's thread; `ArrangingArm` decides."""

    _states: JointStateInput | None = None  # there, before the node is made or could not be
    _action: ArrangeAction | None = None

    def __init__(self) -> None:
        super().__init__('arranger', ArrangerParameters)
        self._setup: ArrangerSetup | None = None
        self._arm: ArrangingArm | None = None
        self._link: ArmLink | None = None
        self._thread: threading.Thread | None = None
        self._ids: tuple[str, ...] = ()

    def configure(self, undo: ExitStack) -> str:
        """Load arm, hand, workspace and weights."""
        p = self.parameters
        setup = self._setup = load_arranger(p)
        self._output = EffortOutput(self, p, setup.joint_names)
        undo.callback(self._output.destroy)
        self._status = self.create_publisher(
            ros.ControllerStatus, 'controller/status', **qos.overridable(qos.STATUS)
        )
        undo.callback(self.destroy_publisher, self._status)
        self._action = ArrangeAction(
            *(self, setup.workspace, lambda: self._arm, self._diagnostics, p.learner_timeout_s)
        )
        undo.callback(self._action.destroy)
        return f'arm {setup.arm.name} with hand {p.hand}, weights {setup.model.sha256[:12]}'

    def activate(self, undo: ExitStack) -> None:
        """Listen, and be ready for goals."""
        p, setup = self.parameters, self._setup
        reader = JointStateReader(
            p, setup.joint_names, lambda: self.get_clock().now().nanoseconds, p.lockstep
        )
        link = self._link = ArmLink(
            *(p.lockstep, p.state_rate, p.scene_rate, self._listen, self._send)
        )
        world = SensedWorld(setup.arm, setup.hand, setup.workspace, 1.0 / p.state_rate, link)
        planner = arranging.Arranger(setup.model, setup.workspace, setup.hand.room, seed=p.seed)
        self._blocks = BlockReader(setup.workspace)
        contact = None if p.on_contact == IGNORE else ContactWatch(setup.arm, setup.hand)
        self._arm = ArrangingArm(
            *(world, planner, p.lockstep, self._report_change, link.missing, contact)
        )
        link.while_waiting = self._arm.while_waiting
        self._states = JointStateInput(self, p.lockstep, reader, self._diagnostics, link.take_state)
        undo.callback(self._states.destroy)
        scenes = self.create_subscription(
            ros.Scene, 'scene', self._on_scene, **qos.overridable(qos.LATCHED)
        )
        undo.callback(self.destroy_subscription, scenes)
        for name, answer in (
            ('pause', lambda arm: (True, arm.pause())),
            ('resume', lambda arm: arm.resume()),
            ('stop', self._stop_arm),
        ):
            service = self.create_service(Trigger, f'~/{name}', self._answering(answer))
            undo.callback(self.destroy_service, service)
        timer = self.create_timer(
            *(1.0 / p.status_rate, self._tick), clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        undo.callback(self.destroy_timer, timer)
        self._thread = threading.Thread(
            target=self._run, args=(self._arm,), name='arm', daemon=True
        )
        self._thread.start()

    def halt(self) -> None:
        """Stop every torque; the simulator, or the arm's own brakes, hold."""
        arm, self._arm = self._arm, None
        if arm is None:
            return
        self._action.end_waiting(Code.STOPPED, 'the arranger was deactivated')
        arm.interrupt(Code.STOPPED, 'the arranger was deactivated')
        arm.end()
        self._link.end()
        if self._thread is not None:  # activation may have failed before
            self._thread.join(_JOIN_TIMEOUT_S)
            self._thread = None

    def stop(self) -> None:
        """Stop every torque."""
        super().stop()
        if self._action is not None:
            self._action.wait_until_told()

    def destroy_node(self) -> None:
        """Give all back that the middleware has given."""
        if self._states is not None:
            self._states.destroy()
        super().destroy_node()

    # Executor thread -------------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        try:
            seen = self._blocks.read(message)
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            return
        self._diagnostics.accept('scene')
        self._ids = seen.table.ids
        self._link.take_seen(seen)

    def _answering(self, answer: object) -> object:
        def callback(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            response.success, response.message = answer(self._arm)
            return response

        return callback

    def _stop_arm(self, arm: ArrangingArm) -> tuple[bool, str]:
        self._action.end_waiting(Code.STOPPED, _STOPPED)
        arm.interrupt(Code.STOPPED, _STOPPED)
        return True, _STOPPED

    def _tick(self) -> None:
        arm = self._arm
        if arm is None:  # it is being deactivated
            return
        self._action.tick(arm.progress)
        self._publish_status(arm.progress)

    def _publish_change(self, progress: Progress) -> None:
        if self._arm is not None:
            self._publish_status(progress)

    def _publish_status(self, progress: Progress) -> None:
        taking_part = {*progress.movers, *progress.references}
        message = ros.ControllerStatus(
            header=Header(frame_id=self._setup.workspace.base_frame),
            state=int(progress.mode),
            reason=progress.reason,
            concept=progress.concept,
            energy=np.nan,
            entity_ids=list(self._ids),
            attention=array('d', [float(id_ in taking_part) for id_ in self._ids]),
            plan_time_s=np.nan,
            refused_inputs=self._diagnostics.refused,
        )
        message.goal_in_base = conversions.point([np.nan] * 3)
        self._status.publish(message)

    # The arm's thread ------------------------------------------------------------------------

    def _run(self, arm: ArrangingArm) -> None:
        p = self.parameters
        if p.control_priority and not p.lockstep:
            how = prioritise(p.control_priority)
            self._diagnostics.set('scheduling', Level.OK, f'the control thread: {how}')
        arm.run()

    def _listen(self) -> None:
        self._states.look()

    def _send(self, sample: JointSample, effort_nm: np.ndarray) -> None:
        decision = Decision(Mode.TRACKING, '', effort_nm, sample.stamp_ns, sample)
        self._output.publish(decision)

    def _report_change(self, progress: Progress) -> None:
        """Say it on /diagnostics, and in a status of its own, however short it lasts."""
        self._diagnostics.set('state', _LEVELS[progress.mode], progress.reason)
        # In the executor's thread, as all that is published but torques.
        self.executor.create_task(self._publish_change, progress)


def main() -> int:
    """Run the node."""
    return run(Arranger)


if __name__ == '__main__':
    sys.exit(main())
