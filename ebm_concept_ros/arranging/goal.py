# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which arrangements the energy asks for, that have room and are near to how things stand.

Places are those of all movers at once, in particle units.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from ebm_concept_ros.arranging.clearance import Clearance, half_width
from ebm_concept_ros.arranging.proposals import everywhere, proposals
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason

RESTARTS = 16
# An arrangement is as good as the best where its energy is above the least by no more than what it
# costs to be so far off, particle units.
AS_GOOD = 0.01
TOLERANCE = 0.08  # so far off, particle units, a concept still holds
_EXACT = 0.004  # so near, nothing has to be polished
# What exact residuals cost a tenth of a unit off. Around the best place of a region nothing rises,
# and whoever is in doubt about its edge loses a move, not the concept.
_A_TENTH = 20.0
_PROBE = 0.1
_LEAST_MARGIN = 1e-3
_GRID = np.linspace(-1.1, 1.1, 45)  # for one mover all of the plane is looked through
_SHAPES = 4  # of different arrangements that are proposed anew elsewhere
_SHAPES_ANYWHERE = 2  # the same, where there is no room near by
_POLISHED = 24
_STEPS = 40
_FIRST_LENGTH = 0.05
_PENALTY = 3000.0  # of a unit² that lacks, beside the energy
_LACK = 0.004  # that is allowed: a millimetre of a gap that is more than needed
STAYS_WITHIN = 0.012  # who is as near to its place stays where it is: 3 mm
_CHOICES = 12
_OTHER = 0.1  # places that differ less are the same choice


