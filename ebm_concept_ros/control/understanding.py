# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether demonstrations were understood; on a concept that was not, the arm must not move."""

from __future__ import annotations

import math

from ebm_concept_ros.types import AnyConcept


def why_not_understood(concept: AnyConcept) -> str:
    """Return why a concept is not to be enacted, or nothing where it is.

    The score of whatever counts in it must not be below its threshold; where no threshold is known
    there is no rule.
    """
    for weight, term in zip(concept.weights, concept.terms, strict=True):
        threshold = term.understanding_threshold
        # A score that is not a number is none.
        if weight > 0 and not (math.isnan(threshold) or term.understanding >= threshold):
            return (
                f'{term.name!r} is not understood: its demonstrations score '
                f'{term.understanding:.3g}, understood are those from {threshold:.3g}'
            )
    return ''
