# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a page may say: every message is one of these, or is refused with a reason."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ebm_concept_ros.page.lesson import THING_SHAPES
from ebm_core.world.scene import COLOURS, InvalidInput

# A file of a concept with fifty large examples has less.
MAX_BYTES = 500_000

Coordinate = Annotated[float, Field(ge=-1.25, le=1.25, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r'^[^\x00-\x1f\x7f]+$')]
Id = Annotated[str, Field(min_length=1, max_length=60)]
Number = Annotated[int, Field(ge=1, le=50)]
Weight = Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)]
Colour = Literal[tuple(COLOURS)]
Shape = Literal[THING_SHAPES]


class Message(BaseModel):
    """One message. Nothing is converted, and what is not known is refused."""

    model_config = ConfigDict(extra='forbid', strict=True, frozen=True)


class Beat(Message):
    """The page is there."""

    type: Literal['beat']


class Show(Message):
    """The hand was brought here: an example."""

    type: Literal['show']
    x: Coordinate
    y: Coordinate


class Move(Message):
    """A thing of the board, or on the table, was moved."""

    type: Literal['move', 'table_move']
    id: Id
    x: Coordinate
    y: Coordinate


class TakesPart(Message):
    """Whether a thing of the board takes part."""

    type: Literal['takes_part']
    id: Id
    takes_part: bool


class Shuffle(Message):
    """Another arrangement on the board; colours, shapes: whether these are dealt anew, too."""

    type: Literal['shuffle']
    colours: bool
    shapes: bool


class Add(Message):
    """One thing more on the board, or on the table."""

    type: Literal['add', 'table_add']
    colour: Colour
    shape: Shape


class Remove(Message):
    """One thing less on the board, or on the table."""

    type: Literal['remove', 'table_remove']
    id: Id


class Look(Message):
    """A thing of the board looks otherwise."""

    type: Literal['look']
    id: Id
    colour: Colour
    shape: Shape


class OfExample(Message):
    """Take an example back, or on the board, where the next thing shown replaces it."""

    type: Literal['delete', 'select']
    number: Number


class OfConcept(Message):
    """What is done with a concept by name. teach: it is what examples are shown of from now on."""

    type: Literal['teach', 'save', 'delete_concept', 'export']
    name: Name


class Import(Message):
    """The file of a concept, as `export` made it."""

    type: Literal['import']
    text: Annotated[str, Field(max_length=MAX_BYTES)]


class Run(Message):
    """Have a concept enacted, or the weighted sum of several."""

    type: Literal['run']
    concepts: Annotated[dict[Name, Weight], Field(min_length=1, max_length=8)]


class Preview(Message):
    """What a concept, or the weighted sum of several, would do on the table."""

    type: Literal['preview']
    concepts: Annotated[dict[Name, Weight], Field(min_length=1, max_length=8)]


class Speed(Message):
    """The share of the arm's speed limits that may be used."""

    type: Literal['speed']
    scale: Annotated[float, Field(ge=0.05, le=1.0, allow_inf_nan=False)]


class Record(Message):
    """Begin a bag of the session, or end it."""

    type: Literal['record']
    on: bool


class Plain(Message):
    """What needs no words.

    show_moved: things were moved to where they belong: an example. start_here: the next one begins
    with them where they are. deselect: it is a new one again.
    """

    type: Literal['show_moved', 'start_here', 'undo', 'deselect', 'pause', 'resume', 'stop']


AnyMessage = (
    Beat
    | Show
    | Move
    | TakesPart
    | Shuffle
    | Add
    | Remove
    | Look
    | OfExample
    | OfConcept
    | Import
    | Run
    | Preview
    | Speed
    | Record
    | Plain
)
_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(Annotated[AnyMessage, Field(discriminator='type')])


def message_of(text: str) -> AnyMessage:
    """Return the message that a text is; raises InvalidInput that names field, value and why."""
    if len(text) > MAX_BYTES:
        raise InvalidInput(f'message: {len(text)} characters, at most {MAX_BYTES} are allowed')
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(reason_of(error)) from None


def reason_of(error: ValidationError) -> str:
    """Return the first thing that is wrong, on one line: field, what is allowed, the value."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = '.'.join(str(part) for part in first['loc'][1:]) or 'message'
    # repr, so that whatever was sent stands on one line.
    return f'{field}: {first["msg"]}, got {repr(first["input"])[:80]}'
