# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the simulator waits for a torque and has it act: by the wall clock, or in lockstep.

After a hold, and after a time that stood still or began anew, the torque comes to what is commanded
within its rates.
"""

from __future__ import annotations

import time

import numpy as np

from ebm_concept_ros.arm.editable_simulation import EditableSimulation
from ebm_concept_ros.arm.watchdog import CommandWatchdog
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.nodes.command_inbox import CommandInbox
from ebm_concept_ros.nodes.command_input import COMMANDS, CommandInput
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters
from ebm_concept_ros.nodes.simulator_topics import SimulatorTopics

# In lockstep an unanswered state is sent again: a controller may have come later.
_RESEND_AFTER_S = 0.25


class Motors:
    """What both have in common. Used by the simulation's thread."""

    def __init__(
        self,
        parameters: SimulatorParameters,
        world: EditableSimulation,
        commands: CommandInput,
        diagnostics: Diagnostics,
    ) -> None:
        self._parameters, self._world = parameters, world
        self._commands, self._diagnostics = commands, diagnostics
        self._holding = True
        self._rejoining = False  # what is applied is on its way to what is commanded
        self.missed_deadlines = 0

    def start(self, goes_on: bool) -> None:
        """Begin by holding. goes_on: from another time than that of the start."""
        self.begin_again()
        self._holding, self._rejoining = True, goes_on

    def begin_again(self) -> None:
        """Forget what was commanded for the time before."""
        self._commands.forget()
        self._rejoining = True

    def wait(self, stamp_ns: int, inbox: CommandInbox) -> bool:
        """Set the torque of the step after the state of a stamp, once that is to be done.

        Returns False where the inbox has something else to be done first.
        """
        raise NotImplementedError

    def _apply(self, effort_nm: np.ndarray) -> None:
        if self._rejoining:
            self._rejoining = not self._world.sim.approach(effort_nm)
        else:
            self._world.sim.apply(effort_nm)


class RealTimeMotors(Motors):
    """A command acts while it is fresh; otherwise the arm is held."""

    def __init__(
        self,
        parameters: SimulatorParameters,
        world: EditableSimulation,
        commands: CommandInput,
        diagnostics: Diagnostics,
    ) -> None:
        super().__init__(parameters, world, commands, diagnostics)
        self._watchdog = CommandWatchdog(parameters.command_timeout_s)
        self._pacer = Pacer(1.0 / parameters.rate)

    def begin_again(self) -> None:
        """See Motors; deadlines that have passed are forgotten, too."""
        super().begin_again()
        self._watchdog.clear()
        self._pacer = Pacer(1.0 / self._parameters.rate)

    def wait(self, stamp_ns: int, inbox: CommandInbox) -> bool:
        """See Motors; at the next deadline."""
        missed = self._pacer.missed
        self._pacer.wait()
        self.missed_deadlines += self._pacer.missed - missed
        now = time.monotonic()
        self._take(stamp_ns, now)
        effort_nm = self._watchdog.effort(now)
        if effort_nm is None:
            self._hold()
            return True
        if self._holding:
            self._holding = False
            self._rejoining = True
            self._diagnostics.set('commands', Level.OK, 'commands are fresh')
        self._apply(effort_nm)
        return True

    def _take(self, stamp_ns: int, now_s: float) -> None:
        command = self._commands.newest()
        if command is None:
            return
        timeout_s = self._parameters.command_timeout_s
        age_s = (stamp_ns - command.stamp_ns) / 1e9
        # An unstamped command is as old as its arrival.
        if command.stamp_ns and not -timeout_s <= age_s <= timeout_s:
            self._diagnostics.refuse(
                'commands',
                f'{COMMANDS}.header.stamp: the state it answers is {age_s:.3f} s '
                f'old, at most {timeout_s} s are allowed',
            )
            return
        self._diagnostics.accept('commands')
        self._watchdog.accept(now_s, command.efforts_nm)

    def _hold(self) -> None:
        self._world.sim.hold()
        if not self._holding:
            self._holding = True
            timeout_ms = self._parameters.command_timeout_s * 1e3
            self._diagnostics.set(
                'commands', Level.WARN, f'holding: no command for {timeout_ms:.0f} ms'
            )


class LockstepMotors(Motors):
    """Simulated time waits for the command that carries the stamp of the last joint state."""

    def __init__(
        self,
        parameters: SimulatorParameters,
        world: EditableSimulation,
        commands: CommandInput,
        diagnostics: Diagnostics,
        topics: SimulatorTopics,
    ) -> None:
        super().__init__(parameters, world, commands, diagnostics)
        self._topics = topics

    def wait(self, stamp_ns: int, inbox: CommandInbox) -> bool:
        """See Motors."""
        began = time.monotonic()
        reported = False
        while (command := inbox.wait_for_answer(stamp_ns, _RESEND_AFTER_S)) is None:
            if inbox.interrupted:
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
