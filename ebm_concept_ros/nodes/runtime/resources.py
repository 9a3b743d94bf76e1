# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the parameters that name files amount to: an arm, a workspace, a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ebm_concept_ros import package_files
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.package_files import arm_file, package_path
from ebm_concept_ros.workspace import Workspace, load_workspace

if TYPE_CHECKING:
    from ebm_concept_ros.arm.config import ArmConfig
    from ebm_concept_ros.grasping.hand import HandConfig

Model = TypeVar('Model')


def load_workspace_parameter(given: str) -> Workspace:
    """Return the workspace of a `workspace_config` parameter, or raise InvalidParameter."""
    try:
        return load_workspace(package_path(given, package_files.WORKSPACE))
    except ConfigError as error:
        raise InvalidParameter(f'parameter workspace_config: {error}') from None


def load_arm_parameter(given: str, robot_description: str = '') -> ArmConfig:
    """Return the arm of an `arm` parameter, or raise InvalidParameter.

    robot_description: the parameter of that name, a URDF, for an arm whose model is that.
    """
    # Imported here: who asks for no arm should not wait for MuJoCo.
    from ebm_concept_ros.arm.loading import load_arm

    try:
        return load_arm(arm_file(given), robot_description)
    except ConfigError as error:
        raise InvalidParameter(f'parameter arm: {error}') from None


def load_hand_parameter(given: str) -> HandConfig:
    """Return the hand of a `hand` parameter, or raise InvalidParameter."""
    from ebm_concept_ros.grasping.hand import load_hand

    try:
        return load_hand(package_files.hand_file(given))
    except ConfigError as error:
        raise InvalidParameter(f'parameter hand: {error}') from None


def with_hand_parameter(arm: ArmConfig, given: str) -> ArmConfig:
    """Return the arm with the hand of a `hand` parameter, fingers among its joints.

    Its effector is the grasp centre. Raises InvalidParameter.
    """
    from ebm_concept_ros.grasping.hand import with_grasp_site, with_live_fingers

    hand = load_hand_parameter(given)
    try:
        return with_live_fingers(with_grasp_site(arm, hand), hand)
    except ConfigError as error:
        raise InvalidParameter(f'parameters arm, hand: {error}') from None


def load_weights_parameter(
    given: str, load: Callable[[str], Model] = package_files.load_weights
) -> Model:
    """Return the model of a `model_dir` parameter, or raise InvalidParameter.

    load: raises ConfigError.
    """
    try:
        return load(given)
    except ConfigError as error:
        raise InvalidParameter(f'parameter model_dir: {error}') from None
