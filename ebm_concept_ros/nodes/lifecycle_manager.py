# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `lifecycle_manager`: brings lifecycle nodes up in order, down in reverse, and watches them.

All are configured at the same time, as loading takes seconds and none needs another for it; they
are activated one after the other. A node that falls silent is reported. The others are left alone:
each of ours holds by itself when what it needs stays away. A node that is found unconfigured was
started anew, and is brought up again.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import Field
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.managed_peer import (
    ACTIVE,
    FINALIZED,
    INACTIVE,
    LABELS,
    UNCONFIGURED,
    ManagedPeer,
    NotBrought,
)
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.turns import Turns
from ebm_concept_ros.srv import ManageLifecycleNodes

Command = ManageLifecycleNodes.Request


class LifecycleManagerParameters(Parameters):
    """Parameters of the lifecycle manager."""

    node_names: tuple[str, ...] = Field(
        ('simulator', 'concept_learner', 'controller'),
        description='lifecycle nodes in the order in which they are activated',
    )
    autostart: bool = Field(True, description='configure and activate them without being asked')
    transition_timeout_s: float = Field(
        120.0, ge=1.0, le=600.0, description='of a transition, and of the start of a node, s'
    )
    heartbeat_period_s: float = Field(
        1.0, ge=0.1, le=60.0, description='from one look at their states to the next, s'
    )
    heartbeat_timeout_s: float = Field(
        10.0, ge=0.5, le=600.0, description='after which a node that does not answer is reported, s'
    )
    exit_on_failure: bool = Field(
        False, description='end with status 1 where autostart fails, as a launch file may want it'
    )


class LifecycleManager(RunnableDefaults, Node):
    """Transitions are asked for by a thread of its own; the executor hears the answers."""

    # The usual one would do nothing but look whether a command is carried out yet.
    events_executor = True

    def __init__(self) -> None:
        super().__init__('lifecycle_manager')
        p = self.parameters = declare(self, LifecycleManagerParameters)
        for name in p.node_names:
            if not name or p.node_names.count(name) > 1:
                raise InvalidParameter(
                    f'parameter node_names: {name!r} is empty or there twice in '
                    f'{list(p.node_names)}'
                )
        self._diagnostics = Diagnostics(self)
        self._ended = threading.Event()
        self._peers = [
            ManagedPeer(self, name, p.transition_timeout_s, self._ended) for name in p.node_names
        ]
        self._watched = False  # once they are up, until they are brought down
        self._given_up: set[str] = set()  # came back, and could not be brought up again
        self._returning: set[str] = set()
        self._turns = Turns('transitions', self._failed)
        self._manage = self.create_service(ManageLifecycleNodes, '~/manage_nodes', self._on_command)
        self._is_active = self.create_service(Trigger, '~/is_active', self._on_is_active)
        self._timer = self.create_timer(
            p.heartbeat_period_s, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def start(self) -> None:
        """Bring them up, if the parameters say so."""
        self._diagnostics.set('nodes', Level.OK, 'waiting to be asked')
        if self.parameters.autostart:
            self._turns.later(self._autostart)
        self._turns.start()

    def stop(self) -> None:
        """Ask for nothing any more; the nodes stay as they are."""
        self._ended.set()
        self._turns.end()

    # Executor thread -------------------------------------------------------------------------

    async def _on_command(
        self, request: Command, response: ManageLifecycleNodes.Response
    ) -> ManageLifecycleNodes.Response:
        done: Future = Future(executor=self.executor)

        def job() -> None:
            try:
                message, success = self._carry_out(request.command), True
            except NotBrought as error:
                message, success = str(error), False
                self._failed(error)
            done.set_result((success, message))

        self._turns.later(job)
        response.success, response.message = await done
        return response

    def _on_is_active(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        states = {peer.name: self._what(peer) for peer in self._peers}
        response.success = self._watched and set(states.values()) == {LABELS[ACTIVE]}
        response.message = ', '.join(f'{name} {state}' for name, state in states.items())
        return response

    def _look(self) -> None:
        for peer in self._peers:
            self._diagnostics.set(peer.name, self._level(peer), self._what(peer))
            came_back = self._watched and peer.state == UNCONFIGURED
            if came_back and peer.name not in self._returning | self._given_up:
                self._returning.add(peer.name)
                self._turns.later(lambda peer=peer: self._bring_back(peer))
            elif peer.state == ACTIVE or self._is_silent(peer):
                self._given_up.discard(peer.name)
            peer.ask()

    def _is_silent(self, peer: ManagedPeer) -> bool:
        return time.monotonic() - peer.heard_s > self.parameters.heartbeat_timeout_s

    def _what(self, peer: ManagedPeer) -> str:
        if self._is_silent(peer):
            return f'no answer for {self.parameters.heartbeat_timeout_s:g} s'
        return 'not heard yet' if peer.state is None else LABELS.get(peer.state, 'in between')

    def _level(self, peer: ManagedPeer) -> Level:
        if self._watched and self._is_silent(peer):
            return Level.ERROR
        return Level.WARN if self._watched and peer.state != ACTIVE else Level.OK

    # Thread of the transitions ---------------------------------------------------------------

    def _autostart(self) -> None:
        try:
            self._carry_out(Command.STARTUP)
        except NotBrought:
            if self.parameters.exit_on_failure and not self._ended.is_set():
                self.exit_code = 1
            raise

    def _failed(self, error: Exception) -> None:
        if not self._ended.is_set():
            reason = str(error) if isinstance(error, NotBrought) else name_and_reason(error)
            self._diagnostics.set('nodes', Level.ERROR, reason)

    def _carry_out(self, command: int) -> str:
        """Return what was done; raises NotBrought."""
        up, down = self._peers, self._peers[::-1]
        self._watched = False  # what is under way is not what somebody else did
        self._given_up.clear()
        match command:
            case Command.STARTUP:
                with ThreadPoolExecutor(max(1, len(up))) as pool:
                    list(pool.map(lambda peer: peer.raise_to(INACTIVE), up))
                done = _raise(up)
            case Command.RESUME:
                done = _raise(up)
            case Command.PAUSE:
                done = _lower(down, INACTIVE)
            case Command.RESET:
                done = _lower(down, INACTIVE, UNCONFIGURED)
            case Command.SHUTDOWN:
                done = _lower(down, INACTIVE, UNCONFIGURED, FINALIZED)
            case _:
                raise NotBrought(f'command: {command} is unknown; known are 0 to 4')
        self._watched = done == LABELS[ACTIVE]
        names = ', '.join(peer.name for peer in up)
        self._diagnostics.set('nodes', Level.OK, f'{done}: {names}')
        return f'{done}: {names}'

    def _bring_back(self, peer: ManagedPeer) -> None:
        try:
            if self._watched:
                peer.raise_to(ACTIVE)
                self._diagnostics.set('nodes', Level.OK, f'{peer.name} came back, and is active')
        except NotBrought:
            self._given_up.add(peer.name)
            raise
        finally:
            self._returning.discard(peer.name)


def _raise(peers: Sequence[ManagedPeer]) -> str:
    for peer in peers:
        peer.raise_to(ACTIVE)
    return LABELS[ACTIVE]


def _lower(peers: Sequence[ManagedPeer], *states: int) -> str:
    for state in states:
        for peer in peers:
            peer.lower_to(state)
    return LABELS[states[-1]]


def main() -> int:
    """Run the node."""
    return run(LifecycleManager)


if __name__ == '__main__':
    sys.exit(main())
