# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `simulator` (lifecycle): the arm over its table in MuJoCo, behind a real arm's topics.

Publishes `scene`, `joint_states` and `/clock`, and applies `joint_effort_commands`, in real time or
in lockstep. Where no fresh command is there it holds the arm by itself, and says so. With a hand,
its fingers are driven, too, and what is on the table are blocks that can be picked up.

Configure loads arm and table. While the node is not active, simulated time stands still and nothing
is published.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

from ebm_concept_ros.nodes.command_input import CommandInput
from ebm_concept_ros.nodes.runtime.managed import ManagedNode
from ebm_concept_ros.nodes.runtime.resources import load_arm_parameter, load_workspace_parameter
from ebm_concept_ros.nodes.runtime.running import run
from ebm_concept_ros.nodes.simulation_loop import SimulationLoop
from ebm_concept_ros.nodes.simulation_requests import SimulationRequests
from ebm_concept_ros.nodes.simulation_table_services import SimulationTableServices
from ebm_concept_ros.nodes.simulation_time_services import SimulationTimeServices
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters, load_world
from ebm_concept_ros.nodes.simulator_topics import SimulatorTopics
from ebm_concept_ros.nodes.window import Window


class Simulator(ManagedNode):
    """The executor receives requests, in lockstep commands too; `SimulationLoop` does the rest."""

    _commands: CommandInput | None = None  # there, before the node is made or could not be

    def __init__(self) -> None:
        super().__init__('simulator', SimulatorParameters)
        self._loop: SimulationLoop | None = None

    def configure(self, undo: ExitStack) -> str:
        """Load arm and table."""
        p = self.parameters
        arm = load_arm_parameter(p.arm, p.robot_description)
        workspace = load_workspace_parameter(p.workspace_config)
        world = load_world(p, arm, workspace)
        joint_names = world.sim.live.joint_names
        window = None if p.headless else Window(world.sim)
        if window is not None:
            undo.callback(window.close)
        topics = SimulatorTopics(self, joint_names)
        undo.callback(topics.destroy)
        self._world, self._workspace = world, workspace
        self._commands = CommandInput(self, p.lockstep, joint_names, self._diagnostics)
        undo.callback(self._commands.destroy)
        self._loop = SimulationLoop(
            *(p, world, topics, self._commands, self._diagnostics, window, self._end)
        )
        hand = f' with hand {p.hand}' if p.hand else ''
        return f'arm {arm.name}{hand}, {len(world.sim.table_scene.ids)} entities'

    def activate(self, undo: ExitStack) -> None:
        """Let simulated time pass, and listen."""
        self._loop.start()
        requests = SimulationRequests(self._loop, self._diagnostics)
        p, workspace = self.parameters, self._workspace
        undo.callback(SimulationTimeServices(self, requests).destroy)
        undo.callback(SimulationTableServices(self, requests, self._world, p, workspace).destroy)

    def destroy_node(self) -> None:
        """Give all back that the middleware has given."""
        if self._commands is not None:
            self._commands.destroy()
        super().destroy_node()

    def halt(self) -> None:
        """Let simulated time stand still."""
        if self._loop is not None:
            self._loop.stop()

    def _end(self, exit_code: int) -> None:
        self.exit_code = exit_code


def main() -> int:
    """Run the node."""
    return run(Simulator)


if __name__ == '__main__':
    sys.exit(main())
