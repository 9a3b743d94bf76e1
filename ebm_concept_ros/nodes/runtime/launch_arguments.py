# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Launch arguments from the nodes' parameter models: name, default, meaning and what is allowed.

It knows nothing of launch itself, so that a launch file works with the real one and its stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from ebm_concept_ros.nodes.runtime.parameters import Parameters, bounds
from ebm_concept_ros.nodes.runtime.texts import Text


@dataclass(frozen=True)
class LaunchArgument:
    """A launch argument: how its text is read, and what is allowed, in words.

    parameters: node and parameter pairs that take its value.
    """

    name: str
    default: str
    meaning: str
    allowed: str
    parse: Callable[[str], object]  # raises ValueError, KeyError or OSError if not allowed
    parameters: tuple[tuple[str, str], ...] = ()

    def value(self, text: str) -> object:
        """Return the parsed text, or raise ValueError that names argument, value and allowed."""
        try:
            return self.parse(text)
        except (ValueError, KeyError, OSError):
            raise ValueError(
                f'launch argument {self.name}: {text!r} is refused; allowed: {self.allowed}'
            ) from None


def argument(
    models: Mapping[str, type[Parameters]], name: str, *parameters: tuple[str, str]
) -> LaunchArgument:
    """Return the argument for parameters of some nodes.

    models: by node. parameters: node and parameter name of each, the first of which says what is
    allowed; without any, all parameters that are called `name`, the first node's first. Raises
    ValueError where their defaults differ: not to give the argument must mean the same to all.
    """
    if not parameters:
        parameters = tuple((node, name) for node, m in models.items() if name in m.model_fields)
    fields = [models[node].model_fields[parameter] for node, parameter in parameters]
    if any(field.default != fields[0].default for field in fields):
        raise ValueError(f'launch argument {name}: defaults differ in {parameters}')
    field = fields[0]
    text = next((item for item in field.metadata if isinstance(item, Text)), None)
    if text is None:
        text = _text_of(field)
    return LaunchArgument(
        name, _as_text(field.default), field.description, text.allowed, text.parse, parameters
    )


def shares(
    arguments: tuple[LaunchArgument, ...], texts: Mapping[str, str]
) -> dict[str, dict[str, object]]:
    """Return which parameters each node is given, of the arguments that are not at their defaults.

    So a params_file has the say on all others.
    """
    given: dict[str, dict[str, object]] = {}
    for item in arguments:
        if texts[item.name] != item.default:
            for node, parameter in item.parameters:
                given.setdefault(node, {})[parameter] = item.value(texts[item.name])
    return given


def number(kind: type, low: float, high: float) -> Text:
    """Return what allows numbers from low to high."""

    def parse(text: str) -> object:
        value = kind(text)
        if not low <= value <= high:  # also refuses NaN
            raise ValueError(text)
        return value

    what = 'an integer' if kind is int else 'a number'
    return Text(f'{what} from {low:.10g} to {high:.10g}', parse)


def _text_of(field: FieldInfo) -> Text:
    if field.annotation is bool:
        return Text('true, false', {'true': True, 'false': False}.__getitem__)
    if field.annotation in (int, float):
        return number(field.annotation, *bounds(field))
    raise TypeError(f'{field.annotation}: no launch argument can be made of it without a Text')


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ','.join(f'{part:g}' for part in value) if isinstance(value, tuple) else str(value)
