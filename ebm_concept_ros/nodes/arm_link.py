# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The way of a torque out, and of the next joint state and what is seen back in.

In lockstep every joint state is answered by one torque, and a scene that is due with it is waited
for, so that a run does not depend on the machine's speed. In real time the newest counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from ebm_concept_ros.control.momentum_observer import Impulse, impulse_at
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.grasping.sensed import SeenBlocks, Sensed
from ebm_concept_ros.grasping.tasks import Ended
from ebm_concept_ros.types import JointSample

_LOOK_S = 0.1
# On the wall clock, after which it is said what is waited for.
_SAID_AFTER_S = 0.5
# What was seen later than a joint state is of a time that has begun anew since.
_MOST_AHEAD_NS = 100_000_000


class ArmLink:
    """See `grasping.sensed.Exchange`; called by the arm's thread, what it is told by others."""

    def __init__(
        self,
        lockstep: bool,
        state_rate: float,
        scene_rate: float,
        listen: Callable[[], None],
        send: Callable[[JointSample, np.ndarray], None],
    ) -> None:
        """listen: real time: tells the joint states that have come. send: publishes a torque.

        while_waiting is called now and then, and ends a wait by raising. It is told what is waited
        for, once that takes long, and nothing again as soon as it has come.
        """
        self.while_waiting: Callable[[str], None] = lambda missing: None
        self._lockstep, self._listen, self._send = lockstep, listen, send
        self._scene_rate = scene_rate
        self._scene_period_ns = round(round(state_rate / scene_rate) * 1e9 / state_rate)
        self._pacer = Pacer(1.0 / state_rate)
        self._changed = threading.Condition()  # guards all below
        self._state: JointSample | None = None
        self._impulse: Impulse | None = None
        self._seen: SeenBlocks | None = None
        self._answer: tuple[JointSample, np.ndarray] | None = None
        self._ended = False

    def missing(self) -> str:
        """Return what has not come yet, in words, or nothing; by the arm's thread."""
        if not self._lockstep:
            self._listen()
        lacking = {'joint states': self._state, 'scene': self._seen}
        return ', '.join(name for name, value in lacking.items() if value is None)

    def take_state(self, sample: JointSample, _: float | None = None) -> None:
        """Take a joint state. In lockstep one that came again is answered again."""
        with self._changed:
            answer = self._answer
            is_answered = answer is not None and answer[0].stamp_ns == sample.stamp_ns
            if not (is_answered and self._lockstep):
                self._impulse = impulse_at(sample, self._state, self._impulse)
                self._state = sample
                self._changed.notify_all()
        if is_answered and self._lockstep:
            self._send(*answer)

    def take_seen(self, seen: SeenBlocks) -> None:
        """Take what is seen."""
        with self._changed:
            self._seen = seen
            self._changed.notify_all()

    def end(self) -> None:
        """Have whoever waits leave with Ended."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __call__(self, answered: JointSample | None, effort_nm: np.ndarray | None) -> Sensed:
        """Send a torque that answers a joint state, and return what is so when it is due next."""
        if effort_nm is not None:
            with self._changed:
                if self._ended:
                    raise Ended
                self._answer = answered, effort_nm
            self._send(answered, effort_nm)
        stamp_ns = None if answered is None else answered.stamp_ns
        began_s, lacking = time.monotonic(), ''
        while True:
            if not self._lockstep:
                self._pacer.wait()
                self._listen()
            with self._changed:
                if self._lockstep:
                    self._changed.wait_for(
                        lambda: self._ended or self._is_due(stamp_ns), timeout=_LOOK_S
                    )
                if self._ended:
                    raise Ended
                now = None
                if self._is_due(stamp_ns):
                    now = Sensed(self._state, self._seen, self._impulse)
                has_waited = bool(lacking)
                if now is None and time.monotonic() - began_s > _SAID_AFTER_S:
                    lacking = self._lacking(stamp_ns)
            if now is not None:
                if has_waited:
                    self.while_waiting('')
                return now
            self.while_waiting(lacking)

    def _lacking(self, answered_ns: int | None) -> str:
        """Return in words what is not there that is due."""
        if self._state is None or self._state.stamp_ns == answered_ns:
            return 'joint states'
        if self._seen is None:
            return 'a scene'
        if not self._lockstep or self._seen.stamp_ns > self._state.stamp_ns:
            return 'joint states as late as the scene'
        at_s = self._due_ns(self._state) / 1e9
        return (
            f'the scene of {at_s:.3f} s, the last one was of {self._seen.stamp_ns / 1e9:.3f} s: '
            f'scene_rate is {self._scene_rate:g} Hz here, whoever sends scenes in lockstep needs it'
        )

    def _due_ns(self, state: JointSample) -> int:
        return state.stamp_ns // self._scene_period_ns * self._scene_period_ns

    def _is_due(self, answered_ns: int | None) -> bool:
        state, seen = self._state, self._seen
        if state is None or seen is None or state.stamp_ns == answered_ns:
            return False
        if not self._lockstep:
            return seen.stamp_ns <= state.stamp_ns + _MOST_AHEAD_NS
        return self._due_ns(state) <= seen.stamp_ns <= state.stamp_ns
