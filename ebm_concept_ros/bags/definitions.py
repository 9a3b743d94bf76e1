# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The definitions of messages that bags are written and read by, and their hashes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ebm_concept_ros.package_files import PACKAGE, package_path

# As the messages of the other packages are there; those that are in use have not changed since.
_STORE = Stores.ROS2_KILTED


@cache
def known_types() -> Typestore:
    """Return the definitions of ROS's common messages and of this package's own."""
    store = get_typestore(_STORE)
    for path in sorted(Path(package_path('', 'msg')).glob('*.msg')):
        name = f'{PACKAGE}/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text(encoding='utf-8'), name))
    return store


def hash_of_definition(kind: str, text: str, form: MessageDefinitionFormat) -> str:
    """Return the hash (RIHS01) of the definition of a type that a file brings with it, or ''."""
    if form is MessageDefinitionFormat.NONE or not text:
        return ''
    store = get_typestore(Stores.EMPTY)
    if form is MessageDefinitionFormat.IDL:
        store.register(get_types_from_idl(text))
    else:
        store.register(get_types_from_msg(text, kind))
    return store.hash_rihs01(kind)
