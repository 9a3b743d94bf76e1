# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A configuration from a model file: joints, limits, effector, home and workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig, BaseConfig, JointConfig, ModelSource, SiteConfig
from ebm_concept_ros.arm.contacts import joints_between, touching_pairs
from ebm_concept_ros.arm.model import arm_spec, compile_arm
from ebm_concept_ros.arm.model_file import read_model
from ebm_concept_ros.arm.motors import file_force_limits
from ebm_concept_ros.arm.names import name_everything
from ebm_concept_ros.arm.proposal.chain import Chain, find_chain
from ebm_concept_ros.arm.proposal.kinematics import HandDown
from ebm_concept_ros.arm.proposal.stand import Stand, find_stand
from ebm_concept_ros.arm.proposal.tool import site_at_the_end
from ebm_concept_ros.arm.scene_model import (
    COLUMN_RADIUS_M,
    NEAR_EDGE_M,
    add_column,
    add_table,
)
from ebm_concept_ros.arm.urdf import UrdfLimits
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.errors import one_line

SITE = 'effector'
ASSUMED_SPEED_RAD_S = 1.0
_MOST_EFFORT_NM, _MOST_SPEED_RAD_S = 1000.0, 50.0
_EFFORT_FOR_WANT_OF_ONE = 3.0  # times the most that carrying the arm takes
_POSTURES = 60
_ALWAYS = 0.95
# Larger than the table of any workspace that is proposed, so that no part of the arm is in that.
_TABLE_FAR_EDGE_M, _TABLE_HALF_WIDTH_M = 2.0, 0.5
# What the arm carries beside its hand, such as another arm, swings past what its base stands on.
_COLUMN_CLEARANCE_M = 0.03


@dataclass(frozen=True, eq=False)
class Proposal:
    """An arm, how it stands, and what about it is a guess: by joint, effort and speed."""

    arm: ArmConfig
    stand: Stand
    assumed_effort: frozenset[str]
    assumed_speed: frozenset[str]
    carrying_share: np.ndarray


def propose(
    source: ModelSource, name: str, effector: str | None = None, first: str | None = None
) -> Proposal:
    """Return a configuration for the arm in a model file.

    source: its paths are absolute. effector: body or site; first: the arm's first joint; by default
    the longest row of hinges is the arm. Raises ConfigError where there is no arm, or no table that
    it reaches from above.
    """
    spec, urdf_limits = read_model(source)
    spec.compiler.fusestatic = False
    name_everything(spec)
    try:
        chain = find_chain(spec, spec.compile(), effector, first)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f'model: {source.model} does not compile ({one_line(error)})') from None
    efforts, speeds = _known_limits(spec, chain, urdf_limits)
    own_site = effector if effector in {site.name for site in spec.sites if site.name} else None
    arm = _bare(source, name, chain, efforts, speeds, own_site)
    if own_site is None:
        site = site_at_the_end(compile_arm(arm), chain.joints[-1], chain.body)
        arm = arm.model_copy(update={'add_site': site})
    arm = arm.model_copy(update={'ignore_contacts': _overlaps(arm)})
    arm = _with_efforts(arm, efforts)

    def over_table(base: BaseConfig) -> mujoco.MjModel:
        spec = arm_spec(arm.model_copy(update={'base': base}))
        half_length_m = (_TABLE_FAR_EDGE_M - NEAR_EDGE_M) / 2
        add_table(
            spec, (NEAR_EDGE_M + half_length_m, 0.0), (half_length_m, _TABLE_HALF_WIDTH_M), 0.0
        )
        add_column(spec, base.position_m, 0.0, COLUMN_RADIUS_M + _COLUMN_CLEARANCE_M)
        return spec.compile()

    stand = find_stand(over_table, arm.effector_site, arm.effort_limits_nm, _touches_nothing)
    if stand is None:
        raise ConfigError(
            f'model: {arm.effector_site} on {chain.body} gets to no place over a table with the '
            'hand down, or to hardly any, touching nothing, within ranges and with the torque that '
            'it has; name another --effector or --first'
        )
    joints = tuple(
        joint.model_copy(update={'home_rad': float(angle)})
        for joint, angle in zip(arm.joints, stand.home_rad, strict=True)
    )
    arm = arm.model_copy(update={'joints': joints, 'base': stand.base})
    hand = HandDown(compile_arm(arm), arm.effector_site)
    carried = [hand.carrying_nm(angles) for angles in stand.angles_rad[stand.reached]]
    share = np.max([*carried, hand.carrying_nm(stand.home_rad)], axis=0) / arm.effort_limits_nm
    return Proposal(
        arm,
        stand,
        frozenset(set(chain.joints) - set(efforts)),
        frozenset(set(chain.joints) - set(speeds)),
        share,
    )


