# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `simulator`: the arm over its table in MuJoCo, behind the topics that a real arm has.

Publishes `scene`, `joint_states` and `/clock`, and applies `joint_effort_commands`. It runs in real
time on an absolute deadline, or in lockstep: then simulated time waits for the command that
carries the stamp of the last joint state, so that a run does not depend on the machine's speed.

Where no fresh command is there the simulator holds the arm by itself, and says so.
"""

from __future__ import annotations

import sys
import threading
import time

from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.watchdog import CommandWatchdog
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.command_inbox import CommandInbox
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, declare
from ebm_concept_ros.nodes.runtime.resources import load_arm_parameter, load_workspace_parameter
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters, load_table
from ebm_concept_ros.nodes.window import Window
from ebm_core.world.scene import InvalidInput

# In lockstep an unanswered state is sent again: a controller may have come later.
_RESEND_AFTER_S = 0.25
_RESET_TIMEOUT_S = 5.0
_WINDOW_RATE = 30.0


class Simulator(RunnableDefaults, Node):
    """Steps the simulation in a thread of its own; the executor only receives commands."""

    events_executor = True

    def __init__(self) -> None:
        super().__init__('simulator')
        p = self.parameters = declare(self, SimulatorParameters)
        arm = load_arm_parameter(p.arm, p.robot_description)
        self._workspace = load_workspace_parameter(p.workspace_config)
        table_scene = load_table(p, self._workspace)
        self._joints = arm.joint_names
        try:
            self._sim = ArmSimulation(arm, self._workspace, table_scene, 1.0 / p.rate)
        except ConfigError as error:  # the arm and the workspace do not go together
            raise InvalidParameter(f'parameters arm, workspace_config: {error}') from None
        self._window = None if p.headless else Window(self._sim)
        self._tick = 0
        self._watchdog = CommandWatchdog(p.command_timeout_s)
        self._inbox = CommandInbox()
        self._holding = True
        self._missed_deadlines = 0
        self._diagnostics = Diagnostics(self)
        self._state_publisher = self.create_publisher(
            JointState, 'joint_states', **qos.overridable(qos.JOINT_STATES_PUBLISHED)
        )
        self._scene_publisher = self.create_publisher(
            ros.Scene, 'scene', **qos.overridable(qos.LATCHED)
        )
        self._clock_publisher = self.create_publisher(Clock, '/clock', **qos.overridable(qos.CLOCK))
        self._command_subscription = self.create_subscription(
            JointState, 'joint_effort_commands', self._on_command, **qos.overridable(qos.COMMANDS)
        )
        self._reset_service = self.create_service(Trigger, '~/reset', self._on_reset)
        self._thread = threading.Thread(target=self._simulate, name='simulation', daemon=True)

    def start(self) -> None:
        """Start simulated time."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it."""
        self._inbox.end()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        if self._window is not None:
            self._window.close()

    # Executor thread -------------------------------------------------------------------------

    def _on_command(self, message: JointState) -> None:
        try:
            command = conversions.effort_from_message(message, self._joints)
        except InvalidInput as error:
            self._diagnostics.refuse('commands', error)
            return
        self._inbox.put(command)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        done = self._inbox.request_reset(_RESET_TIMEOUT_S)
        response.success = done
        response.message = 'reset' if done else 'the simulation did not answer'
        return response

    # Simulation thread -----------------------------------------------------------------------

    def _simulate(self) -> None:
        pacer = Pacer(1.0 / self.parameters.rate)
        try:
            self._diagnostics.set('commands', Level.OK, 'holding: no command yet')
            while not self._inbox.ended:
                self._reset_if_requested()
                self._publish()
                if self._window_was_closed():
                    self.exit_code = 0
                    return
                if self.parameters.lockstep:
                    if not self._wait_for_answer():
                        continue
                else:
                    pacer.wait()
                    self._missed_deadlines = pacer.missed
                    self._apply_newest()
                self._sim.step()
                self._tick += 1
        except Exception as error:  # said here, or a dead thread would look like a slow one
            self._diagnostics.set('simulation', Level.ERROR, f'ended: {name_and_reason(error)}')
            self.exit_code = 1

    def _reset_if_requested(self) -> None:
        if self._inbox.reset_requested:
            self._sim.reset()
            self._tick = 0
            self._watchdog.clear()
            self._inbox.reset_done()

    def _window_was_closed(self) -> bool:
        return self._window is not None and self._every(_WINDOW_RATE) and not self._window.show()

    def _stamp_ns(self) -> int:
        return round(self._tick * 1e9 / self.parameters.rate)

    def _every(self, rate: float) -> bool:
        return self._tick % max(1, round(self.parameters.rate / rate)) == 0

    def _publish(self) -> None:
        stamp_ns = self._stamp_ns()
        if self._every(self.parameters.clock_rate):
            self._clock_publisher.publish(Clock(clock=conversions.ns_to_stamp(stamp_ns)))
        if self._every(self.parameters.scene_rate):
            self._scene_publisher.publish(
                conversions.table_scene_to_message(
                    self._sim.table_scene,
                    self._sim.entity_positions_in_base_m(),
                    self._sim.effector_in_base_m,
                    self._workspace,
                    stamp_ns,
                )
            )
        if self._tick % round(self.parameters.rate) == 0:
            self._diagnostics.set(
                'simulation',
                Level.OK,
                'lockstep' if self.parameters.lockstep else 'real time',
                simulated_time_s=stamp_ns / 1e9,
                missed_deadlines=self._missed_deadlines,
            )
        self._publish_state(stamp_ns)

    def _publish_state(self, stamp_ns: int) -> None:
        sim = self._sim
        self._state_publisher.publish(
            conversions.joint_state_to_message(
                self._joints,
                sim.joint_positions_rad,
                sim.joint_velocities_rad_s,
                sim.applied_effort_nm,
                stamp_ns,
            )
        )

    def _apply_newest(self) -> None:
        """Real time: apply the last command while it is fresh, otherwise hold."""
        now = time.monotonic()
        command = self._inbox.take()
        if command is not None:
            age_s = (self._stamp_ns() - command.stamp_ns) / 1e9
            timeout_s = self.parameters.command_timeout_s
            # An unstamped command is as old as its arrival.
            if command.stamp_ns and not -timeout_s <= age_s <= timeout_s:
                self._diagnostics.refuse(
                    'commands',
                    f'joint_effort_commands.header.stamp: the state it answers is {age_s:.3f} s '
                    f'old, at most {timeout_s} s are allowed',
                )
            else:
                self._diagnostics.accept('commands')
                self._watchdog.accept(now, command.efforts_nm)
        effort = self._watchdog.effort(now)
        if effort is not None:
            self._sim.apply(effort)
            if self._holding:
                self._holding = False
                self._diagnostics.set('commands', Level.OK, 'commands are fresh')
            return
        self._sim.hold()
        if not self._holding:
            self._holding = True
            self._diagnostics.set(
                'commands',
                Level.WARN,
                f'holding: no command for {self.parameters.command_timeout_s * 1e3:.0f} ms',
            )

    def _wait_for_answer(self) -> bool:
        """Lockstep: wait for the command that answers the last state, and apply it.

        Returns False when the node stops or a reset was asked for instead.
        """
        stamp_ns = self._stamp_ns()
        began = time.monotonic()
        reported = False
        while (command := self._inbox.wait_for_answer(stamp_ns, _RESEND_AFTER_S)) is None:
            if self._inbox.interrupted:
                return False
            if time.monotonic() - began > self.parameters.lockstep_report_s:
                reported = True
                self._diagnostics.set('commands', Level.WARN, self._whom_it_waits_for(stamp_ns))
            self._publish_state(stamp_ns)
        self._diagnostics.accept('commands')
        self._sim.apply(command.efforts_nm)
        if reported or self._holding:
            self._holding = False
            self._diagnostics.set('commands', Level.OK, 'commands answer every state')
        return True

    def _whom_it_waits_for(self, stamp_ns: int) -> str:
        senders = [
            info.node_name for info in self.get_publishers_info_by_topic('joint_effort_commands')
        ]
        whom = ', '.join(sorted(set(senders))) or 'a controller: nobody publishes there'
        return (
            f'waiting on joint_effort_commands for the answer to the state of '
            f'{stamp_ns / 1e9:.3f} s from {whom}'
        )


def main() -> int:
    """Run the node."""
    return run(Simulator)


if __name__ == '__main__':
    sys.exit(main())
