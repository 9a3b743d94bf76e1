"""Whether demonstrations were understood; on a concept that was not, the arm must not move."""

from __future__ import annotations

import math

from ebm_concept_ros.conversions import ConceptCodes


def why_not_understood(concept: ConceptCodes) -> str:
    """Return why a concept is not to be enacted, or nothing where it is.

    Its score must not be below its threshold; where no threshold is known there is no rule.
    """
    threshold = concept.understanding_threshold
    # A score that is not a number is none.
    if math.isnan(threshold) or concept.understanding >= threshold:
        return ''
    return (
        f'{concept.name!r} is not understood: its demonstrations score '
        f'{concept.understanding:.3g}, understood are those from {threshold:.3g}'
    )
