# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Formation: movers in a shape of any size and proportion, anywhere or round a reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import ClassVar

import numpy as np

from .arrangement import Arrangement
from .shape import sorted_distances

_SIZES = (0.25, 0.75)  # of a formation's sides, particle units
_RADII = (0.25, 0.55)  # of one round a reference


@dataclass(frozen=True)
class Formation(Arrangement):
    """Movers in a shape that is known by the distances between them, whichever stands where.

    places: (movers, 2), the template around the origin. around: whether an entity that stays is in
    its centre; else it may be anywhere.
    """

    places: tuple[tuple[float, float], ...]
    around: bool = False
    family: ClassVar[str] = 'formation'
    changes: ClassVar[str] = 'positions'
    single_goal: ClassVar[bool] = False

    @property
    def black_crosses(self) -> bool:
        """Whether movers look like the arm's actor: no, they are told from what stays otherwise."""
        return False

    @property
    def movers(self) -> int:
        """How many entities form it."""
        return len(self.places)

    @property
    def num_references(self) -> int:
        """One where it is around an entity."""
        return int(self.around)

    def variant(self, rng: np.random.Generator) -> Formation:
        """Return it in another size, with other proportions."""
        return replace(self, places=tuple(map(tuple, _TEMPLATES[self.name](rng).tolist())))

    def arrange(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return (count, P, 2): the template turned and moved."""
        turn = np.exp(1j * rng.uniform(0, 2 * np.pi, (count, 1)))
        centre = rng.uniform(-1, 1, (count, 1, 2))
        turned = _points(_complex(np.array(self.places)) * turn) + centre
        return np.concatenate((turned, centre), 1) if self.around else turned

    def approach(
        self, rng: np.random.Generator, arranged: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end, the formation that takes the least motion (sum of squares).

        Of all assignments of movers to places, the one whose best turn leaves the least counts. The
        centre stays, of a formation around an entity with that entity.
        """
        start = rng.uniform(-1, 1, arranged.shape)
        template, places = _complex(np.array(self.places)), _complex(start)
        fixed = _complex(arranged).mean(1, keepdims=True)
        centre = fixed if self.around else places.mean(1, keepdims=True)
        assigned = template[np.array(list(permutations(range(self.movers))))]
        agreement = (places - centre) @ assigned.conj().T
        best = np.abs(agreement).argmax(1)
        turn = np.exp(1j * np.angle(agreement[np.arange(len(best)), best]))
        end = _points(centre + turn[:, None] * assigned[best])
        if not self.around:
            over = np.maximum(end.max(1, keepdims=True) - 1, 0)
            under = np.minimum(end.min(1, keepdims=True) + 1, 0)
            end = end - over - under
        return start, end

    def violation(self, participants: np.ndarray) -> np.ndarray:
        """Return the largest error of a distance, among movers and to what they stand around."""
        template = np.array(self.places)
        movers = participants[..., : self.movers, :]
        off = np.abs(sorted_distances(movers) - sorted_distances(template)).max(-1)
        if self.around:
            radii = np.linalg.norm(movers - participants[..., self.movers :, :], axis=-1)
            wanted = np.sort(np.linalg.norm(template, axis=-1))
            off = np.maximum(off, np.abs(np.sort(radii, -1) - wanted).max(-1))
        return off


def _complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1]


def _points(values: np.ndarray) -> np.ndarray:
    return np.stack((values.real, values.imag), -1)


def _side(rng: np.random.Generator) -> float:
    return rng.uniform(*_SIZES)


def _pair(rng: np.random.Generator) -> np.ndarray:
    return _side(rng) / 2 * np.array([(-1.0, 0.0), (1.0, 0.0)])


def _line(rng: np.random.Generator) -> np.ndarray:
    return 0.8 * _side(rng) * np.array([(-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)])


def _row_of_four(rng: np.random.Generator) -> np.ndarray:
    return 0.5 * _side(rng) * np.array([(-1.5, 0.0), (-0.5, 0.0), (0.5, 0.0), (1.5, 0.0)])


def _triangle(rng: np.random.Generator) -> np.ndarray:
    """Return an isosceles triangle, in half of the cases an equilateral one."""
    base = _side(rng)
    height = base * (np.sqrt(3) / 2 if rng.random() < 0.5 else rng.uniform(0.5, 1.3))
    points = np.array([(-base / 2, 0.0), (base / 2, 0.0), (0.0, height)])
    return points - points.mean(0)


def _rectangle(rng: np.random.Generator) -> np.ndarray:
    """Return a rectangle, in half of the cases a square."""
    width = _side(rng)
    height = width if rng.random() < 0.5 else _side(rng)
    return np.array([(width, height), (width, -height), (-width, -height), (-width, height)]) / 2


def _ring(number: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(*_RADII) * _points(np.exp(2j * np.pi * np.arange(number) / number))


_TEMPLATES = {
    'pair': _pair,
    'spaced_line': _line,
    'row_of_four': _row_of_four,
    'any_triangle': _triangle,
    'rectangle': _rectangle,
    'two_around': lambda rng: _ring(2, rng),
    'three_around': lambda rng: _ring(3, rng),
}

CONCEPTS = tuple(
    Formation(
        name,
        tuple(map(tuple, draw(np.random.default_rng(0)).tolist())),
        around=name.endswith('around'),
    )
    for name, draw in _TEMPLATES.items()
)
