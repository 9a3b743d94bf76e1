"""Whether demonstrations were understood: whether the energy of what was shown came down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.conversions import ConceptCodes
from ebm_core.scene import InvalidInput


class NotUnderstood(InvalidInput):
    """A concept that its own demonstrations do not bear out; the arm must not move on it."""


@dataclass(frozen=True)
class EnergyLimits:
    """The mean energy over the demonstrations up to which they count as understood.

    Infinite where no limit is known. The one place to read them from a model's card, once training
    measures them, is whoever makes this object.
    """

    action: float = math.inf
    argument: float = math.inf

    def require_understood(self, concept: ConceptCodes) -> None:
        """Raise NotUnderstood for a concept over a limit; both values are named."""
        for what, energies, limit in (
            ('action', concept.action_energies, self.action),
            ('argument', concept.argument_energies, self.argument),
        ):
            if not energies or math.isinf(limit):
                continue
            mean = float(np.mean(energies))
            if not mean <= limit:  # not a number is not understood either
                raise NotUnderstood(
                    f'concept.{what}_energies: {concept.name!r} is not understood: the mean energy '
                    f'of its demonstrations is {mean:.4g}, understood are those up to {limit:.4g}'
                )
