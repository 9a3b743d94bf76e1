# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A hand as configuration: its fingers, where it grasps, how far it opens and how hard it grips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import mujoco
import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.arm.config import (
    ArmConfig,
    ArmWithHand,
    JointConfig,
    ModelSource,
    SiteConfig,
)
from ebm_concept_ros.arm.loading import located
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arranging.hand_room import HandRoom
from ebm_concept_ros.config_files import (
    Config,
    ConfigError,
    as_config,
    load_keys_and_values,
)
from ebm_concept_ros.grasping.finger_config import (
    GripConfig,
    OpeningConfig,
    SlideConfig,
    SlideGripConfig,
    SlideOpeningConfig,
)

GRASP_SITE = own('grasp')
_FLANGE_SITE = own('flange')
_FARTHEST_M = 1.0  # the grasp centre, from the arm's effector site


class HandConfig(Config):
    """Fingers that close along one axis: a thumb on its side, one or more opposed to it."""

    name: str = Field(min_length=1, description='what the hand is called')
    model: str = Field(
        '',
        description="MJCF or URDF of the hand, which is mounted on the arm's flange; empty: it is "
        "in the arm's own file",
    )
    finger_joints: Literal['hinge', 'slide'] = Field(
        'hinge', description='what all fingers are on: keys have N·m and rad, or N and m'
    )
    fingers: tuple[JointConfig, ...] = Field(
        min_length=2, description='their joints, in the order of the model file; home is open'
    )
    thumb: str = Field(description="the finger that stands alone, at +x of the grasp's frame")
    grasp_centre_m: tuple[float, float, float] = Field(
        description="what is gripped, in the frame of the arm's effector_site, or, of a hand that "
        'is mounted, of the flange, m'
    )
    closing_yaw_rad: float = Field(
        0.0, ge=-math.pi, le=math.pi, description="of the closing axis, about that frame's z, rad"
    )
    least_height_m: float = Field(
        0.012, ge=0, le=0.2, description='of the grasp centre above the table, m'
    )
    openings: tuple[OpeningConfig, ...] = Field(
        min_length=2, description='measured, from open to closed'
    )
    room: HandRoom = HandRoom()
    grip: GripConfig = GripConfig()

    @model_validator(mode='after')
    def _is_consistent(self) -> HandConfig:
        names = [finger.name for finger in self.fingers]
        if self.thumb not in names:
            raise ValueError(f'thumb: {self.thumb!r} is none of the fingers {", ".join(names)}')
        if len(set(names)) < len(names):
            raise ValueError(f'fingers: a joint is named twice in {", ".join(names)}')
        if not np.abs(self.grasp_centre_m).max() <= _FARTHEST_M:  # NaN is refused too
            raise ValueError(
                f'grasp_centre_m: {self.grasp_centre_m} refused, within ± {_FARTHEST_M:g} is '
                'allowed'
            )
        joints, inner = self._openings()
        if (np.diff(self.closing_sign * joints) <= 0).any() or (np.diff(inner) >= 0).any():
            raise ValueError(
                'openings: along the list inner_m must decrease, and joint change one way'
            )
        fields = type(self.grip).model_fields
        first, full = (fields[name].alias or name for name in ('first_nm', 'full_nm'))
        if self.grip.first_nm > self.grip.full_nm:
            raise ValueError(
                f'grip: {first} {self.grip.first_nm:g} is more than {full} {self.grip.full_nm:g}'
            )
        limit = min(finger.effort_limit_nm for finger in self.fingers)
        most = (len(self.fingers) - 1) * self.grip.full_nm
        if most > limit:
            raise ValueError(
                f'grip.{full}: {self.grip.full_nm:g} refused, against {len(self.fingers) - 1} '
                f'opposing fingers the thumb needs {most:g}, of which it has {limit:g}'
            )
        if (number := len(self.room.opposed_sideways_m)) != len(self.fingers) - 1:
            raise ValueError(
                f'room.opposed_sideways_m: {number} intervals refused, {len(self.fingers) - 1} '
                f'fingers are opposed to the thumb'
            )
        furthest = self.openings[0].inner_m
        if self.room.widest_m / 2 + self.room.opening_m > furthest:
            raise ValueError(
                f'room.widest_m: {self.room.widest_m:g} refused, with room.opening_m '
                f'{self.room.opening_m:g} on each side it is wider than openings allow, '
                f'{2 * furthest:g}'
            )
        return self

    @property
    def is_symmetric(self) -> bool:
        """Tell whether half a turn about the grasp centre makes it the same hand."""
        low, high = self.room.thumb_sideways_m
        return self.room.opposed_sideways_m == ((-high, -low),)

    @property
    def closing_sign(self) -> float:
        """Return 1 where the fingers' joints increase as they close, else -1."""
        return 1.0 if self.openings[-1].joint > self.openings[0].joint else -1.0

    def opening_joint(self, half_width_m: float) -> float:
        """Return where the fingers' joints are so far from the grasp centre, rad or m."""
        joints, inner = self._openings()
        return float(np.interp(-half_width_m, -inner, joints))

    def half_width_m(self, joint: float) -> float:
        """Return how far the fingers are from the grasp centre at a value of their joints."""
        joints, inner = self._openings()
        return float(np.interp(self.closing_sign * joint, self.closing_sign * joints, inner))

    def _openings(self) -> tuple[np.ndarray, np.ndarray]:
        return (
            np.array([each.joint for each in self.openings]),
            np.array([each.inner_m for each in self.openings]),
        )


