# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a controller notes of its work, and the journal that notes nothing."""

from __future__ import annotations

from typing import Protocol

from ebm_concept_ros.control.control_law import ControllerInputs, Decision
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.types import JointSample

NOT_NOTED = -1


class Journal(Protocol):
    """Takes notes and numbers them, so that later notes can say what they came from.

    A number is NOT_NOTED for what is not in the journal. Each method has a thread of its own.
    """

    def state(self, sample: JointSample) -> int:
        """Note a joint state, in the thread that hears them; return its number."""

    def target(self, target: Target) -> int:
        """Note a target, in the targeting thread; return its number."""

    def plan(self, state: int, target: int, before: int) -> int:
        """Note a call of the planner by the numbers of its inputs, in the planning thread."""

    def decision(
        self, inputs: ControllerInputs, state: int, target: int, plan: int, decision: Decision
    ) -> None:
        """Note a decision and the numbers of what it was made from, in the control thread."""


class _NoJournal:
    def state(self, sample: JointSample) -> int:
        return NOT_NOTED

    def target(self, target: Target) -> int:
        return NOT_NOTED

    def plan(self, state: int, target: int, before: int) -> int:
        return NOT_NOTED

    def decision(
        self, inputs: ControllerInputs, state: int, target: int, plan: int, decision: Decision
    ) -> None:
        pass


NO_JOURNAL: Journal = _NoJournal()
