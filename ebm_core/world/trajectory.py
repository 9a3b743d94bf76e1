# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a recorded trajectory of any number of states says, in as many states as energies judge.

A camera sees an event in hundreds of states that shiver, pause, and begin and end at rest. What was
done is the difference between how things stood before and how they stand after: two states, each
the mean of what was seen at rest. Only where a reference moves do the ends not tell what happened;
then the way between them counts too, in the number of steps that temporal concepts are trained
with. Its clock is the reference itself, so that a pause takes no time and a pace plays no role.

Courses are float arrays (T + 1, N, D) of N entities over T + 1 states: D = 2 for positions
(particle units), D = 3 for colours (RGB).
"""

from __future__ import annotations

import numpy as np

WAY_STEPS = 4  # T of an event in time
# Per coordinate. Two sights of the same place differ by up to 0.016 where a table of 0.25 m per
# unit is seen to ± 2 mm, and less than 0.02 changes nothing that an energy says.
SAME_PLACE = 0.02  # particle units
SAME_COLOUR = 0.05  # of 1, per component
OTHER_COLOUR = 0.2  # of 1, per component: no other light, but another colour
# A reference that moves by less than the shortest step of a leader was only nudged.
MOVED = 0.1  # particle units, per coordinate


def ends(course: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where each entity rests at first and where at last, (N, D) both.

    tolerance: how far, per coordinate, the states of a rest lie from the first (from the last)
    state. Where the two rests lie no further apart the entity has not changed, and they are one.
    """
    before, seen_before = _rest(course, tolerance)
    after, seen_after = _rest(course[::-1], tolerance)
    same = (np.abs(after - before) <= tolerance).all(-1, keepdims=True)
    # As a step away from `before`: what is equal stays so to the last bit.
    one = before + (after - before) * (seen_after / (seen_before + seen_after))
    return np.where(same, one, before), np.where(same, one, after)


def _rest(course: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (N, D) of each entity's rest at the beginning, and how long it is, (N, 1)."""
    rests = _resting(course, course[0], tolerance)
    number = rests.sum(0)
    return course[0] + np.where(rests, course - course[0], 0.0).sum(0) / number, number


def _resting(course: np.ndarray, place: np.ndarray, tolerance: float) -> np.ndarray:
    """Tell (T + 1, N, 1) bool in which states at the beginning an entity has not left its place."""
    near = (np.abs(course - place) <= tolerance).all(-1, keepdims=True)
    return np.logical_and.accumulate(near)


def is_in_time(positions: np.ndarray, references: np.ndarray) -> bool:
    """Tell whether the ends do not say what happened: a reference moves, and enough is seen of it.

    references: (N,) bool, the entities that take part and cannot act.
    """
    course = positions[:, references]
    return len(course) > WAY_STEPS and bool((np.abs(course - course[0]) > MOVED).any())


def moments(positions: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the WAY_STEPS + 1 moments, as fractions of state numbers, that a way is judged at.

    Between them the references cover the same distance. references: (N,) bool, as above.
    """
    course = positions[:, references].reshape(len(positions), -1)
    # The states at which they have come further than a shiver; the distance is summed over these.
    stops = [0]
    while True:
        away = (np.abs(course[stops[-1] + 1 :] - course[stops[-1]]) > SAME_PLACE).any(-1)
        if not away.any():
            break
        stops.append(stops[-1] + 1 + int(away.argmax()))
    covered = np.linalg.norm(np.diff(course[stops], axis=0), axis=-1).cumsum()
    asked = covered[-1] * np.arange(1, WAY_STEPS) / WAY_STEPS
    between = np.interp(asked, np.concatenate(([0.0], covered)), stops)
    return np.concatenate(([0.0], between, [len(course) - 1]))


def way(course: np.ndarray, moments: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the course (M, N, D) at M moments, from the first rest to the last as of `ends`.

    Who is still, or already, within the tolerance of a rest is there.
    """
    before, after = ends(course, tolerance)
    passed = np.concatenate(([before], at(course, moments[1:-1]), [after]))
    passed = np.where(_resting(passed, before, tolerance), before, passed)
    return np.where(_resting(passed[::-1], after, tolerance)[::-1], after, passed)


def at(course: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return the course (M, N, D) at M moments, which are fractions of state numbers."""
    earlier = np.minimum(moments.astype(int), len(course) - 2)
    part = (moments - earlier)[:, None, None]
    return course[earlier] * (1 - part) + course[earlier + 1] * part


def returning_colour(colours: np.ndarray) -> tuple[int, int] | None:
    """Return the first state in which an entity's colour is one that it had left before.

    That is the state's number and the entity's; None where colours change into new ones alone.
    """
    found = []
    for entity in np.flatnonzero((np.abs(colours - colours[0]) > OTHER_COLOUR).any((0, 2))):
        course = colours[:, entity]
        left, now = np.empty((0, 3)), 0
        while (away := (np.abs(course[now:] - course[now]) > OTHER_COLOUR).any(-1)).any():
            earlier, now = now, now + int(away.argmax())
            if (np.abs(left - course[now]) <= OTHER_COLOUR / 2).all(-1).any():
                found.append((now, int(entity)))
                break
            left = np.vstack((left, course[earlier]))
    return min(found, default=None)
