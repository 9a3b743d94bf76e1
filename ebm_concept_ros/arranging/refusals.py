# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Why nothing is moved: said before anything is."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The kinds of refusals."""

    NOT_UNDERSTOOD = 'not understood'
    MISSING = 'missing'  # fewer take part than the concept needs
    OUT_OF_REACH = 'out of reach'
    TOO_WIDE = 'too wide'  # for the hand
    NO_ROOM = 'no room'


class CannotArrange(ValueError):
    """What is asked for cannot be brought about; the message begins with the kind."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f'{reason}: {detail}')
        self.reason = reason
