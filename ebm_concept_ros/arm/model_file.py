# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From what a configuration calls its model to a MuJoCo specification, as the file has it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import mujoco

from ebm_concept_ros.arm.config import JACO, ROBOT_DESCRIPTION, ModelSource
from ebm_concept_ros.arm.references import expand_xacro
from ebm_concept_ros.arm.urdf import UrdfLimits, is_urdf, prepare_urdf
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.errors import one_line

_XACRO = '.xacro'


def read_model(source: ModelSource) -> tuple[mujoco.MjSpec, dict[str, UrdfLimits]]:
    """Return the model that `source` names, and the limits that a URDF gives its joints.

    Raises ConfigError with the file and the reason.
    """
    if source.model == JACO:
        return _jaco(), {}
    if source.model == ROBOT_DESCRIPTION:
        if not source.robot_description:
            raise ConfigError(
                'model: robot_description is asked for, and none was given; set the parameter '
                'robot_description of the nodes to the URDF'
            )
        return _from_urdf(source.robot_description, Path.cwd(), source)
    path = Path(source.model)
    # MuJoCo's own reason for a missing file is an empty one.
    if not path.is_file():
        raise ConfigError(f'model: {path}: no such file')
    if path.suffix == _XACRO:
        return _from_urdf(expand_xacro(path, source.xacro_arguments), path.parent, source)
    try:
        text = path.read_text(encoding='utf-8', errors='replace')
    except OSError as error:
        raise ConfigError(f'model: {path} cannot be read ({error.strerror})') from None
    return _from_urdf(text, path.parent, source) if is_urdf(text) else (_from_file(path), {})


def _from_urdf(
    text: str, directory: Path, source: ModelSource
) -> tuple[mujoco.MjSpec, dict[str, UrdfLimits]]:
    if not is_urdf(text):
        raise ConfigError(f'model: {source.model} is no URDF, whose root element is <robot>')
    urdf = prepare_urdf(text, directory, source.package_dirs)
    try:
        return mujoco.MjSpec.from_string(urdf.text, assets=urdf.assets), urdf.limits
    except (ValueError, OSError) as error:
        raise ConfigError(f'model: {source.model} cannot be loaded ({one_line(error)})') from None


def _from_file(path: Path) -> mujoco.MjSpec:
    try:
        return mujoco.MjSpec.from_file(str(path))
    except (ValueError, OSError) as error:
        raise ConfigError(f'model: {path} cannot be loaded ({one_line(error)})') from None


def _jaco() -> mujoco.MjSpec:
    """Return Kinova's Jaco with its three-finger hand, from the files that dm-control ships."""
    # The files are read where they lie: importing dm_control would set up its renderers.
    package = importlib.util.find_spec('dm_control')
    if package is None or package.origin is None:
        raise ConfigError('model: jaco needs dm-control: pip install dm-control==1.0.50')
    kinova = Path(package.origin).parent / 'third_party' / 'kinova'
    spec = _from_file(kinova / 'jaco_arm.xml')
    hand = _from_file(kinova / 'jaco_hand.xml')
    spec.attach(hand, site=spec.site('wristsite'), prefix='hand_')
    return spec
