# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How requests to the simulator are done, and how they are answered.

Services are named and shaped after simulation_interfaces: each answer has a code, and the reason
where the request was refused.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, TypeVar

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.simulation_loop import SimulationLoop

_TIMEOUT_S = 5.0
_Result = ros.Result

T = TypeVar('T')


class RequestRefused(Exception):
    """A request that is refused; code: of its service."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class SimulationRequests:
    """Has requests done by the simulation's thread, between two steps."""

    def __init__(self, loop: SimulationLoop, diagnostics: Diagnostics) -> None:
        self.loop = loop
        self._diagnostics = diagnostics

    def answering(self, name: str, answer: Callable[[Any, Any], None]) -> Callable[[Any, Any], Any]:
        """Return the callback of a service; answer: raises RequestRefused."""

        def callback(request: Any, response: Any) -> Any:
            try:
                answer(request, response)
            except RequestRefused as refused:
                return self.refuse(name, response, refused)
            return self.accept(name, response)

        return callback

    def accept(self, name: str, response: Any) -> Any:
        """Return the answer to what was done."""
        self._diagnostics.accept(name)
        response.result = conversions.result_message()
        return response

    def refuse(self, name: str, response: Any, refused: RequestRefused) -> Any:
        response.result = conversions.result_message(refused.code, str(refused))
        self._diagnostics.refuse(name, refused)
        return response

    def done(self, do: Callable[[], T]) -> T:
        """Have it done by the simulation's thread; raises what it raises."""
        try:
            return self.loop.inbox.ask(do).result(_TIMEOUT_S)
        except (TimeoutError, CancelledError):
            failed = _Result.RESULT_OPERATION_FAILED
            raise RequestRefused(failed, 'the simulation did not answer') from None