class Energy(Protocol):
    """What is asked of `ebm_core.relational.arrangements.Arrangements`."""

    def energies(self, places: np.ndarray) -> np.ndarray: ...

    def slopes(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def chains(self, restarts: int, seed: int = 0) -> np.ndarray: ...

    def in_formation(self, places: np.ndarray) -> np.ndarray: ...


class Choice(NamedTuple):
    """An arrangement: places (m, 2), its energy, whether that is as good as the least."""

    places: np.ndarray
    energy: float
    as_good: bool


class Asked(NamedTuple):
    """What a concept asks for in a scene.

    lowest: arrangements (M, m, 2) of least energy, whether there is room or not. least: the least
    energy. margin: above that, what is as good. start: the energy of how things stand.
    """

    lowest: np.ndarray
    energies: np.ndarray
    least: float
    margin: float
    start: float

    @property
    def holds_up_to(self) -> float:
        """Return the energy of what is as far off as is allowed, in the steepest direction."""
        return self.least + self.margin * (TOLERANCE / AS_GOOD) ** 2

    @property
    def holds(self) -> bool:
        """Tell whether the concept holds as things stand; in a region, clearly."""
        return self.start <= max(self.holds_up_to, self.least + _A_TENTH * self.is_one)

    @property
    def is_one(self) -> bool:
        """Tell whether one is moved by itself."""
        return self.lowest.shape[1] == 1


def asked(energy: Energy, starts: np.ndarray, seed: int = 0) -> Asked:
    """Return what the energy asks for of movers at starts (m, 2)."""
    ends = energy.chains(RESTARTS, seed)
    if len(starts) == 1:
        ends = np.concatenate((ends, _grid()))
    value = energy.energies(ends)
    best = value.argsort(kind='stable')[:_POLISHED]
    lowest, polished = _descended(energy, ends[best], None)
    if len(lowest) < len(best):  # downhill, some left their formation for good
        lowest = np.concatenate((lowest, ends[best]))
        polished = np.concatenate((polished, value[best]))
    value = polished
    least = float(value.min())
    margin = _margin(energy, lowest[value.argmin()], least)
    return Asked(lowest, value, least, margin, float(energy.energies(starts[None])[0]))


def choices(
    energy: Energy, of: Asked, starts: np.ndarray, clearance: Clearance, ripples: float = 0.0
) -> list[Choice]:
    """Return arrangements that have room, those first that move few and not far.

    starts: (m, 2) where movers are. ripples: by how much energy differs from place to place without
    a meaning, so that the same arrangement elsewhere may have more. At the end come those whose
    energy is higher than is good, the lowest first: they are what room and reach leave. Raises
    CannotArrange where they leave nothing.
    """
    bound = of.least + of.margin
    if len(starts) == 1:
        grid = _grid()
        value = energy.energies(grid)
        many = _near_by(grid, value, starts, clearance, of.least + 10 * of.margin)
        many = np.concatenate((many, of.lowest))
        exact = of.least + of.margin * (_EXACT / AS_GOOD) ** 2
    else:
        many = _elsewhere(energy, of, starts)
        exact = of.least + max(ripples, of.margin)
    kept = _kept(energy, many, starts, clearance, bound, exact)
    if len(starts) > 1 and not any(choice.as_good for choice in kept):
        many = _anywhere(energy, of, starts, half_width(clearance.workspace))
        kept += _kept(energy, many, starts, clearance, bound, exact, of.holds_up_to)
    return _ranked(kept, of, starts, clearance)


def alike(energy: Energy, places: np.ndarray, margin: float) -> bool:
    """Tell whether movers can change places (m, 2) without a change of energy."""
    m = len(places)
    swaps = [np.arange(m)]
    for i in range(m):
        for j in range(i):
            order = np.arange(m)
            order[[i, j]] = j, i
            swaps.append(order)
    values = energy.energies(places[np.array(swaps)])
    return bool(np.abs(values - values[0]).max() <= margin)


def moved(places: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Tell (..., m) who of places (..., m, 2) has to be moved there."""
    return np.linalg.norm(places - starts, axis=-1) > STAYS_WITHIN


def _margin(energy: Energy, best: np.ndarray, least: float) -> float:
    """Return by how much energy rises AS_GOOD from the best (m, 2), in the steepest direction."""
    steps = _PROBE * np.concatenate((np.eye(best.size), -np.eye(best.size)))
    rise = energy.energies(best + steps.reshape(-1, *best.shape)) - least
    return max(float(rise.max()) * (AS_GOOD / _PROBE) ** 2, _LEAST_MARGIN)


def _near_by(
    ends: np.ndarray, value: np.ndarray, starts: np.ndarray, clearance: Clearance, bound: float
) -> np.ndarray:
    """Return places (M, 1, 2) with room, near to the start where energy is low, and the lowest."""
    room = np.flatnonzero((clearance.overlap(ends) <= _LACK) & (clearance.beyond(ends) <= _LACK))
    if not len(room):
        return ends[value.argsort(kind='stable')[:_POLISHED]]
    way = np.linalg.norm(ends[room] - starts, axis=-1).sum(1)
    near = room[np.lexsort((way, value[room] > bound))[: _POLISHED // 2]]
    low = room[value[room].argsort(kind='stable')[: 4 * _POLISHED]]
    return ends[np.concatenate((near, low))]


def _elsewhere(energy: Energy, of: Asked, starts: np.ndarray) -> np.ndarray:
    """Return arrangements (M, m, 2) like the lowest, near to the starts, and the lowest."""
    good, is_alike = _lowest(energy, of, _SHAPES)
    moves = [proposals(places, starts, alike=is_alike) for places in good]
    return np.concatenate((*moves, of.lowest))


def _anywhere(energy: Energy, of: Asked, starts: np.ndarray, half: float) -> np.ndarray:
    """Return arrangements (M, m, 2) like the lowest, all over the plane."""
    good, is_alike = _lowest(energy, of, _SHAPES_ANYWHERE)
    return np.concatenate([everywhere(places, starts, half, alike=is_alike) for places in good])


def _lowest(energy: Energy, of: Asked, number: int) -> tuple[list[np.ndarray], bool]:
    """Return the lowest arrangements (m, 2), and whether anybody may have any of their places."""
    order = of.energies.argsort(kind='stable')
    good = [of.lowest[i] for i in order if of.energies[i] <= of.least + of.margin]
    return good[:number], alike(energy, of.lowest[order[0]], of.margin)


def _grid() -> np.ndarray:
    return np.stack(np.meshgrid(_GRID, _GRID), -1).reshape(-1, 1, 2)


def _kept(
    energy: Energy,
    many: np.ndarray,
    starts: np.ndarray,
    clearance: Clearance,
    bound: float,
    exact: float,
    up_to: float = -np.inf,
) -> list[Choice]:
    """Return those of arrangements (M, m, 2) that have room, some of them after a descent.

    Whose energy is `exact` or less needs none; up_to: whose is no more than that, is kept, too.
    """
    lack = clearance.overlap(many) + np.maximum(clearance.beyond(many), 0.0)
    roomy = np.flatnonzero(lack <= _LACK)
    value = energy.energies(many[roomy])
    kept = [
        Choice(many[i], float(e), bool(e <= exact))
        for i, e in zip(roomy, value, strict=True)
        if e <= max(exact, up_to)
        or len(starts) == 1  # where the hand has no room at the best of a region
    ]
    # What has no room, or not the energy yet, gets there by a descent with what lacks as a penalty.
    nearly = roomy[value <= bound + 10 * (bound - value.min(initial=bound))]
    by_way = nearly[_cost(many[nearly], starts).argsort(kind='stable')]
    crowded = np.flatnonzero(lack > _LACK)
    by_lack = crowded[lack[crowded].argsort(kind='stable')]
    some = np.concatenate((by_way[: _POLISHED // 2], by_lack[: _POLISHED // 2]))
    places, value = _descended(energy, many[some], clearance)
    lack = clearance.overlap(places) + np.maximum(clearance.beyond(places), 0.0)
    return kept + [
        Choice(places[i], float(value[i]), bool(value[i] <= bound))
        for i in np.flatnonzero(lack <= _LACK)
    ]


def _ranked(
    kept: list[Choice], of: Asked, starts: np.ndarray, clearance: Clearance
) -> list[Choice]:
    if not kept:
        if (clearance.beyond(of.lowest) > _LACK).all():
            raise CannotArrange(Reason.OUT_OF_REACH, 'what the concept asks for is out of reach')
        raise CannotArrange(Reason.NO_ROOM, 'there is no room where the concept asks for it')
    good = [choice for choice in kept if choice.as_good]
    others = sorted((c for c in kept if not c.as_good), key=lambda c: c.energy)
    if good:
        cost = _cost(np.array([choice.places for choice in good]), starts)
        good = [good[i] for i in cost.argsort(kind='stable')]
    out: list[Choice] = []
    for choice in (*good, *others):
        stay = ~moved(choice.places, starts)
        choice = choice._replace(places=np.where(stay[:, None], starts, choice.places))
        if all(np.abs(choice.places - other.places).max() > _OTHER for other in out):
            out.append(choice)
        if len(out) == _CHOICES:
            break
    return out


def _cost(many: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return what it costs (M,) to move there: another move is worth any way."""
    way = np.linalg.norm(many - starts, axis=-1)
    return (100.0 * moved(many, starts) + way).sum(1)


def _descended(
    energy: Energy, places: np.ndarray, clearance: Clearance | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return places (M', m, 2) downhill of energy and of what lacks, and their energies (M',).

    They are fewer where there is a formation that not all get into. Each step is against the slope,
    of a length that halves whenever the sum did not fall.
    """

    def at(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = energy.slopes(where)
        if clearance is not None:
            lack, of_lack = clearance.penalty(where)
            value, slope = value + _PENALTY * lack, slope + _PENALTY * of_lack
        return value, slope

    value, slope = at(places)
    length = np.full((len(places), 1, 1), _FIRST_LENGTH)
    for _ in range(_STEPS):
        norm = np.sqrt((slope**2).sum((1, 2), keepdims=True))
        trial = places - length * slope / np.maximum(norm, 1e-12)
        trial_value, trial_slope = at(trial)
        fell = trial_value < value
        every = fell[:, None, None]
        places, slope = np.where(every, trial, places), np.where(every, trial_slope, slope)
        value = np.where(fell, trial_value, value)
        length = np.where(every, length * 1.2, length / 2)
    places = energy.in_formation(places)
    if clearance is not None:
        places = clearance.apart(places)
    return places, energy.energies(places)
