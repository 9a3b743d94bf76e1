# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a model file's references lead: package://, file://, xacro."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from ebm_concept_ros.config_files import ConfigError, path_of

_PACKAGE, _FILE = 'package://', 'file://'
_XACRO_TIMEOUT_S = 60.0


def resolve(reference: str, directory: Path, package_dirs: Sequence[str] = ()) -> Path:
    """Return where a reference leads: package://NAME/…, file://…, or a path.

    A path is relative to `directory`. A package is looked for in `package_dirs`, each of which
    holds packages or is one, then in the ament index, then in `directory` and above it. Raises
    ConfigError that names the package and where it was looked for; the file itself may be missing.
    """
    if reference.startswith(_FILE):
        reference = unquote(reference.removeprefix(_FILE).removeprefix('localhost'))
    if not reference.startswith(_PACKAGE):
        return (directory / path_of(reference)).resolve()
    name, _, rest = unquote(reference.removeprefix(_PACKAGE)).partition('/')
    places = [path_of(each) for each in package_dirs]
    places += [Path(p) / 'share' for p in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if p]
    places += [directory, *directory.resolve().parents]
    found = None
    for place in places:
        package = place if place.name == name else place / name
        if (package / rest).is_file():
            return (package / rest).resolve()
        if found is None and package.is_dir():
            found = package
    if found is not None:
        return (found / rest).resolve()
    listed = ', '.join(package_dirs) or 'none given'
    raise ConfigError(
        f'{reference}: package {name} was not found in package_dirs ({listed}), nor in '
        f'AMENT_PREFIX_PATH, nor in {directory} or above it; add the folder that holds {name} to '
        'package_dirs'
    )


def expand_xacro(path: Path, arguments: Mapping[str, str]) -> str:
    """Return the URDF that a xacro file expands to. Raises ConfigError with xacro's reason."""
    program = shutil.which('xacro')
    given = [f'{name}:={value}' for name, value in arguments.items()]
    if program is None:
        raise ConfigError(
            f'model: {path} is a xacro file, and there is no xacro on the PATH; install it '
            '(ros-$ROS_DISTRO-xacro, or pip install xacro), or write its URDF where it is '
            f'installed: {" ".join(["xacro", path.name, *given])} > {path.name.split(".")[0]}.urdf'
        )
    try:
        done = subprocess.run(
            [program, str(path), *given],
            capture_output=True,
            text=True,
            timeout=_XACRO_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f'model: xacro {path} took longer than {_XACRO_TIMEOUT_S:.0f} s'
        ) from None
    if done.returncode:
        reason = ' '.join(done.stderr.split()) or f'status {done.returncode}'
        raise ConfigError(f'model: xacro cannot expand {path} ({reason}); see xacro_arguments')
    return done.stdout