class SlidingHandConfig(HandConfig):
    """A hand whose fingers are on slides, as a parallel gripper's are."""

    fingers: tuple[SlideConfig, ...] = Field(
        min_length=2, description='their slides, in the order of the model file; home is open'
    )
    openings: tuple[SlideOpeningConfig, ...] = Field(
        min_length=2, description='measured, from open to closed'
    )
    grip: SlideGripConfig


def load_hand(path: Path | str) -> HandConfig:
    """Read a hand's YAML; raises ConfigError that names file, key, value and what is allowed."""
    path, content = Path(path), load_keys_and_values(path)
    slides = content.get('finger_joints') == 'slide'
    hand = as_config(content, SlidingHandConfig if slides else HandConfig, str(path))
    if not hand.model:
        return hand
    try:
        source = located(ModelSource(model=hand.model), path.parent)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from None
    return hand.model_copy(update={'model': source.model})


def mounted(arm: ArmConfig, hand: HandConfig) -> ArmConfig:
    """Return the arm with the hand on its flange, fingers held at home; raises ConfigError.

    An arm whose own file has the hand, or on which one is mounted, is returned as it is.
    """
    if not hand.model or isinstance(arm, ArmWithHand):
        return arm
    if arm.flange is None:
        raise ConfigError(f'flange: {arm.name} has none, on which {hand.name} could be mounted')
    held = {finger.name: finger.home_rad for finger in hand.fingers}
    flange = SiteConfig(**arm.flange.model_dump(include=set(SiteConfig.model_fields)))
    changes = {
        **{'effector_site': _FLANGE_SITE, 'add_site': flange},
        **{'held_joints_rad': arm.held_joints_rad | held, 'hand': ModelSource(model=hand.model)},
    }
    return ArmWithHand(**dict(arm) | changes)


def with_grasp_site(arm: ArmConfig, hand: HandConfig) -> ArmConfig:
    """Return the arm whose effector is the grasp centre; x of its frame is the closing axis.

    What the arm says of its fingers stays: they may be held, as plans have them. A hand that is
    not in the arm's own file is mounted. Raises ConfigError.
    """
    arm = mounted(arm, hand)
    model = compile_arm(arm)
    site = model.site(arm.effector_site)
    frame, turned = np.zeros(9), np.zeros(9)
    mujoco.mju_quat2Mat(frame, site.quat)
    half = hand.closing_yaw_rad / 2
    mujoco.mju_quat2Mat(turned, np.array([math.cos(half), 0.0, 0.0, math.sin(half)]))
    place = site.pos + frame.reshape(3, 3) @ hand.grasp_centre_m
    turn = frame.reshape(3, 3) @ turned.reshape(3, 3)
    rpy = (
        math.atan2(turn[2, 1], turn[2, 2]),
        -math.asin(min(1.0, max(-1.0, turn[2, 0]))),
        math.atan2(turn[1, 0], turn[0, 0]),
    )
    grasp = SiteConfig(
        body=model.body(int(site.bodyid[0])).name, position_m=tuple(place.tolist()), rpy_rad=rpy
    )
    return arm.model_copy(update={'effector_site': GRASP_SITE, 'add_site': grasp})


def with_live_fingers(arm: ArmConfig, hand: HandConfig) -> ArmConfig:
    """Return the arm whose fingers move too, after its own joints; raises ConfigError."""
    arm = mounted(arm, hand)
    names = {finger.name for finger in hand.fingers}
    if unknown := sorted(names - set(arm.held_joints_rad)):
        raise ConfigError(
            f'fingers: {", ".join(unknown)} not among the joints that {arm.name} holds, which are '
            f'{", ".join(arm.held_joints_rad) or "none"}'
        )
    held = {name: value for name, value in arm.held_joints_rad.items() if name not in names}
    live = arm.model_copy(update={'joints': arm.joints + hand.fingers, 'held_joints_rad': held})
    _check_units(compile_arm(live), hand)
    return live


def _check_units(model: mujoco.MjModel, hand: HandConfig) -> None:
    """Raise ConfigError unless the fingers' joints are of the kind whose units the hand has."""
    kinds = {mujoco.mjtJoint.mjJNT_HINGE: 'hinge', mujoco.mjtJoint.mjJNT_SLIDE: 'slide'}
    for finger in hand.fingers:
        kind = kinds[mujoco.mjtJoint(model.joint(finger.name).type[0])]
        if kind != hand.finger_joints:
            raise ConfigError(
                f'finger_joints: {hand.finger_joints!r} refused, {finger.name} is a {kind}'
            )
