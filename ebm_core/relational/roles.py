# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which role each reference plays, where a demonstrator did not say so.

References that look alike play one role. Else a role is what recurs: each role's references look
the same in all demonstrations, by colour or by shape. Where only one of them recurs, it is the
anchor that the others are told by (*whichever is closest to the cross*).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ..world.scene import MAX_ROLES, Demonstration

SAME_COLOUR = 0.3  # RGB distance within which two references look alike, noise included
_Same = Callable[[np.ndarray, np.ndarray], np.ndarray]
ALL_ALIKE = 1  # the role of references that play the same


@dataclass(frozen=True, eq=False)
class Roles:
    """Roles of the entities of each demonstration.

    of: an array (N,) int8 for each, 0 for whoever is movable or takes no part. number: how many
    roles there are. anchored: whether the first role is told by its relation to the second.
    """

    of: tuple[np.ndarray, ...]
    number: int
    anchored: bool = False

    def told_by_code(self, role: int) -> list[np.ndarray]:
        """Return (N,) bool of each demonstration: whom the argument code of a role is to find.

        These are whoever is movable and those of the role, and what the role is told by.
        """
        together = self.anchored and role == 1
        return [(of == role) | (of == 0) | (together & (of == 2)) for of in self.of]


def infer_roles(demonstrations: Sequence[Demonstration]) -> Roles:
    """Return the roles that demonstrations mark, or else those that recurring looks suggest."""
    if any(d.roles is not None for d in demonstrations):
        marked = [
            np.where(d.attention > 0.5, _one_role(d) if d.roles is None else d.roles, 0)
            for d in demonstrations
        ]
        return Roles(tuple(r.astype(np.int8) for r in marked), int(max(r.max() for r in marked)))
    references = [np.flatnonzero(_one_role(d)) for d in demonstrations]
    numbers = {len(r) for r in references}
    alike = one_role(demonstrations)
    if len(numbers) > 1 or not 2 <= min(numbers) <= MAX_ROLES or len(demonstrations) < 2:
        return alike
    colours = np.stack(
        [d.before.colours[r] for d, r in zip(demonstrations, references, strict=True)]
    )
    shapes = np.stack([d.before.shapes[r] for d, r in zip(demonstrations, references, strict=True)])
    of_colour = np.linalg.norm(colours[:, :, None] - colours[:, None], axis=-1)
    if (of_colour < SAME_COLOUR).all() or (shapes == shapes[:, :1]).all():
        return alike
    for looks, same in ((colours, _same_colour), (shapes[..., None], _same_shape)):
        if (order := _recurring(looks, same)) is not None:
            return Roles(_ordered(demonstrations, references, order), order.shape[1])
    for looks, same in ((colours, _same_colour), (shapes[..., None], _same_shape)):
        if (order := _with_anchor(looks, same)) is not None:
            return Roles(_ordered(demonstrations, references, order), 2, anchored=True)
    return alike


def one_role(demonstrations: Sequence[Demonstration]) -> Roles:
    """Return one role for all references."""
    return Roles(tuple(_one_role(d) for d in demonstrations), ALL_ALIKE)


def _one_role(demonstration: Demonstration) -> np.ndarray:
    """Return (N,) the first role for every reference."""
    return demonstration.before.references(demonstration.attention).astype(np.int8)


def _same_colour(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(one - other, axis=-1) < SAME_COLOUR


def _same_shape(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one == other).all(-1)


def _recurring(looks: np.ndarray, same: _Same) -> np.ndarray | None:
    """Return (M, K) which reference plays each role, where all recur and no two look alike.

    looks: (M, K, …) of K references in M demonstrations.
    """
    k = looks.shape[1]
    if any(same(looks[:, i], looks[:, j]).any() for i in range(k) for j in range(i)):
        return None
    order = np.zeros(looks.shape[:2], int)
    for m, shown in enumerate(looks):
        fits = [p for p in permutations(range(k)) if same(shown[list(p)], looks[0]).all()]
        if not fits:
            return None
        order[m] = fits[0]
    return order


def _with_anchor(looks: np.ndarray, same: _Same) -> np.ndarray | None:
    """Return (M, 2) of two references, the second of which looks the same in all of them."""
    if looks.shape[1] != 2:
        return None
    anchors = []
    for shown in looks:
        recurs = [a for a in (0, 1) if _in_all(shown[a], looks, same)]
        if len(recurs) != 1:
            return None
        anchors.append(recurs[0])
    anchor = np.array(anchors)
    return np.stack((1 - anchor, anchor), 1)


def _in_all(look: np.ndarray, looks: np.ndarray, same: _Same) -> bool:
    """Tell whether a reference of every demonstration looks like this."""
    return bool(same(looks, look).any(1).all())


def _ordered(
    demonstrations: Sequence[Demonstration], references: Sequence[np.ndarray], order: np.ndarray
) -> tuple[np.ndarray, ...]:
    out = []
    for demonstration, of_them, chosen in zip(demonstrations, references, order, strict=True):
        roles = np.zeros(len(demonstration.attention), np.int8)
        roles[of_them[chosen]] = np.arange(1, len(chosen) + 1)
        out.append(roles)
    return tuple(out)
