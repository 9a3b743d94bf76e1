# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contacts of an arm with itself: which are left out, and which are no way to start."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import mujoco
import numpy as np

from ebm_concept_ros.config_files import ConfigError

_log = logging.getLogger(__name__)

# Links with at most so many joints between them overlap by how their hulls are made, not because
# the arm is folded onto itself.
_NEIGHBOURS_WITHIN_JOINTS = 2

Pair = tuple[str, str]


def ignore_contacts(spec: mujoco.MjSpec, pairs: Iterable[Pair]) -> None:
    """Leave out the contacts between pairs of bodies, those that the file asks for by name too.

    Raises ConfigError for a body that is not there.
    """
    pairs = list(pairs)
    bodies = {body.name for body in spec.bodies}
    for index, pair in enumerate(pairs):
        for name in pair:
            if name not in bodies:
                raise ConfigError(
                    f'ignore_contacts.{index}: no {name!r} in the model file; its bodies are '
                    f'{", ".join(sorted(bodies))}'
                )
    left_out = {frozenset(pair) for pair in pairs}
    for asked in list(spec.pairs):
        if frozenset(_bodies_of(spec, asked)) in left_out:
            spec.delete(asked)
    known = {frozenset((exclude.bodyname1, exclude.bodyname2)) for exclude in spec.excludes}
    for pair in pairs:
        if pair[0] != pair[1] and frozenset(pair) not in known:
            spec.add_exclude(bodyname1=pair[0], bodyname2=pair[1])
            known.add(frozenset(pair))


def base_and_first_link(model: mujoco.MjModel) -> list[Pair]:
    """Return the pairs of a body that stands still and one that a joint fixes to it.

    MuJoCo leaves out contacts of neighbours by itself, but not with what does not move.
    """
    still = model.body_weldid == 0
    pairs = []
    for moving in np.flatnonzero(~still):
        parent = model.body_parentid[model.body_weldid[moving]]
        if still[parent] and model.body_geomnum[moving]:
            pairs += [
                (model.body(body).name, model.body(moving).name)
                for body in np.flatnonzero(still)
                if model.body_geomnum[body] and model.body_mocapid[body] < 0
            ]
    return pairs


def touching_pairs(model: mujoco.MjModel, positions_rad: np.ndarray) -> dict[Pair, float]:
    """Return the bodies that touch each other at joint positions (n,), and how deep, m."""
    data = mujoco.MjData(model)
    data.qpos[:] = positions_rad
    mujoco.mj_forward(model, data)
    depths: dict[Pair, float] = {}
    for geoms, distance_m in zip(data.contact.geom, data.contact.dist, strict=True):
        if distance_m <= 0.0:
            first, second = sorted(int(body) for body in model.geom_bodyid[geoms])
            pair = (model.body(first).name, model.body(second).name)
            depths[pair] = max(depths.get(pair, 0.0), -float(distance_m))
    return depths


def neighbours_that_touch(model: mujoco.MjModel, home_rad: np.ndarray) -> list[Pair]:
    """Return the pairs that overlap at home and are near each other in the arm; log them.

    Raises ConfigError for others, which may well be a folded arm.
    """
    near = []
    for pair, depth_m in touching_pairs(model, home_rad).items():
        joints = joints_between(model, *pair)
        said = f'{pair[0]} and {pair[1]} touch at home, {1e3 * depth_m:.1f} mm deep'
        if joints > _NEIGHBOURS_WITHIN_JOINTS:
            raise ConfigError(
                f'home_rad: {said}, with {joints} joints between them; choose another home, or '
                f'list the pair under ignore_contacts: [[{pair[0]}, {pair[1]}]]'
            )
        _log.warning('%s: their contact is left out, as if listed under ignore_contacts', said)
        near.append(pair)
    return near


def joints_between(model: mujoco.MjModel, first: str, second: str) -> int:
    """Return how many joints there are on the way from one body to another."""
    return len(_joints_above(model, first) ^ _joints_above(model, second))


def _joints_above(model: mujoco.MjModel, name: str) -> set[int]:
    body, joints = model.body(name).id, set()
    while body:
        first, count = model.body_jntadr[body], model.body_jntnum[body]
        joints |= set(range(first, first + count))
        body = model.body_parentid[body]
    return joints


def _bodies_of(spec: mujoco.MjSpec, pair: mujoco.MjsPair) -> Pair:
    geoms = {geom.name: geom.parent.name for geom in spec.geoms}
    return geoms[pair.geomname1], geoms[pair.geomname2]
