# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One concept as one file: what was shown of it, in JSON that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ebm_concept_ros.page.lesson import Example, example_of
from ebm_concept_ros.page.messages import Name
from ebm_core.world.scene import MAX_ENTITIES, SHAPES, Demonstration, InvalidInput, Scene

FORMAT = 1
_MOST_EXAMPLES = 50
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra='forbid')


class _Entity(_Strict):
    colour: tuple[_Number, _Number, _Number]
    shape: Literal[SHAPES]
    movable: bool
    takes_part: Annotated[float, Field(ge=0.0, le=1.0)]
    before: tuple[_Number, _Number]
    after: tuple[_Number, _Number]


class _Example(_Strict):
    entities: Annotated[list[_Entity], Field(min_length=1, max_length=MAX_ENTITIES)]


class _File(_Strict):
    format: Literal[FORMAT]
    concept: Name
    examples: Annotated[list[_Example], Field(min_length=1, max_length=_MOST_EXAMPLES)]


def to_text(name: str, examples: Sequence[Example]) -> str:
    """Return the file's text."""
    file = _File(
        format=FORMAT, concept=name, examples=[_to_file(e.demonstration()) for e in examples]
    )
    return file.model_dump_json(indent=1)


def from_text(text: str) -> tuple[str, list[Example]]:
    """Return name and examples of a file; raises InvalidInput that names the field."""
    try:
        file = _File.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = '.'.join(map(str, first['loc'])) or 'file'
        raise InvalidInput(f'{field}: {first["msg"]}') from None
    examples = []
    for number, example in enumerate(file.examples, 1):
        try:
            examples.append(example_of(_from_file(example)))
        except InvalidInput as error:
            raise InvalidInput(f'example {number}: {error}') from None
    return file.concept, examples


def _to_file(demonstration: Demonstration) -> _Example:
    before, after = demonstration.before, demonstration.after
    return _Example(
        entities=[
            _Entity(
                colour=tuple(before.colours[i].tolist()),
                shape=SHAPES[before.shapes[i]],
                movable=bool(before.movable[i]),
                takes_part=float(demonstration.attention[i]),
                before=tuple(before.positions[i].tolist()),
                after=tuple(after.positions[i].tolist()),
            )
            for i in range(len(before))
        ]
    )


def _from_file(example: _Example) -> Demonstration:
    entities = example.entities
    before = Scene(
        np.array([entity.before for entity in entities]),
        np.array([entity.colour for entity in entities]),
        np.array([SHAPES.index(entity.shape) for entity in entities]),
        np.array([entity.movable for entity in entities]),
    )
    after = before.with_positions([entity.after for entity in entities])
    return Demonstration((before, after), np.array([entity.takes_part for entity in entities]))
