# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters that are set while the controller runs: checked as a whole, then taken or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from ebm_concept_ros.nodes.controller_setup import LIVE, PLANNING, ControllerParameters
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, validate

Settings = dict[str, object]


def on_change(
    node: Node,
    current: Callable[[], tuple[ControllerParameters, Settings]],
    take: Callable[[ControllerParameters, Settings], None],
) -> None:
    """Have changes of live parameters taken; rclpy refuses read-only ones, types and ranges itself.

    current: what holds now, and the planner's settings. take: raises InvalidParameter to refuse.
    """

    def asked(parameters: Sequence[Parameter]) -> SetParametersResult:
        values, settings = current()
        settings = deepcopy(settings)
        given = values.model_dump()
        concerned = False
        for parameter in parameters:
            first, *path = parameter.name.split('.')
            if first == PLANNING and path:
                into = settings
                for name in path[:-1]:
                    into = into[name]
                into[path[-1]] = parameter.value
            elif first in LIVE:
                given[first] = parameter.value
            else:
                continue  # rclpy's own
            concerned = True
        if not concerned:  # each quality of service that is declared is asked about
            return SetParametersResult(successful=True)
        try:
            take(validate(ControllerParameters, given), settings)
        except InvalidParameter as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(asked)
