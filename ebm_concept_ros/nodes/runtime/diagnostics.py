# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a node reports about itself on /diagnostics, and how it refuses input."""

from __future__ import annotations

import re
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.nodes.runtime import qos

_REPEAT_AFTER_S = 5.0
# What a reason is about (quoted names, indices, words with digits in them), or else a number.
_NAME_OR_NUMBER = re.compile(r"'[^']*'|\[\d+\]|[A-Za-z_]\w*|([-+]?\d[\d.]*(?:e[-+]?\d+)?)")


class Diagnostics:
    """The Reporter of a node: a status per named part, published at 1 Hz and at every change.

    What a part refuses has a status of its own, '<part>: refused', so that a stray message cannot
    hide the part's state; it is OK again with the next message that is accepted.

    Safe to call from the executor's thread and from the node's own threads: each part's status is
    replaced as a whole, and no report is overtaken by an older one.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(
            DiagnosticArray, '/diagnostics', **qos.overridable(qos.DIAGNOSTICS)
        )
        self._parts: dict[str, tuple[Level, str, dict[str, str]]] = {}
        self._logged: dict[str, float] = {}
        self._publishing = threading.Lock()
        self.refused = 0
        # On the steady clock: simulated time may stand still, a report may not.
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(1.0, self._publish, clock=self._clock)

    def set(self, part: str, level: Level, message: str, **values: object) -> None:
        """Report a part's state; logs and publishes at once if level or message changed."""
        new = (level, message, {k: str(v) for k, v in values.items()})
        old = self._parts.get(part)
        self._parts[part] = new
        if old is None or old[:2] != new[:2]:
            self._log(level, f'{part}: {message}')
            self._publish()

    def refuse(self, part: str, reason: object) -> None:
        """Report a refused input: counted; the same is logged and published every 5 s at most."""
        self.refused += 1
        message = f'refused: {reason}'
        now = time.monotonic()
        key = same_reason(f'{part}: {reason}')
        last = self._logged.get(key)
        self._parts[_refusals(part)] = (Level.WARN, message, {})
        if last is None or now - last > _REPEAT_AFTER_S:
            if len(self._logged) > 1000:  # they may carry names: do not grow without bound
                self._logged.clear()
            self._logged[key] = now
            self._log(Level.WARN, f'{part}: {message}')
            self._publish()

    def accept(self, part: str) -> None:
        """Report that an input was accepted; cheap, and silent: good messages are not news."""
        last = self._parts.get(_refusals(part))
        if last is not None and last[0] is not Level.OK:
            self._parts[_refusals(part)] = (Level.OK, 'accepted again', {'last': last[1]})

    def _log(self, level: Level, text: str) -> None:
        logger = self._node.get_logger()
        # rclpy forbids one call site with changing severities, hence the three.
        if level is Level.ERROR:
            logger.error(text)
        elif level is Level.WARN:
            logger.warning(text)
        else:
            logger.info(text)

    def _publish(self) -> None:
        with self._publishing:
            message = self._message()
            if message.status:
                self._publisher.publish(message)

    def _message(self) -> DiagnosticArray:
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_fully_qualified_name().lstrip('/')
        for part, (level, text, values) in list(self._parts.items()):
            values = {**values, 'refused_inputs': str(self.refused)}
            message.status.append(
                DiagnosticStatus(
                    level=bytes([level]),
                    name=f'{name}: {part}',
                    message=text,
                    hardware_id=name,
                    values=[KeyValue(key=k, value=v) for k, v in values.items()],
                )
            )
        return message


def same_reason(reason: str) -> str:
    """Return a refusal's text without its values, which differ from one message to the next.

    What names the culprit stays: indices, quoted names, words with digits in them.
    """
    return _NAME_OR_NUMBER.sub(lambda match: '#' if match[1] else match[0], reason)


def _refusals(part: str) -> str:
    return f'{part}: refused'
