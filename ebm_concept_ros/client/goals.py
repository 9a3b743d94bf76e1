# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Goals of one action, asked for one after the other: the newest is the one that is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.task import Future
from std_srvs.srv import Trigger

from ebm_concept_ros.client.node_calls import NodeCalls, Refused

_DRIVERS = ('controller', 'arranger')  # one of them drives the arm, never both
_OTHER_S = 2.0


class Goals:
    """What one node, `driver`, is asked for by one action.

    refusals: codes of results of goals that have not begun.
    """

    def __init__(
        self, calls: NodeCalls, kind: type, driver: str, action: str, refusals: Collection[int]
    ) -> None:
        self.driver = driver
        self._calls, self._kind, self._refusals = calls, kind, refusals
        self._name = f'{driver}/{action}'
        self._client = ActionClient(calls.node, kind, self._name)
        self._asked = 0  # goals so far
        self._goal: ClientGoalHandle | None = None
        self._result: Future | None = None
        self.feedback: Any = None  # the newest of this goal
        self._heard: Callable[[Any], None] = lambda feedback: None

    def ask(self, **fields: object) -> None:
        """Send a goal and return once it has begun; raises Refused where it does not."""
        self._meet()
        self.feedback = self._result = None
        self._asked = number = self._asked + 1

        def on_feedback(message: Any) -> None:
            if number == self._asked:  # the goal before has some until it has ended
                self.feedback = message.feedback
                self._heard(message.feedback)

        sent = self._client.send_goal_async(
            self._kind.Goal(**fields), feedback_callback=on_feedback
        )
        answer = f'an answer of {self._name}'
        self._calls.spin_until(sent.done, answer)
        self._goal = sent.result()
        result = self._result = self._goal.get_result_async()
        self._calls.spin_until(
            lambda: self.feedback is not None or result.done(), 'the goal to begin'
        )
        if result.done() and result.result().result.code in self._refusals:
            self._result = None
            raise Refused(result.result().result.message)

    def wait(self, timeout_s: float, heard: Callable[[Any], None]) -> Any:
        """Return the result, None where it has none within timeout_s, s by the wall clock."""
        if self._result is None:
            raise Refused('nothing was asked for that has begun')
        self._heard = heard
        try:
            self._calls.spin_until(self._result.done, 'the end', timeout_s)
        except TimeoutError:
            return None
        finally:
            self._heard = lambda feedback: None
        return self._result.result().result

    def cancel(self) -> str:
        """Cancel the goal and return what its end says; nothing where it had ended by itself."""
        if self._result is None or self._result.done():
            return ''
        cancelled = self._goal.cancel_goal_async()
        self._calls.spin_until(cancelled.done, f'an answer of {self._name}')
        self._calls.spin_until(self._result.done, 'the end of the goal')
        ended = self._result.result()
        return ended.result.message if ended.status == GoalStatus.STATUS_CANCELED else ''

    def _meet(self) -> None:
        """Wait for the driver; raises Refused where the arm is driven by another one."""
        is_ready, within_s = self._client.server_is_ready, self._calls.timeout_s
        # The other may just be ending, and this one about to come.
        patient_until_s = time.monotonic() + min(_OTHER_S, within_s / 2)

        def others() -> list[str]:
            drivers = _drivers(self._calls)
            return [] if self.driver in drivers else drivers

        self._calls.spin_until(
            lambda: is_ready() or (time.monotonic() > patient_until_s and others()),
            f'the action {self._name}',
        )
        if not is_ready():
            raise Refused(
                f'{self._name}: no {self.driver} is there, what drives the arm is the {others()[0]}'
            )


def tell_driver(calls: NodeCalls, service: str, asked: Goals | None) -> str:
    """Call pause, resume or stop of whoever drives the arm; return what it says.

    asked: of whom something was asked last: one that was killed is discovered for a while longer.
    """
    calls.spin_until(lambda: _drivers(calls), 'a controller or an arranger')
    drivers = _drivers(calls)
    driver = asked.driver if asked is not None and asked.driver in drivers else drivers[0]
    return calls.call(Trigger, f'{driver}/{service}').message


def _drivers(calls: NodeCalls) -> list[str]:
    """Return who drives the arm, as far as they are discovered."""
    names = calls.publishers_of('controller/status')
    return [driver for driver in _DRIVERS if driver in names]
