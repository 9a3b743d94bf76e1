# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Checks of an arm in its compiled model: what moves the effector, and whether home is a rest."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import carrying_effort_nm
from ebm_concept_ros.config_files import ConfigError


def check_effector(arm: ArmConfig, model: mujoco.MjModel) -> None:
    """Raise ConfigError where no controlled joint moves the effector."""
    body = model.site_bodyid[model.site(arm.effector_site).id]
    if model.body_weldid[body]:
        return
    moving = [model.body(i).name for i in range(model.nbody) if model.body_weldid[i]]
    raise ConfigError(
        f'effector_site: {arm.effector_site} is fixed to {model.body(body).name}, which no '
        f'controlled joint moves; choose a site on one of {", ".join(moving)}, or add one there '
        'with add_site'
    )


def check_home(arm: ArmConfig, model: mujoco.MjModel) -> None:
    """Raise ConfigError where home is out of a joint's range, or no torque allowed holds it."""
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    carrying = np.abs(carrying_effort_nm(data))
    for i, joint in enumerate(arm.joints):
        low, high = model.jnt_range[i]
        if model.jnt_limited[i] and not low <= joint.home_rad <= high:
            raise ConfigError(
                f'joints.{i}.home_rad: {joint.home_rad} refused, the range of {joint.name} is '
                f'{low:.4g} to {high:.4g} rad'
            )
        if carrying[i] > joint.effort_limit_nm:
            raise ConfigError(
                f'joints.{i}.effort_limit_nm: {joint.effort_limit_nm} refused, {joint.name} needs '
                f'{carrying[i]:.4g} N·m to carry the arm at home'
            )
