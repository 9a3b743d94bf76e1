# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `demonstrator`: shows a named concept by publishing demonstrations of it.

The demonstrations are made in the particle world, each in an arrangement of its own. They are sent
once a subscriber is there; the node ends when all are acknowledged.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Annotated

import numpy as np
from pydantic import Field
from rclpy.duration import Duration
from rclpy.node import Node

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.resources import load_workspace_parameter
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.texts import FILE
from ebm_concept_ros.nodes.task_parameters import TaskParameters, requested_arrangement
from ebm_concept_ros.oracle import arrangements
from ebm_core.concepts import get_concept
from ebm_core.world.scene import Demonstration, InvalidInput

_POLL_S = 0.05
_ACKNOWLEDGE_TIMEOUT_S = 20.0


class DemonstratorParameters(Parameters):
    """Parameters of the demonstrator."""

    concept: str = Field('between', description='name of the concept to show')
    reference_colour: str = Field('blue', description='colour of what the concept refers to')
    blocks: bool = Field(
        False, description='show blocks that are moved, of the arrangement of that name'
    )
    count: int = Field(5, ge=1, le=50, description='how many demonstrations')
    seed: int = Field(0, ge=0, description='of the arrangements')
    subscribers: int = Field(1, ge=1, le=100, description='how many to wait for before showing')
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )


class Demonstrator(RunnableDefaults, Node):
    """Publishes its demonstrations once, then is done."""

    def __init__(self) -> None:
        super().__init__('demonstrator')
        p = self.parameters = declare(self, DemonstratorParameters)
        try:
            self._demonstrations = _demonstrations(p)
        except InvalidInput as error:
            raise InvalidParameter(str(error)) from None
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._diagnostics = Diagnostics(self)
        self._publisher = self.create_publisher(
            ros.Demonstration, 'demonstrations', **qos.overridable(qos.DEMONSTRATIONS)
        )
        self._stop = threading.Event()
        self._worker = threading.Thread(target=self._show, name='show', daemon=True)

    def start(self) -> None:
        """Start to wait for a subscriber."""
        self._worker.start()

    def stop(self) -> None:
        """Stop waiting."""
        self._stop.set()
        self._worker.join(timeout=1.0)

    def _show(self) -> None:
        p = self.parameters
        self._diagnostics.set(
            'demonstrations', Level.OK, 'waiting for a subscriber of "demonstrations"'
        )
        while self._publisher.get_subscription_count() < p.subscribers:
            if self._stop.wait(_POLL_S):
                return
        stamp_ns = self.get_clock().now().nanoseconds
        for demonstration in self._demonstrations:
            self._publisher.publish(
                conversions.demonstration_to_message(
                    p.concept, demonstration, self._workspace, stamp_ns
                )
            )
        deadline_s = time.monotonic() + _ACKNOWLEDGE_TIMEOUT_S
        while not self._publisher.wait_for_all_acked(Duration(seconds=_POLL_S)):
            if self._stop.is_set():
                return
            if time.monotonic() > deadline_s:
                self._diagnostics.set(
                    'demonstrations', Level.ERROR, 'no subscriber acknowledged the demonstrations'
                )
                self.exit_code = 1
                return
        self._diagnostics.set('demonstrations', Level.OK, f'{p.count} of {p.concept} sent')
        self.exit_code = 0


def _demonstrations(p: DemonstratorParameters) -> list[Demonstration]:
    """Return what is to be shown; raises InvalidInput, and InvalidParameter."""
    rng = np.random.default_rng(p.seed)
    if not p.blocks:
        concept = get_concept(p.concept)
        return concept.demonstrations(rng, p.count, reference_colour=p.reference_colour)
    task = TaskParameters(concept=p.concept, reference_colour=p.reference_colour)
    return arrangements.demonstrations(
        requested_arrangement(task), rng, p.count, p.reference_colour
    )


def main() -> int:
    """Run the node."""
    return run(Demonstrator)


if __name__ == '__main__':
    sys.exit(main())
