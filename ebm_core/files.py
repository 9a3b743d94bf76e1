# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Files that are whole, whatever ends the process that writes them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed over the target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def why_not_writable(path: Path, directory: bool) -> str:
    """Return why files cannot be made in a directory, or a file at a path; empty where they can.

    For what takes long to be made: that its place is none is better said before.
    """
    if not directory and path.is_dir():
        return f'{path} is a directory'
    folder = path if directory else path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        return f'{folder} is no directory'
    return '' if os.access(folder, os.W_OK | os.X_OK) else f'{folder} cannot be written to'


def remove_leftovers(path: Path) -> None:
    """Remove what a process that was killed within `write_atomically(path, …)` has left."""
    for leftover in path.parent.glob(f'.{path.name}.*'):
        leftover.unlink(missing_ok=True)
