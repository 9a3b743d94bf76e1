# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The services with which anybody makes the controller hold: pause, resume, stop."""

from __future__ import annotations

from rclpy.node import Node
from std_srvs.srv import Trigger

from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.types import AnyConcept

_PAUSED = 'paused'
_STOPPED = 'stopped: holds until another concept comes'


class Stops:
    """A pause lasts until it is resumed, a stop until a concept comes that was sent afterwards.

    All is called by the executor's thread, so that a concept came either before a stop or after it.
    """

    def __init__(self, node: Node, controller: TrackingController) -> None:
        self._node = node
        self._controller = controller
        self._services = [
            node.create_service(Trigger, f'~/{name}', answer)
            for name, answer in (
                ('pause', self._pause),
                ('resume', self._resume),
                ('stop', self._stop),
            )
        ]

    def destroy(self) -> None:
        """Offer them no more."""
        for service in self._services:
            self._node.destroy_service(service)

    def expect(self, concept: AnyConcept) -> None:
        """Take note of a concept that has come."""
        if self._controller.held == _STOPPED:
            self._controller.await_target_of(concept)

    def _pause(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._controller.held != _STOPPED:
            self._controller.hold(_PAUSED)
        return _said(response, True, self._controller.held)

    def _resume(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        held = self._controller.held
        if held == _STOPPED:
            return _said(response, False, held)
        if not held:
            return _said(response, False, 'it is not paused')
        self._controller.go_on()
        return _said(response, True, 'goes on from the measured state')

    def _stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._controller.hold(_STOPPED)
        return _said(response, True, _STOPPED)


def _said(response: Trigger.Response, success: bool, message: str) -> Trigger.Response:
    response.success, response.message = success, message
    return response
