# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of a model's joints are the arm's, and which are to be held."""

from __future__ import annotations

import re
from dataclasses import dataclass

import mujoco
import numpy as np

from ebm_concept_ros.config_files import ConfigError

_HINGE, _FREE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_FREE
_OF_A_HAND = re.compile('finger|gripper|grip_|jaw|knuckle|thumb|hand|claw', re.IGNORECASE)


@dataclass(frozen=True)
class Chain:
    """The arm's joints from its base on, the body that the last one moves, and all other joints.

    held: joint values, rad or m; what follows one of them is left out. free: bodies that float.
    """

    joints: tuple[str, ...]
    body: str
    held: dict[str, float]
    free: tuple[str, ...]


def find_chain(
    spec: mujoco.MjSpec,
    model: mujoco.MjModel,
    effector: str | None = None,
    first: str | None = None,
) -> Chain:
    """Return the hinges that lead to `effector`, or the longest row of hinges, without a hand's.

    effector: a body or a site. first: the joint that the arm begins with. model: the compiled spec.
    Raises ConfigError for a name that is not there, and where there is no hinge.
    """
    hand = _joints_of_hands(spec, model)
    if effector is None:
        chains = [_chain_to(model, body, hand) for body in range(1, model.nbody)]
        chain = max(chains, key=len, default=[])
    else:
        chain = _chain_to(model, _body_named(spec, model, effector), hand)
    names = [model.joint(joint).name for joint in chain]
    if first is not None:
        if first not in names:
            raise ConfigError(f'--first: no {first!r} on the way; there are {", ".join(names)}')
        names, chain = names[names.index(first) :], chain[names.index(first) :]
    if not chain:
        raise ConfigError('model: no hinge joint leads anywhere, so there is no arm to control')
    free = [joint for joint in range(model.njnt) if model.jnt_type[joint] == _FREE]
    return Chain(
        joints=tuple(names),
        body=model.body(model.jnt_bodyid[chain[-1]]).name,
        held=_held(spec, model, {*chain, *free}),
        free=tuple(model.body(model.jnt_bodyid[joint]).name for joint in free),
    )


def _held(spec: mujoco.MjSpec, model: mujoco.MjModel, others: set[int]) -> dict[str, float]:
    """Return values for joints: those of the file's keyframe, or zero, or what is nearest to it."""
    angles = model.key_qpos[0] if model.nkey else np.zeros(model.nq)
    followers = {e.name1 for e in spec.equalities if e.type == mujoco.mjtEq.mjEQ_JOINT and e.name2}
    held = {}
    for joint in range(model.njnt):
        name = model.joint(joint).name
        if joint in others or name in followers:
            continue
        value = float(angles[model.jnt_qposadr[joint]])
        if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL:
            value = 0.0
        elif model.jnt_limited[joint]:
            value = float(np.clip(value, *model.jnt_range[joint]))
        held[name] = round(value, 6)
    return held


def _chain_to(model: mujoco.MjModel, body: int, hand: set[int]) -> list[int]:
    """Return the hinges from the root to a body, those of its hand left out."""
    chain: list[int] = []
    while body:
        first = model.body_jntadr[body]
        chain = [*range(first, first + model.body_jntnum[body]), *chain]
        body = model.body_parentid[body]
    while chain and chain[-1] in hand:
        chain.pop()
    return [joint for joint in chain if model.jnt_type[joint] == _HINGE and joint not in hand]


def _joints_of_hands(spec: mujoco.MjSpec, model: mujoco.MjModel) -> set[int]:
    """Return joints that are named so, that an equality or a tendon couples, and slides at ends."""
    coupled = {
        name
        for equality in spec.equalities
        if equality.type == mujoco.mjtEq.mjEQ_JOINT
        for name in (equality.name1, equality.name2)
    }
    for tendon in spec.tendons:
        steps = [step for step in tendon.path if step.type == mujoco.mjtWrap.mjWRAP_JOINT]
        coupled |= {step.target.name for step in steps}
    inner = {int(model.body_parentid[body]) for body in model.jnt_bodyid}
    hands = set()
    for joint in range(model.njnt):
        name, body = model.joint(joint).name, int(model.jnt_bodyid[joint])
        slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE and body not in inner
        if slides or name in coupled or _OF_A_HAND.search(name):
            hands.add(joint)
    return hands


def _body_named(spec: mujoco.MjSpec, model: mujoco.MjModel, name: str) -> int:
    for body in spec.bodies:
        if body.name == name or name in (site.name for site in body.sites):
            return body.id
    bodies = ', '.join(model.body(i).name for i in range(1, model.nbody))
    sites = ', '.join(site.name for site in spec.sites if site.name) or 'none'
    raise ConfigError(f'--effector: no {name!r} in the model file; bodies {bodies}; sites {sites}')
