"""Concepts: two codes, and the weights that they belong to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions.stamps import ns_to_stamp
from ebm_core.scene import (
    InvalidInput,
)


@dataclass(frozen=True, eq=False)
class ConceptCodes:
    """An inferred concept as it travels: two codes (D,) and the weights they belong to.

    understanding: how well its demonstrations fit together; understanding_threshold: the score that
    it takes to be enacted. NaN: not known.
    """

    name: str
    action_code: np.ndarray
    argument_code: np.ndarray
    model_sha256: str
    demonstrations: int = 0
    action_energies: tuple[float, ...] = ()
    argument_energies: tuple[float, ...] = ()
    understanding: float = math.nan
    understanding_threshold: float = math.nan


def concept_from_message(message: ros.Concept, model_sha256: str, code_size: int) -> ConceptCodes:
    """Return the concept's codes, or raise InvalidInput naming field and reason.

    A concept belongs to the weights that it was inferred with: another hash is refused.
    """
    if not message.name:
        raise InvalidInput('concept.name: empty')
    if message.model_sha256 != model_sha256:
        raise InvalidInput(
            f'concept.model_sha256: {message.model_sha256[:12] or "empty"} is not that of the '
            f'weights loaded here, {model_sha256[:12]}'
        )
    codes = {}
    for field in ('action_code', 'argument_code'):
        code = np.array(getattr(message, field), float)
        if code.shape != (code_size,):
            raise InvalidInput(
                f'concept.{field}: {len(code)} values, the model has codes of {code_size}'
            )
        if not np.isfinite(code).all():
            raise InvalidInput(f'concept.{field}: contains NaN or infinity')
        code.setflags(write=False)
        codes[field] = code
    return ConceptCodes(
        message.name,
        codes['action_code'],
        codes['argument_code'],
        message.model_sha256,
        message.demonstrations,
        tuple(message.action_energies),
        tuple(message.argument_energies),
        message.understanding,
        message.understanding_threshold,
    )


def concept_to_message(concept: ConceptCodes, stamp_ns: int = 0) -> ros.Concept:
    """Return the message of an inferred concept."""

    def doubles(values: Iterable[float]) -> array:
        return array('d', (float(v) for v in values))

    return ros.Concept(
        header=Header(stamp=ns_to_stamp(stamp_ns)),
        name=concept.name,
        action_code=doubles(concept.action_code),
        argument_code=doubles(concept.argument_code),
        model_sha256=concept.model_sha256,
        demonstrations=concept.demonstrations,
        action_energies=doubles(concept.action_energies),
        argument_energies=doubles(concept.argument_energies),
        understanding=concept.understanding,
        understanding_threshold=concept.understanding_threshold,
    )
