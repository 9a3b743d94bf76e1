# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator's own thread: it steps the simulation, in real time or in lockstep.

In lockstep simulated time waits for the command that carries the stamp of the last joint state, so
that a run does not depend on the machine's speed. In real time a command acts while it is fresh.

After a hold, and after a time that stood still or began anew, the torque comes to what is commanded
within its rates.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum

import numpy as np

from ebm_concept_ros.arm.editable_simulation import EditableSimulation
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.arm.watchdog import CommandWatchdog
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.command_inbox import CommandInbox
from ebm_concept_ros.nodes.command_input import COMMANDS, CommandInput
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters
from ebm_concept_ros.nodes.simulator_topics import SimulatorTopics
from ebm_concept_ros.nodes.window import Window

# In lockstep an unanswered state is sent again: a controller may have come later.
_RESEND_AFTER_S = 0.25
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
        self._watchdog = CommandWatchdog(parameters.command_timeout_s)
        self._holding = True
        self._missed_deadlines = 0
        self._pacer = Pacer(1.0 / parameters.rate)
        self._rejoining = False  # what is applied is on its way to what is commanded
        self._steps: tuple[int, Future[str]] | None = None  # left to do, and who is told
        self._thread: threading.Thread | None = None
        self.run = Run.PLAYING

    def start(self) -> None:
        """Let simulated time pass."""
        self.inbox = self._commands.inbox = CommandInbox()
        self._begin_again()
        self._holding = True
        self._rejoining = self._tick > 0
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
            self._begin_again()
            self._rejoining = True
        else:
            self._diagnostics.set('simulation', Level.OK, run.name.lower())

    def step(self, count: int) -> Future[str]:
        """Do steps where time stands still; the result is why some were not done, or empty."""
        self._begin_again()
        self._rejoining = True
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
        self._begin_again()
        self._rejoining = True
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
                if self._parameters.lockstep:
                    if not self._wait_for_answer():
                        continue
                else:
                    self._pacer.wait()
                    self._apply_newest()
                self._world.sim.step()
                self._tick += 1
                self._count_step()
        except Exception as error:  # said here, or a dead thread would look like a slow one
            self._diagnostics.set('simulation', Level.ERROR, f'ended: {name_and_reason(error)}')
            self._ended(1)

    def _begin_again(self) -> None:
        """Forget what was commanded for the time before, and that deadlines have passed."""
        self._watchdog.clear()
        self._commands.forget()
        self._missed_deadlines += self._pacer.missed
        self._pacer = Pacer(1.0 / self._parameters.rate)

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
            and (self.run is not Run.PLAYING or self._every(_WINDOW_RATE))
            and not self._window.show(self._world.sim)
        )

    def _stamp_ns(self) -> int:
        return round(self._tick * 1e9 / self._parameters.rate)

    def _every(self, rate: float) -> bool:
        return self._tick % max(1, round(self._parameters.rate / rate)) == 0

    def _publish(self) -> None:
        p, stamp_ns = self._parameters, self._stamp_ns()
        if self._every(p.clock_rate):
            self._topics.time(stamp_ns)
        if self._every(p.scene_rate):
            self._topics.scene(self._world.sim, stamp_ns)
        if self._tick % round(p.rate) == 0:
            self._diagnostics.set(
                'simulation',
                Level.OK,
                'lockstep' if p.lockstep else 'real time',
                simulated_time_s=stamp_ns / 1e9,
                missed_deadlines=self._missed_deadlines + self._pacer.missed,
            )
        self._topics.state(self._world.sim, stamp_ns)

    def _apply_newest(self) -> None:
        """Real time: apply the last command while it is fresh, otherwise hold."""
        now, timeout_s = time.monotonic(), self._parameters.command_timeout_s
        self._commands.look()
        command = self.inbox.take()
        if command is not None:
            age_s = (self._stamp_ns() - command.stamp_ns) / 1e9
            # An unstamped command is as old as its arrival.
            if command.stamp_ns and not -timeout_s <= age_s <= timeout_s:
                self._diagnostics.refuse(
                    'commands',
                    f'{COMMANDS}.header.stamp: the state it answers is {age_s:.3f} s '
                    f'old, at most {timeout_s} s are allowed',
                )
            else:
                self._diagnostics.accept('commands')
                self._watchdog.accept(now, command.efforts_nm)
        effort = self._watchdog.effort(now)
        if effort is not None:
            if self._holding:
                self._holding = False
                self._rejoining = True
                self._diagnostics.set('commands', Level.OK, 'commands are fresh')
            self._apply(effort)
            return
        self._world.sim.hold()
        if not self._holding:
            self._holding = True
            self._diagnostics.set(
                'commands', Level.WARN, f'holding: no command for {timeout_s * 1e3:.0f} ms'
            )

    def _apply(self, effort_nm: np.ndarray) -> None:
        if self._rejoining:
            self._rejoining = not self._world.sim.approach(effort_nm)
        else:
            self._world.sim.apply(effort_nm)

    def _wait_for_answer(self) -> bool:
        """Lockstep: wait for the command that answers the last state, and apply it.

        Returns False when the node stops or something else is to be done first.
        """
        stamp_ns = self._stamp_ns()
        began = time.monotonic()
        reported = False
        while (command := self.inbox.wait_for_answer(stamp_ns, _RESEND_AFTER_S)) is None:
            if self.inbox.interrupted:
                return False
            if time.monotonic() - began > self._parameters.lockstep_report_s:
                reported = True
                self._diagnostics.set('commands', Level.WARN, self._whom_it_waits_for(stamp_ns))
            self._topics.state(self._world.sim, stamp_ns)
        self._diagnostics.accept('commands')
        self._apply(command.efforts_nm)
        if reported or self._holding:
            self._holding = False
            self._diagnostics.set('commands', Level.OK, 'commands answer every state')
        return True

    def _whom_it_waits_for(self, stamp_ns: int) -> str:
        senders = self._topics.senders_of_commands()
        whom = ', '.join(senders) or 'a controller: nobody publishes there'
        return (
            f'waiting on {COMMANDS} for the answer to the state of {stamp_ns / 1e9:.3f} s from '
            f'{whom}'
        )
