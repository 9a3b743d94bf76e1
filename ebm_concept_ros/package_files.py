# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the package's own files are, in the source tree or installed, and its weights loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ebm_concept_ros.config_files import ConfigError, path_of
from ebm_concept_ros.errors import one_line

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

PACKAGE = 'ebm_concept_ros'
DEFAULT_ARM = 'jaco'
WORKSPACE = 'config/workspace.yaml'
WEIGHTS = 'models/open'
_ARMS = 'config/arms'
_HANDS = 'config/hands'


def package_path(given: str, default: str) -> Path:
    """Return the given path, or where it is empty the package's own file or folder `default`.

    Raises ConfigError where there is none.
    """
    path = path_of(given) if given else _share() / default
    if not path.exists():
        raise ConfigError(f'{path}: no such file or folder')
    return path


def shipped_arms() -> list[str]:
    """Return the names of the arms that the package ships."""
    return sorted(path.stem for path in (_share() / _ARMS).glob('*.yaml'))


def shipped_hands() -> list[str]:
    """Return the names of the hands that the package ships, each that of its arm."""
    return sorted(path.stem for path in (_share() / _HANDS).glob('*.yaml'))


def arm_file(given: str) -> Path:
    """Return the YAML of an arm: the name of a shipped one (empty: the default), or a file.

    Raises ConfigError where it is neither.
    """
    if not given or given in shipped_arms():
        return _share() / _ARMS / f'{given or DEFAULT_ARM}.yaml'
    path = path_of(given)
    if not path.is_file():
        raise ConfigError(
            f'{given!r} is neither a file nor a shipped arm; those are {", ".join(shipped_arms())}'
        )
    return path


def hand_file(given: str) -> Path:
    """Return the YAML of a hand: the name of a shipped one, or a file; raises ConfigError."""
    if given in shipped_hands():
        return _share() / _HANDS / f'{given}.yaml'
    path = path_of(given)
    if not path.is_file():
        raise ConfigError(
            f'{given!r} is neither a file nor a shipped hand; those are '
            f'{", ".join(shipped_hands())}'
        )
    return path


def load_weights(model_dir: str) -> ConceptModel:
    """Return the model in model_dir (empty: the shipped one), computing on one thread.

    For use beside a control loop. Raises ConfigError.
    """
    # Imported here: who needs no weights should not spend seconds importing torch.
    import torch

    from ebm_core.relational.model import ModelError, load_model

    torch.set_num_threads(1)
    path = package_path(model_dir, WEIGHTS)
    try:
        return load_model(path)
    except ModelError as error:
        # Torch lists shapes that differ over several lines: those of the file and those of here.
        raise ConfigError(one_line(error)) from None


def _share() -> Path:
    source = Path(__file__).resolve().parents[1]
    if (source / 'package.xml').exists():  # run from the source tree, or a symlinked install
        return source
    # Imported here: without ROS there is the source tree.
    from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

    try:
        return Path(get_package_share_directory(PACKAGE))
    except PackageNotFoundError:
        raise ConfigError(
            f'{PACKAGE} is not in AMENT_PREFIX_PATH: source its setup script first'
        ) from None
