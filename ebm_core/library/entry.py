# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What stands in the files of a concept library, and what is refused of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydantic import AwareDatetime, Field

from ..config import Config
from ..world.scene import SHAPES, Demonstration, InvalidInput, Scene

FORMAT = 1

Triple = tuple[float, float, float]


class StateEntry(Config):
    """Where N entities are, and what colour they have."""

    positions: tuple[tuple[float, float], ...] = Field(description='particle units')
    colours: tuple[Triple, ...] = Field(description='RGB in [0, 1]')


class DemonstrationEntry(Config):
    """One demonstration of N entities."""

    shapes: tuple[str, ...]
    movable: tuple[bool, ...]
    attention: tuple[float, ...]
    roles: tuple[int, ...] | None = None
    states: tuple[StateEntry, ...]

    @classmethod
    def of(cls, demonstration: Demonstration) -> DemonstrationEntry:
        """Return what a demonstration amounts to; `demonstration` gives it back bit for bit."""
        first, roles = demonstration.states[0], demonstration.roles
        return cls(
            shapes=tuple(SHAPES[shape] for shape in first.shapes),
            movable=tuple(first.movable.tolist()),
            attention=tuple(demonstration.attention.tolist()),
            roles=None if roles is None else tuple(roles.tolist()),
            states=tuple(
                StateEntry(
                    positions=tuple(map(tuple, state.positions.tolist())),
                    colours=tuple(map(tuple, state.colours.tolist())),
                )
                for state in demonstration.states
            ),
        )

    def demonstration(self) -> Demonstration:
        """Return the demonstration; raises InvalidInput that names the field."""
        if unknown := [shape for shape in self.shapes if shape not in SHAPES]:
            raise InvalidInput(f'shapes: {unknown[0]!r} is unknown; known are {", ".join(SHAPES)}')
        shapes = [SHAPES.index(shape) for shape in self.shapes]
        states = [
            Scene(np.array(state.positions).reshape(-1, 2), state.colours, shapes, self.movable)
            for state in self.states
        ]
        return Demonstration(tuple(states), self.attention, self.roles)


class DemonstrationsFile(Config):
    """All that is known of a concept apart from any weights."""

    format: int = Field(ge=FORMAT, le=FORMAT)
    name: str = Field(min_length=1)
    saved_at: AwareDatetime
    demonstrations: tuple[DemonstrationEntry, ...] = Field(min_length=1)

    def text(self) -> str:
        """Return the file's text, with a line for each state."""
        demonstrations = ',\n'.join(map(_lines, self.demonstrations))
        head = {'format': self.format, 'name': self.name, 'saved_at': self.saved_at.isoformat()}
        lines = ',\n'.join(f' {json.dumps(key)}: {json.dumps(head[key])}' for key in head)
        return f'{{\n{lines},\n "demonstrations": [\n{demonstrations}\n ]\n}}\n'

    def digest(self) -> str:
        """Return the SHA-256 of the demonstrations, whatever their name and whenever saved."""
        text = ',\n'.join(map(_lines, self.demonstrations))
        return hashlib.sha256(text.encode()).hexdigest()


class SavedCodes(Config):
    """What one model made of the demonstrations; see InferredConcept."""

    format: int = Field(FORMAT, ge=FORMAT, le=FORMAT)
    model_sha256: str
    demonstrations_sha256: str = Field(description='of what they were inferred from')
    action_code: tuple[float, ...]
    argument_code: tuple[float, ...]
    action_energies: tuple[float, ...]
    argument_energies: tuple[float, ...]
    understanding: float
    understanding_threshold: float | None = Field(description='none: the weights know none')

    def text(self) -> str:
        """Return the file's text, with a line for each field."""
        fields = self.model_dump(mode='json').items()
        lines = ',\n'.join(f' {json.dumps(key)}: {json.dumps(value)}' for key, value in fields)
        return f'{{\n{lines}\n}}\n'


@dataclass(frozen=True, eq=False)
class SavedConcept:
    """A concept of the library. digest: of its demonstrations."""

    name: str
    demonstrations: tuple[Demonstration, ...]
    saved_at: datetime
    digest: str


def _lines(entry: DemonstrationEntry) -> str:
    fields = entry.model_dump(mode='json')
    states = ',\n'.join(f'    {json.dumps(state)}' for state in fields.pop('states'))
    head = ', '.join(f'{json.dumps(key)}: {json.dumps(value)}' for key, value in fields.items())
    return f'  {{{head}, "states": [\n{states}\n  ]}}'
