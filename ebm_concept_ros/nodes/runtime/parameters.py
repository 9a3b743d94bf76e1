# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node parameters, declared once: a pydantic model becomes typed, ranged, described ROS parameters.

The model is the single place where a parameter's name, type, default, bounds and meaning are
written. `declare` makes the ROS parameters from it (`ros2 param describe` shows the descriptions
and ranges) and hands back the validated model.
"""

from __future__ import annotations

from typing import TypeVar

import annotated_types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

_INTEGER_BOUND = 2**31 - 1
_DOUBLE_BOUND = 1e9


class InvalidParameter(ValueError):
    """A parameter that is refused; the message names it, its value and what is allowed."""


class Parameters(BaseModel):
    """Base of a node's parameters: immutable, and unknown names are refused."""

    model_config = ConfigDict(extra='forbid', frozen=True)


P = TypeVar('P', bound=Parameters)


def declare(node: Node, model: type[P]) -> P:
    """Declare the model's fields as read-only ROS parameters of node; return their values.

    Raises InvalidParameter for a value of the wrong type or out of range.
    """
    values = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        try:
            values[name] = node.declare_parameter(name, default, _descriptor(field)).value
        except ParameterException as error:
            raise InvalidParameter(f'parameter {name}: {error}') from None
    return validate(model, values)


def validate(model: type[P], values: dict[str, object]) -> P:
    """Return the model of the given values, or raise InvalidParameter in one line."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = '.'.join(str(part) for part in first['loc']) or model.__name__
        raise InvalidParameter(
            f'parameter {name}: {first["msg"]}, given {first["input"]!r}'
        ) from None


def _descriptor(field: FieldInfo) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=field.description or '', read_only=True)
    low, high = _bounds(field)
    if low is None and high is None:
        return descriptor
    if field.annotation is int:
        descriptor.integer_range = [
            IntegerRange(
                from_value=-_INTEGER_BOUND if low is None else int(low),
                to_value=_INTEGER_BOUND if high is None else int(high),
            )
        ]
    elif field.annotation is float:
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=-_DOUBLE_BOUND if low is None else float(low),
                to_value=_DOUBLE_BOUND if high is None else float(high),
            )
        ]
    return descriptor


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for constraint in field.metadata:
        if isinstance(constraint, annotated_types.Ge):
            low = constraint.ge
        elif isinstance(constraint, annotated_types.Le):
            high = constraint.le
    return low, high
