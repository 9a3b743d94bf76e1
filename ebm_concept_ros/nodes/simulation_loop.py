# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator's own thread: it steps the simulation, in real time or in lockstep.

In lockstep a run does not depend on the machine's speed. Which torque acts say `simulated_motors`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum

from ebm_concept_ros.arm.editable_simulation import EditableSimulation
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.command_inbox import CommandInbox
from ebm_concept_ros.nodes.command_input import CommandInput
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.simulated_motors import LockstepMotors, RealTimeMotors
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters
from ebm_concept_ros.nodes.simulator_topics import SimulatorTopics
from ebm_concept_ros.nodes.window import Window

_WINDOW_RATE = 30.0
_JOIN_TIMEOUT_S = 5.0
_PAUSED_LOOK_S = 0.1


class Run(IntEnum):
    """Whether simulated time passes; values as in SimulationState.msg. Stopped is at its start."""

    STOPPED = 0
    PLAYING = 1
    PAUSED = 2


class SimulationLoop:
    """Started and stopped any number of times; simulated time goes on from where it was.

    What is said to be asked for by the inbox is done by the loop's own thread between two steps.
    ended: told the exit status where the loop ends by itself.
    """

    def __init__(
        self,
        parameters: SimulatorParameters,
        world: EditableSimulation,
        topics: SimulatorTopics,
        commands: CommandInput,
        diagnostics: Diagnostics,
        window: Window | None,
        ended: Callable[[int], None],
    ) -> None:
        self.inbox = CommandInbox()
        self._parameters = parameters
        self._world = world
        self._topics = topics
        self._commands = commands
        self._diagnostics = diagnostics
        self._window = window
        self._ended = ended
        self._tick = 0
        # After so many steps each.
        self._clock_every, self._scene_every, self._window_every, self._told_every = (
            max(1, round(parameters.rate / rate))
            for rate in (parameters.clock_rate, parameters.scene_rate, _WINDOW_RATE, 1.0)
        )
        given = parameters, world, commands, diagnostics
        self._motors = (
            LockstepMotors(*given, topics) if parameters.lockstep else RealTimeMotors(*given)
        )
        self._steps: tuple[int, Future[str]] | None = None  # left to do, and who is told
        self._thread: threading.Thread | None = None
        self.run = Run.PLAYING

    def start(self) -> None:
        """Let simulated time pass."""
        self.inbox = self._commands.inbox = CommandInbox()
        self._motors.start(goes_on=self._tick > 0)
        self._thread = threading.Thread(target=self._simulate, name='simulation', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it stand still."""
        self.inbox.end()
        self._commands.inbox = None
        if self._thread is not None:
            self._thread.join(_JOIN_TIMEOUT_S)
        self._end_steps('the simulator is not active any more')

    # To be asked for by the inbox ------------------------------------------------------------

    def set_run(self, run: Run) -> None:
        """Let time pass, or stand still; steps that are left are not done.

        Stopped, all begins anew.
        """
        self._end_steps(f'it was told to be {run.name.lower()}')
        self.run = run
        if run is Run.STOPPED:
            self.reset(restore_table=True)
        if run is Run.PLAYING:
            self._motors.begin_again()
        else:
            self._diagnostics.set('simulation', Level.OK, run.name.lower())

    def step(self, count: int) -> Future[str]:
        """Do steps where time stands still; the result is why some were not done, or empty."""
        self._motors.begin_again()
        self._steps = count, Future()
        return self._steps[1]

    @property
    def is_stepping(self) -> bool:
        """Tell whether steps are being done that somebody asked for."""
        return self._steps is not None

    def reset(self, restore_table: bool = False) -> None:
        """Put arm, entities and time back; with restore_table, also which entities there are."""
        if restore_table:
            self._world.restore_table()
        self._world.reset()
        self._tick = 0
        self._motors.begin_again()
        if self.run is not Run.PLAYING:
            self._publish()

    def load(self, table: TableScene) -> None:
        """Begin anew over another table, and stay stopped; raises ConfigError."""
        self._world.load(table)
        self.set_run(Run.STOPPED)

    def restore_table(self) -> None:
        """Take away what was spawned and bring back what was deleted; the arm stays as it is."""
        self._world.restore_table()
        self.publish_scene()

    def publish_scene(self) -> None:
        """Publish the scene as it is now, out of its turn."""
        self._topics.scene(self._world.sim, self._stamp_ns())

    # Its own thread --------------------------------------------------------------------------

    def _simulate(self) -> None:
        inbox = self.inbox
        try:
            self._diagnostics.set('commands', Level.OK, 'holding: no command yet')
            while not inbox.ended:
                inbox.do_requests()
                if self._window_was_closed():
                    self._ended(0)
                    return
                if self.run is not Run.PLAYING and self._steps is None:
                    inbox.wait_for_request(_PAUSED_LOOK_S)
                    continue
                self._publish()
                if not self._motors.wait(self._stamp_ns(), inbox):
                    continue
                self._world.sim.step()
                self._tick += 1
                self._count_step()
        except Exception as error:  # said here, or a dead thread would look like a slow one
            self._diagnostics.set('simulation', Level.ERROR, f'ended: {name_and_reason(error)}')
            self._ended(1)

    def _count_step(self) -> None:
        if self._steps is None:
            return
        left, told = self._steps
        self._steps = left - 1, told
        if left == 1:
            self.run = Run.PAUSED
            self._publish()  # what became of them
            self._end_steps('')

    def _end_steps(self, reason: str) -> None:
        steps, self._steps = self._steps, None
        if steps is not None:
            steps[1].set_result(f'{steps[0]} steps were not done: {reason}' if reason else '')

    def _window_was_closed(self) -> bool:
        return (
            self._window is not None
            and (self.run is not Run.PLAYING or self._tick % self._window_every == 0)
            and not self._window.show(self._world.sim)
        )

    def _stamp_ns(self) -> int:
        return round(self._tick * 1e9 / self._parameters.rate)

    def _publish(self) -> None:
        tick, stamp_ns = self._tick, self._stamp_ns()
        if tick % self._clock_every == 0:
            self._topics.time(stamp_ns)
        if tick % self._scene_every == 0:
            self._topics.scene(self._world.sim, stamp_ns)
        if tick % self._told_every == 0:
            self._diagnostics.set(
                'simulation',
                Level.OK,
                'lockstep' if self._parameters.lockstep else 'real time',
                simulated_time_s=stamp_ns / 1e9,
                missed_deadlines=self._motors.missed_deadlines,
            )
        self._topics.state(self._world.sim, stamp_ns)
