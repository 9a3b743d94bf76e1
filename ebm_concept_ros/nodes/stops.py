# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The services with which anybody makes the controller hold: pause, resume, stop."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from ebm_concept_ros.control.enactor import Enactor


class Stops:
    """A pause lasts until it is resumed, a stop until a concept comes that was sent afterwards.

    The hold after a contact ends with either.
    All is called by the executor's thread, so that a concept came either before a stop or after it.
    """

    def __init__(self, node: Node, enactor: Enactor, stop: Callable[[], str]) -> None:
        """stop: ends every goal and holds, and returns why it does."""
        self._node = node
        self._services = [
            node.create_service(Trigger, f'~/{name}', answer)
            for name, answer in (
                ('pause', lambda _, response: _said(response, True, enactor.pause())),
                ('resume', lambda _, response: _said(response, *enactor.resume())),
                ('stop', lambda _, response: _said(response, True, stop())),
            )
        ]

    def destroy(self) -> None:
        """Offer them no more."""
        for service in self._services:
            self._node.destroy_service(service)


def _said(response: Trigger.Response, success: bool, message: str) -> Trigger.Response:
    response.success, response.message = success, message
    return response
