"""An arm as configuration: which MJCF, which joints, which limits, where it starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.config_files import Config, ConfigError, load_config

BUILT_IN_MODELS = ('jaco',)

# Slows a held arm within about a quarter of a second at the Jaco's reflected inertia.
HOLD_DAMPING_NMS_PER_RAD = 15.0


class JointConfig(Config):
    """One torque-controlled joint."""

    name: str = Field(min_length=1, description='joint name in the MJCF')
    effort_limit_nm: float = Field(gt=0, le=1000, description='largest torque either way, N·m')
    velocity_limit_rad_s: float = Field(gt=0, le=50, description='largest speed, rad/s')
    home_rad: float = Field(ge=-10, le=10, description='start angle, rad')


class ArmConfig(Config):
    """A torque-controlled arm with n joints; all arrays are in the order of `joints`."""

    name: str = Field(min_length=1, description='what the arm is called')
    mjcf: str = Field(
        min_length=1, description=f'path of an MJCF file, or one of {", ".join(BUILT_IN_MODELS)}'
    )
    effector_site: str = Field(min_length=1, description='site that acts: the end effector')
    joints: tuple[JointConfig, ...] = Field(min_length=1, description='controlled joints')
    held_joints_rad: dict[str, float] = Field(
        default_factory=dict, description='joints welded at an angle (fingers), rad'
    )

    @model_validator(mode='after')
    def _names_are_unique(self) -> ArmConfig:
        names = [*self.joint_names, *self.held_joints_rad]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'joints named twice: {", ".join(twice)}')
        return self

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Return the n controlled joints' names."""
        return tuple(joint.name for joint in self.joints)

    @property
    def effort_limits_nm(self) -> np.ndarray:
        """Return (n,) N·m."""
        return np.array([joint.effort_limit_nm for joint in self.joints])

    @property
    def velocity_limits_rad_s(self) -> np.ndarray:
        """Return (n,) rad/s."""
        return np.array([joint.velocity_limit_rad_s for joint in self.joints])

    @property
    def home_rad(self) -> np.ndarray:
        """Return (n,) rad."""
        return np.array([joint.home_rad for joint in self.joints])


def load_arm(path: Path | str) -> ArmConfig:
    """Read an arm's YAML and check its names against the MJCF.

    A relative `mjcf` path is relative to the YAML file. Raises ConfigError; for a name that does
    not exist it lists those that do.
    """
    from ebm_concept_ros.arm.model import arm_spec

    path = Path(path)
    arm = load_config(path, ArmConfig)
    if arm.mjcf not in BUILT_IN_MODELS:
        arm = arm.model_copy(update={'mjcf': str((path.parent / arm.mjcf).resolve())})
    try:
        arm_spec(arm).compile()
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None
    except ValueError as error:
        raise ConfigError(f'{path}: mjcf does not compile ({error})') from None
    return arm
