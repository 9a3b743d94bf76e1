# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A hand with a model file of its own, mounted on an arm's flange in place of a tool."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmWithHand
from ebm_concept_ros.arm.model_file import read_model
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.urdf import UrdfLimits
from ebm_concept_ros.config_files import ConfigError

_PREFIX = own('hand_')


def mount_hand(spec: mujoco.MjSpec, arm: ArmWithHand) -> dict[str, UrdfLimits]:
    """Add the hand's bodies to the arm's, and return the limits that a URDF gives its joints.

    Raises ConfigError for a body or a geom of the flange that is not there, and for a name that the
    files of arm and hand both have.
    """
    flange = arm.flange
    bodies = {body.name: body for body in spec.bodies}
    geoms = {geom.name: geom for geom in spec.geoms if geom.name}
    for key, wanted, existing in (
        ('flange.body', [flange.body], bodies),
        ('flange.tool', flange.tool, geoms),
    ):
        for name in wanted:
            if name not in existing:
                has = ', '.join(sorted(existing)) or 'none'
                raise ConfigError(f'{key}: no {name!r} in the model file, which has {has}')
    for name in flange.tool:
        spec.delete(geoms[name])
    quat = np.zeros(4)
    mujoco.mju_euler2Quat(quat, np.array(flange.rpy_rad), 'XYZ')
    frame = bodies[flange.body].add_frame(pos=flange.position_m, quat=quat)
    hand, limits = read_model(arm.hand)
    spec.attach(hand, prefix=_PREFIX, frame=frame)
    try:
        _drop_prefix(spec)
    except ValueError as error:
        raise ConfigError(
            f'hand: {arm.hand.model} and the file of {arm.name} have a name in common ({error})'
        ) from None
    return limits


def _drop_prefix(spec: mujoco.MjSpec) -> None:
    """Give all that came with the hand the names that its file has, which MuJoCo changes."""
    for tendon in list(spec.tendons):
        if tendon.name.startswith(_PREFIX):
            # A drive of fingers, each of which gets a motor of its own.
            for actuator in [each for each in spec.actuators if each.target == tendon.name]:
                spec.delete(actuator)
            spec.delete(tendon)
    named = (*spec.bodies, *spec.joints, *spec.geoms, *spec.sites)
    for elements, attributes in (
        (named, ('name',)),
        (spec.actuators, ('name', 'target')),
        (spec.equalities, ('name', 'name1', 'name2')),
        (spec.excludes, ('name', 'bodyname1', 'bodyname2')),
        (spec.pairs, ('name', 'geomname1', 'geomname2')),
    ):
        for element in elements:
            for attribute in attributes:
                name = getattr(element, attribute)
                setattr(element, attribute, name.removeprefix(_PREFIX))
