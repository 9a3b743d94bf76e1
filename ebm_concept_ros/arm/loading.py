# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a YAML file to an arm's configuration that is checked against its model file."""

from __future__ import annotations

from pathlib import Path

from ebm_concept_ros.arm.checks import check_effector, check_home
from ebm_concept_ros.arm.config import JACO, ROBOT_DESCRIPTION, ArmConfig
from ebm_concept_ros.arm.contacts import base_and_first_link, neighbours_that_touch
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.arm.references import resolve
from ebm_concept_ros.config_files import ConfigError, load_config, path_of


def load_arm(path: Path | str, robot_description: str = '') -> ArmConfig:
    """Read an arm's YAML and check its names, its home and its limits against the model file.

    Paths are relative to the YAML file. robot_description: a URDF, for a configuration whose model
    is that. The contacts left out by themselves are in the result's `ignore_contacts`. Raises
    ConfigError; for a name that does not exist it lists those that do.
    """
    path = Path(path)
    arm = load_config(path, ArmConfig)
    try:
        return checked(located(arm, path.parent, robot_description))
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None


def located(arm: ArmConfig, directory: Path, robot_description: str = '') -> ArmConfig:
    """Return the arm with paths that are relative to `directory` made absolute."""
    dirs = tuple(str((directory / path_of(each)).resolve()) for each in arm.package_dirs)
    changes: dict[str, object] = {'package_dirs': dirs}
    if arm.model == ROBOT_DESCRIPTION:
        changes['robot_description'] = robot_description or arm.robot_description
    elif arm.model != JACO:
        changes['model'] = str(resolve(arm.model, directory, dirs))
    return arm.model_copy(update=changes)


def checked(arm: ArmConfig) -> ArmConfig:
    """Return the arm with the contacts to be left out, or raise ConfigError where it is no good."""
    model = compile_arm(arm)
    check_effector(arm, model)
    check_home(arm, model)
    near = neighbours_that_touch(model, arm.home_rad)
    pairs = dict.fromkeys((*arm.ignore_contacts, *near, *base_and_first_link(model)))
    return arm.model_copy(update={'ignore_contacts': tuple(pairs)})