def _known_limits(
    spec: mujoco.MjSpec, chain: Chain, urdf_limits: dict[str, UrdfLimits]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the efforts and speeds that the file says, by joint."""
    efforts = {name: limit for name, (limit, _) in file_force_limits(spec).items()}
    speeds = {name: limits.velocity for name, limits in urdf_limits.items() if limits.velocity}
    return (
        {n: min(efforts[n], _MOST_EFFORT_NM) for n in chain.joints if efforts.get(n)},
        {n: min(speeds[n], _MOST_SPEED_RAD_S) for n in chain.joints if n in speeds},
    )


def _bare(
    source: ModelSource,
    name: str,
    chain: Chain,
    efforts: dict[str, float],
    speeds: dict[str, float],
    own_site: str | None,
) -> ArmConfig:
    """Return the arm with a site at the last body's origin where none was named, and no home."""
    return ArmConfig(
        **source.model_dump(),
        name=name,
        effector_site=own_site or SITE,
        add_site=None if own_site else SiteConfig(body=chain.body),
        joints=tuple(
            JointConfig(
                name=joint,
                effort_limit_nm=efforts.get(joint, 1e-3),
                velocity_limit_rad_s=speeds.get(joint, ASSUMED_SPEED_RAD_S),
                home_rad=0.0,
            )
            for joint in chain.joints
        ),
        held_joints_rad=chain.held,
        weld_base=bool(chain.free),
    )


def _with_efforts(arm: ArmConfig, known: dict[str, float]) -> ArmConfig:
    """Return the arm with efforts where the file gives none: what carrying takes, and more."""
    hand = HandDown(compile_arm(arm), arm.effector_site)
    postures = _postures(hand)
    needed = _EFFORT_FOR_WANT_OF_ONE * np.max([hand.carrying_nm(p) for p in postures], axis=0)
    joints = tuple(
        joint
        if joint.name in known
        else joint.model_copy(update={'effort_limit_nm': _rounded(max(value, 0.1 * needed.max()))})
        for joint, value in zip(arm.joints, needed, strict=True)
    )
    return arm.model_copy(update={'joints': joints})


def _overlaps(arm: ArmConfig) -> tuple[tuple[str, str], ...]:
    """Return pairs that touch in any posture where they are neighbours, or else in nearly every."""
    counts: dict[tuple[str, str], int] = {}
    model = compile_arm(arm)
    postures = _postures(HandDown(model, arm.effector_site))
    for angles in postures:
        for pair in touching_pairs(model, angles):
            counts[pair] = counts.get(pair, 0) + 1
    return tuple(
        pair
        for pair, count in counts.items()
        if joints_between(model, *pair) <= 2 or count >= _ALWAYS * len(postures)
    )


def _postures(hand: HandDown) -> np.ndarray:
    return np.random.default_rng(0).uniform(hand.low, hand.high, (_POSTURES, hand.model.nv))


def _touches_nothing(model: mujoco.MjModel, angles_rad: np.ndarray) -> bool:
    """Tell whether the arm is neither folded nor in the table."""
    return not touching_pairs(model, angles_rad)


def _rounded(value: float) -> float:
    return float(f'{min(value, _MOST_EFFORT_NM):.2g}')


def default_name(path: Path) -> str:
    """Return a name for the arm in a file."""
    return path.name.split('.')[0].replace(' ', '_').lower()
