"""Energies without the hollows that are no goals, so that descent does not end in them.

Far from where an energy was demonstrated it may have hollows of its own. How deep they are tells
them from goals: of all that is about as likely as the best, nothing is filled.
"""

from __future__ import annotations

import heapq
from itertools import product

import numpy as np

# Of the energies' whole range, by how much a filled hollow rises per cell towards its outlet.
_RISE_PER_CELL = 2e-3


def filled(energies: np.ndarray, as_good: float) -> np.ndarray:
    """Return energies (size, size) whose only minima are within `as_good` of the lowest.

    Every other hollow is filled up to its outlet, and a little more the farther from it (a flood
    from the goals, lowest first).
    """
    rise = _RISE_PER_CELL * np.ptp(energies)
    levels = np.where(energies <= energies.min() + as_good, energies, np.inf)
    border = [(levels[i], *i) for i in zip(*np.nonzero(np.isfinite(levels)), strict=True)]
    heapq.heapify(border)
    done = np.zeros(energies.shape, bool)
    while border:
        level, x, y = heapq.heappop(border)
        if done[x, y]:
            continue
        done[x, y] = True
        for dx, dy in product((-1, 0, 1), repeat=2):
            i, j = x + dx, y + dy
            if 0 <= i < len(energies) and 0 <= j < len(energies) and not done[i, j]:
                through = max(energies[i, j], level + rise * np.hypot(dx, dy))
                if through < levels[i, j]:
                    levels[i, j] = through
                    heapq.heappush(border, (through, i, j))
    return levels
