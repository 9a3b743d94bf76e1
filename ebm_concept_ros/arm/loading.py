# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a YAML file to an arm's configuration that is checked against its model file."""

from __future__ import annotations

from pathlib import Path

from ebm_concept_ros.arm.config import BUILT_IN_MODELS, ArmConfig
from ebm_concept_ros.arm.model import check_home, compile_arm
from ebm_concept_ros.config_files import ConfigError, load_config


def load_arm(path: Path | str) -> ArmConfig:
    """Read an arm's YAML and check its names, its home and its limits against the model file.

    A relative `model` path is relative to the YAML file. Raises ConfigError; for a name that does
    not exist it lists those that do.
    """
    path = Path(path)
    arm = load_config(path, ArmConfig)
    if arm.model not in BUILT_IN_MODELS:
        file = (path.parent / Path(arm.model).expanduser()).resolve()
        arm = arm.model_copy(update={'model': str(file)})
    try:
        check_home(arm, compile_arm(arm))
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None
    return arm
