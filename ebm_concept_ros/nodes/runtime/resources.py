# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the package's own files are, and the weights, loaded for use beside a control loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.nodes.runtime.parameters import ConfigurationError
from ebm_concept_ros.workspace import Workspace, load_workspace

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

PACKAGE = 'ebm_concept_ros'
DEFAULT_ARM = 'jaco'
_ARMS = 'config/arms'


def package_path(given: str, default: str) -> Path:
    """Return the given path, or where it is empty the package's own file or folder `default`."""
    path = Path(given).expanduser() if given else _share() / default
    if not path.exists():
        raise ConfigurationError(f'{path}: no such file or folder')
    return path


def load_workspace_parameter(given: str) -> Workspace:
    """Return the workspace of a `workspace_config` parameter."""
    try:
        return load_workspace(package_path(given, 'config/workspace.yaml'))
    except ConfigError as error:
        raise ConfigurationError(f'parameter workspace_config: {error}') from None


def shipped_arms() -> list[str]:
    """Return the names of the arms that the package ships."""
    return sorted(path.stem for path in (_share() / _ARMS).glob('*.yaml'))


def arm_file(given: str) -> Path:
    """Return the YAML of an arm: the name of a shipped one (empty: the Jaco), or a file."""
    if not given or given in shipped_arms():
        return _share() / _ARMS / f'{given or DEFAULT_ARM}.yaml'
    path = Path(given).expanduser()
    if not path.is_file():
        raise ConfigurationError(
            f'{given!r} is neither a file nor a shipped arm; those are {", ".join(shipped_arms())}'
        )
    return path


def load_arm_parameter(given: str) -> ArmConfig:
    """Return the arm of an `arm` parameter."""
    try:
        return load_arm(arm_file(given))
    except (ConfigError, ConfigurationError) as error:
        raise ConfigurationError(f'parameter arm: {error}') from None


def load_weights(model_dir: str) -> ConceptModel:
    """Return the model in model_dir (empty: the shipped one), computing on one thread."""
    # Imported here: nodes that need no weights should not spend seconds importing torch.
    import torch

    from ebm_core.relational.model import ModelError, load_model

    torch.set_num_threads(1)
    path = package_path(model_dir, 'models/concepts')
    try:
        return load_model(path)
    except ModelError as error:
        # Torch lists shapes that differ over several lines: those of the file and those of here.
        reason = ' '.join(str(error).split())
        raise ConfigurationError(f'parameter model_dir: {reason}') from None


def _share() -> Path:
    source = Path(__file__).resolve().parents[2]
    if (source / 'package.xml').exists():  # run from the source tree, or a symlinked install
        return source
    try:
        return Path(get_package_share_directory(PACKAGE))
    except PackageNotFoundError:
        raise ConfigurationError(
            f'{PACKAGE} is not in AMENT_PREFIX_PATH: source its setup script first'
        ) from None
