# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node parameters, declared once: a pydantic model becomes typed, ranged, described ROS parameters.

The model is the single place where a parameter's name, type, default, bounds and meaning are
written. `declare` makes the ROS parameters from it (`ros2 param describe` shows the descriptions
and ranges) and hands back the validated model.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import annotated_types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from ebm_concept_ros.nodes.runtime.ros_compat import given_values
from ebm_concept_ros.nodes.runtime.texts import Text

_INTEGER_BOUND = 2**31 - 1
_DOUBLE_BOUND = 1e9


class InvalidParameter(ValueError):
    """A parameter that is refused; the message names it, its value and what is allowed."""


class Parameters(BaseModel):
    """Base of a node's parameters: immutable, and unknown names are refused."""

    model_config = ConfigDict(extra='forbid', frozen=True)


P = TypeVar('P', bound=BaseModel)


def declare(node: Node, model: type[P], live: Collection[str] = ()) -> P:
    """Declare the model's fields as ROS parameters of node; return their values.

    live: names of those that may be set while the node runs; the others are read-only. Raises
    InvalidParameter for a value of the wrong type or out of range.
    """
    return validate(model, declare_fields(node, model, live=live))


def declare_fields(
    node: Node, model: type[BaseModel], prefix: str = '', live: Collection[str] = ()
) -> dict[str, object]:
    """Declare the model's fields and return their values, not yet validated as a whole.

    prefix: of the parameters' names; a field that is a model itself adds its own name to it. live:
    of fields, or of models, all of whose fields may be set while the node runs.
    Raises InvalidParameter for a value of the wrong type or out of range, and for a value that is
    given for a name with this prefix that no field has.
    """
    values = {}
    for name, field in model.model_fields.items():
        full = f'{prefix}.{name}' if prefix else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner = field.annotation.model_fields if name in live else ()
            values[name] = declare_fields(node, field.annotation, full, inner)
            continue
        default = field.get_default(call_default_factory=True)
        try:
            values[name] = node.declare_parameter(
                full, default, _descriptor(field, name in live)
            ).value
        except ParameterException as error:
            raise InvalidParameter(f'parameter {full}: {error}') from None
    if prefix:
        for given in given_values(node):
            name = given.removeprefix(f'{prefix}.')
            if given != name and name.partition('.')[0] not in values:
                raise InvalidParameter(
                    f'parameter {given}: unknown here; known are {", ".join(values)}'
                )
    return values


def validate(model: type[P], values: dict[str, object], prefix: str = '') -> P:
    """Return the model of the given values, or raise InvalidParameter in one line."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = '.'.join((*filter(None, [prefix]), *map(str, first['loc']))) or model.__name__
        reason = first['msg'].removeprefix('Value error, ')
        given = f', given {first["input"]!r}' if first['loc'] else ''
        raise InvalidParameter(f'parameter {name}: {reason}{given}') from None


def _descriptor(field: FieldInfo, is_live: bool) -> ParameterDescriptor:
    text = next((item for item in field.metadata if isinstance(item, Text)), None)
    descriptor = ParameterDescriptor(
        description=field.description or '',
        additional_constraints=text.allowed if text else '',
        read_only=not is_live,
    )
    if _bounds(field) == (None, None):
        return descriptor
    low, high = bounds(field)
    if field.annotation is int:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    elif field.annotation is float:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high))
        ]
    return descriptor


def bounds(field: FieldInfo) -> tuple[float, float]:
    """Return the smallest and the largest value of a number; a bound of Gt and Lt is among them."""
    low, high = _bounds(field)
    furthest = _INTEGER_BOUND if field.annotation is int else _DOUBLE_BOUND
    return -furthest if low is None else low, furthest if high is None else high


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for constraint in field.metadata:
        match constraint:
            case annotated_types.Ge(ge=low) | annotated_types.Gt(gt=low):
                pass
            case annotated_types.Le(le=high) | annotated_types.Lt(lt=high):
                pass
    return low, high
