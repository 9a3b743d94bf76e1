# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a part of the control says how it fares, whoever publishes that."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class Level(IntEnum):
    """Severity, with the values of DiagnosticStatus (there they are bytes)."""

    OK = 0
    WARN = 1
    ERROR = 2


class Reporter(Protocol):
    """Takes the state of named parts and what they refuse; safe to call from any thread."""

    def set(self, part: str, level: Level, message: str, **values: object) -> None:
        """Report a part's state."""

    def refuse(self, part: str, reason: object) -> None:
        """Report that a part refused its input."""

    def accept(self, part: str) -> None:
        """Report that a part accepted its input."""
