"""From an arm's configuration to a MuJoCo specification with one torque motor per joint."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import ConfigError

_SCALAR_JOINTS = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


def arm_spec(arm: ArmConfig) -> mujoco.MjSpec:
    """Return the arm alone, its base at the world origin, actuator i driving joint i.

    Raises ConfigError, listing the names that exist, when a name in `arm` does not.
    """
    spec = _jaco_spec() if arm.mjcf == 'jaco' else _spec_from_file(Path(arm.mjcf))
    _require('effector_site', [arm.effector_site], (site.name for site in spec.sites))
    joints = {joint.name: joint for joint in spec.joints}
    _require('joints', arm.joint_names, joints)
    _require('held_joints_rad', arm.held_joints_rad, joints)
    loose = sorted(set(joints) - set(arm.joint_names) - set(arm.held_joints_rad))
    if loose:
        raise ConfigError(
            f'joints: the MJCF also has {", ".join(loose)}; '
            'each joint must be listed under joints or held_joints_rad'
        )
    for name in arm.joint_names:
        if joints[name].type not in _SCALAR_JOINTS:
            raise ConfigError(f'joints: {name} is not a hinge or slide joint')
    order = [name for name in joints if name in arm.joint_names]
    if order != list(arm.joint_names):
        raise ConfigError(f'joints: must be in the order of the MJCF, which is {", ".join(order)}')

    for element in [*spec.actuators, *spec.sensors, *spec.keys]:
        spec.delete(element)
    for name, angle_rad in arm.held_joints_rad.items():
        _weld(spec, joints[name], angle_rad)
    for joint in arm.joints:
        motor = spec.add_actuator(
            name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT
        )
        motor.set_to_motor()
    return spec


def _spec_from_file(path: Path) -> mujoco.MjSpec:
    try:
        return mujoco.MjSpec.from_file(str(path))
    except (ValueError, OSError) as error:
        raise ConfigError(f'mjcf: {path} cannot be loaded ({error})') from None


def _jaco_spec() -> mujoco.MjSpec:
    """Return Kinova's Jaco with its three-finger hand, from the files that dm-control ships."""
    # The files are read where they lie: importing dm_control would set up its renderers.
    package = importlib.util.find_spec('dm_control')
    if package is None or package.origin is None:
        raise ConfigError('mjcf: jaco needs dm-control: pip install dm-control==1.0.50')
    kinova = Path(package.origin).parent / 'third_party' / 'kinova'
    spec = _spec_from_file(kinova / 'jaco_arm.xml')
    hand = _spec_from_file(kinova / 'jaco_hand.xml')
    spec.attach(hand, site=spec.site('wristsite'), prefix='hand_')
    return spec


def _weld(spec: mujoco.MjSpec, joint: mujoco.MjsJoint, angle_rad: float) -> None:
    """Remove a hinge joint, leaving its body where the joint at `angle_rad` would put it."""
    if joint.type != mujoco.mjtJoint.mjJNT_HINGE:
        raise ConfigError(f'held_joints_rad: {joint.name} is not a hinge joint')
    body = joint.parent
    turn, quat = np.zeros(4), np.zeros(4)
    mujoco.mju_axisAngle2Quat(turn, np.asarray(joint.axis, float), angle_rad)
    mujoco.mju_mulQuat(quat, np.asarray(body.quat, float), turn)
    # A hinge turns its body about joint.pos, so that point must stay where it was.
    before, after = np.zeros(3), np.zeros(3)
    mujoco.mju_rotVecQuat(before, np.asarray(joint.pos, float), np.asarray(body.quat, float))
    mujoco.mju_rotVecQuat(after, np.asarray(joint.pos, float), quat)
    body.pos = np.asarray(body.pos) + before - after
    body.quat = quat
    spec.delete(joint)


def _require(key: str, wanted: Iterable[str], existing: Iterable[str]) -> None:
    known = sorted(existing)
    for name in wanted:
        if name not in known:
            raise ConfigError(f'{key}: no {name!r} in the MJCF; it has {", ".join(known)}')
