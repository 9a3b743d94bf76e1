# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Names in a model: those that this package adds cannot collide, and nothing stays unnamed."""

from __future__ import annotations

import itertools

import mujoco

PREFIX = 'ebm/'


def own(name: str) -> str:
    """Return the name in the model of something that this package adds to it."""
    return PREFIX + name


def name_everything(spec: mujoco.MjSpec) -> None:
    """Name the bodies and joints that the file leaves unnamed, so that each can be told of.

    A joint is named `<body>_joint`, a body `<parent>_body`, with a number where that is taken.
    """
    bodies = {body.name for body in spec.bodies}
    for body in spec.bodies[1:]:
        if not body.name:
            body.name = _free(f'{body.parent.name}_body', bodies)
    joints = {joint.name for joint in spec.joints}
    for joint in spec.joints:
        if not joint.name:
            joint.name = _free(f'{joint.parent.name}_joint', joints)


def _free(wanted: str, taken: set[str]) -> str:
    """Return the name, or the first of it with a number that is not taken; it is taken then."""
    candidates = itertools.chain([wanted], (f'{wanted}_{i}' for i in itertools.count(2)))
    name = next(name for name in candidates if name not in taken)
    taken.add(name)
    return name
