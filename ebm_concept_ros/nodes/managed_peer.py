# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Another lifecycle node, as the manager sees it: its state, and how it is brought into another."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.node import Node

UNCONFIGURED = State.PRIMARY_STATE_UNCONFIGURED
INACTIVE = State.PRIMARY_STATE_INACTIVE
ACTIVE = State.PRIMARY_STATE_ACTIVE
FINALIZED = State.PRIMARY_STATE_FINALIZED
LABELS = {
    UNCONFIGURED: 'unconfigured',
    INACTIVE: 'inactive',
    ACTIVE: 'active',
    FINALIZED: 'finalized',
}

_UP = {
    UNCONFIGURED: (Transition.TRANSITION_CONFIGURE, 'configure'),
    INACTIVE: (Transition.TRANSITION_ACTIVATE, 'activate'),
}
_DOWN = {
    ACTIVE: (Transition.TRANSITION_DEACTIVATE, 'deactivate'),
    INACTIVE: (Transition.TRANSITION_CLEANUP, 'cleanup'),
    UNCONFIGURED: (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, 'shutdown'),
}
_HEIGHT = {FINALIZED: 0, UNCONFIGURED: 1, INACTIVE: 2, ACTIVE: 3}
_LOOK_S = 0.02
# An answer is lost where the node has not discovered yet who asks, which ROS does not wait for.
_ASK_AGAIN_S = 1.0


class NotBrought(Exception):
    """A node that did not come into the state that it was to be in; the message names it."""


def next_transition(state: int, goal: int, upwards: bool) -> tuple[int, str] | None:
    """Return id and label of the transition that leads from a primary state towards the goal.

    None where it is there, or beyond; raises NotBrought where no way leads there.
    """
    if state not in _HEIGHT:
        raise NotBrought('is in between two states')
    if upwards:
        if state == FINALIZED:
            raise NotBrought('is finalized, and must be started anew')
        return None if _HEIGHT[state] >= _HEIGHT[goal] else _UP[state]
    return None if _HEIGHT[state] <= _HEIGHT[goal] else _DOWN[state]


class ManagedPeer:
    """Calls that wait are not for the executor's thread.

    ended: set when whoever waits is to give up. timeout_s: of one transition, and of the node's
    start.
    """

    def __init__(self, node: Node, name: str, timeout_s: float, ended: threading.Event) -> None:
        self.name = name
        self.state: int | None = None  # as it was last told
        self.heard_s = time.monotonic()
        self._timeout_s = timeout_s
        self._ended = ended
        # In this order: a node discovers them in the order in which they are made, so that one
        # that has answered the second knows the first, whose answer must not be lost.
        self._change = node.create_client(ChangeState, f'{name}/change_state')
        self._get = node.create_client(GetState, f'{name}/get_state')

    def ask(self) -> None:
        """Have it say its state; `state` and `heard_s` tell when it has."""
        if self._get.service_is_ready():
            self._get.call_async(GetState.Request()).add_done_callback(
                lambda future: self._heard(future.result())
            )

    def raise_to(self, goal: int) -> None:
        """Bring it up to a primary state, through those in between; raises NotBrought."""
        self._bring(goal, upwards=True)

    def lower_to(self, goal: int) -> None:
        """Bring it down to a primary state, through those in between; raises NotBrought."""
        self._bring(goal, upwards=False)

    def _bring(self, goal: int, upwards: bool) -> None:
        try:
            while (step := next_transition(self._told_state(), goal, upwards)) is not None:
                request = ChangeState.Request(transition=Transition(id=step[0], label=step[1]))
                if not self._call(self._change, request).success:
                    raise NotBrought(f'{step[1]} failed; why, it says on its log and /diagnostics')
        except NotBrought as error:
            raise NotBrought(f'{self.name}: {error}') from None

    def _told_state(self) -> int:
        return self._heard(self._call(self._get, GetState.Request(), _ASK_AGAIN_S))

    def _heard(self, answer: GetState.Response) -> int:
        self.state, self.heard_s = answer.current_state.id, time.monotonic()
        return self.state

    def _call(self, client: Client, request: Any, ask_again_s: float = math.inf) -> Any:
        gives_up_s = time.monotonic() + self._timeout_s
        while not client.service_is_ready():
            self._wait(gives_up_s, f'no service {client.srv_name}')
        asked, asked_s = [client.call_async(request)], time.monotonic()
        try:
            while not (done := [future for future in asked if future.done()]):
                self._wait(gives_up_s, f'no answer of {client.srv_name}')
                if time.monotonic() - asked_s > ask_again_s:
                    asked.append(client.call_async(request))
                    asked_s = time.monotonic()
        finally:  # the client would keep what is never answered
            for future in asked:
                client.remove_pending_request(future)
        return done[0].result()

    def _wait(self, gives_up_s: float, what: str) -> None:
        if self._ended.wait(_LOOK_S):
            raise NotBrought('the manager is ending')
        if time.monotonic() > gives_up_s:
            raise NotBrought(f'{what} within {self._timeout_s:g} s')
