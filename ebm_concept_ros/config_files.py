# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Typed configuration files: YAML in, a checked pydantic model out, one clear error otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ebm_concept_ros.errors import one_line


class ConfigError(ValueError):
    """A configuration that is refused; the message names the file, the key and the reason."""


class Config(BaseModel):
    """Base of every configuration: immutable; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(extra='forbid', frozen=True, allow_inf_nan=False)


ConfigT = TypeVar('ConfigT', bound=Config)


def path_of(given: Path | str) -> Path:
    """Return a path with `~` and `~user` in their places; raises ConfigError for nobody's."""
    try:
        return Path(given).expanduser()
    except RuntimeError:  # also where there is no HOME
        raise ConfigError(f'{given}: nobody knows whose home that is') from None


def load_config(path: Path | str, kind: type[ConfigT]) -> ConfigT:
    """Read one YAML file as `kind`.

    Raises ConfigError that names the file, every offending key, its value and what is allowed.
    """
    return as_config(load_keys_and_values(path), kind, str(path))


def load_keys_and_values(path: Path | str) -> dict[str, object]:
    """Return what one YAML file says; raises ConfigError that names the file."""
    path = path_of(path)
    try:
        text = path.read_text(encoding='utf-8')
    except OSError as error:
        raise ConfigError(f'{path}: cannot be read ({error.strerror})') from None
    except UnicodeDecodeError as error:
        raise ConfigError(f'{path}: not valid YAML ({one_line(error)})') from None
    return keys_and_values(text, str(path))


def keys_and_values(text: str, where: str) -> dict[str, object]:
    """Return what YAML says; raises ConfigError. where: begins the message."""
    try:
        content = yaml.safe_load(text)
    # Dates that there are not, say, and lists in lists in lists.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f'{where}: not valid YAML ({one_line(error)})') from None
    if not isinstance(content, dict):
        raise ConfigError(f'{where}: expected keys and values, found {type(content).__name__}')
    return content


def as_config(content: dict[str, object], kind: type[ConfigT], where: str) -> ConfigT:
    """Return the checked model; raises ConfigError. where: begins the message."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f'{where}: {describe(error)}') from None


def describe(error: ValidationError) -> str:
    """Return one line that names each refused key, its value and what is allowed."""
    parts = []
    for item in error.errors():
        key = '.'.join(str(step) for step in item['loc']) or 'file'
        if item['type'] == 'extra_forbidden':
            parts.append(f'{key}: unknown key')
        elif item['type'] == 'missing':
            parts.append(f'{key}: missing')
        else:
            reason = item['msg'].removeprefix('Value error, ')
            parts.append(f'{key}: {item["input"]!r} refused, {reason}')
    return '; '.join(parts)
