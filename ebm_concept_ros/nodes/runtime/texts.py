# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a parameter that is a text may be, declared beside it: `Annotated[str, one_of('a', 'b')]`.

A launch file reads its arguments by this, so that it refuses them before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from ebm_concept_ros.config_files import ConfigError, path_of
from ebm_concept_ros.package_files import hand_file, shipped_arms, shipped_hands


@dataclass(frozen=True)
class Text:
    """Which texts are allowed, in words, and how one is read.

    parse: raises ValueError, KeyError or OSError for a text that is not allowed.
    """

    allowed: str
    parse: Callable[[str], object]


def one_of(*names: str) -> Text:
    """Return what allows these names only; an empty one is called nothing."""
    known = ', '.join(filter(None, names)) + (', or nothing' if '' in names else '')
    return Text(known, {name: name for name in names}.__getitem__)


def choice(*names: str) -> object:
    """Return the type of a parameter that is one of these names; any other is refused."""
    return Annotated[Literal[names], one_of(*names)]


def _existing(text: str) -> str:
    return str(path_of(text).resolve(strict=True)) if text else ''


def _arm(text: str) -> str:
    if text in shipped_arms():
        return text
    path = path_of(text).resolve()
    if not path.is_file():
        raise ValueError(text)
    return str(path)


def _hand(text: str) -> str:
    if not text or text in shipped_hands():
        return text
    try:
        return str(hand_file(text).resolve())
    except ConfigError:
        raise ValueError(text) from None


def _folder(text: str) -> str:
    path = path_of(text).resolve()
    if not text or (path.exists() and not path.is_dir()):
        raise ValueError(text)
    return str(path)


FILE = Text('a file that exists, or nothing', _existing)
EXISTING_FOLDER = Text('a folder that exists, or nothing', _existing)
HAND = Text(f'{", ".join(shipped_hands())}, the YAML file of another, or nothing', _hand)
ARM = Text(f'{", ".join(shipped_arms())}, or the YAML file of another', _arm)
FOLDER = Text('a folder, which is made if need be', _folder)
FOLDER_OR_NONE = Text(f'{FOLDER.allowed}, or nothing', lambda text: text and _folder(text))
