# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What lies on the table: coloured entities, from a YAML file or placed at random from a seed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator, model_validator

from ebm_concept_ros.config_files import (
    Config,
    ConfigError,
    as_config,
    keys_and_values,
    load_config,
)
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import COLOURS, SHAPES, InvalidInput

# The end effector is the actor of every scene; nothing on the table may take its name.
EFFECTOR_ID = 'end_effector'
# As little as that of what the simulation's model has beside the arm.
RESERVED_IDS = {EFFECTOR_ID: 'the end effector', 'table': 'the table', 'column': 'the column'}
MOST_ON_TABLE = 127

_RADIUS_M, _HEIGHT_M = 0.024, 0.03
_USUAL_METRES_PER_UNIT = 0.25
# With the effector, as in the demonstrations.
_FEWEST_ENTITIES, _MOST_ENTITIES = 3, 6
_PLACED_WITHIN_UNITS = 0.85
_MIN_SPACING_UNITS = 0.35
_MIN_REFERENCE_SPACING_UNITS = 0.6
_RRGGBB = re.compile('#[0-9a-fA-F]{6}')
_OBJECT_SHAPES = tuple(shape for shape in SHAPES if shape != 'cross')
_MAX_ATTEMPTS = 10_000


class TableEntity(Config):
    """One object standing on the table."""

    id: str = Field(min_length=1, description='unique within its scene, e.g. blue_0')
    position_in_base_m: tuple[float, float] = Field(description='(x, y) in the base frame, m')
    colour: str = Field(description=f'one of {", ".join(COLOURS)}, or #rrggbb')
    shape: str = Field('circle', description=f'one of {", ".join(SHAPES)}')
    radius_m: float = Field(_RADIUS_M, ge=0.005, le=0.1, description='of the footprint, m')
    height_m: float = Field(_HEIGHT_M, ge=0.002, le=0.3, description='above the table, m')

    @field_validator('colour')
    @classmethod
    def _colour_is_known(cls, colour: str) -> str:
        return colour if _RRGGBB.fullmatch(colour) else _one_of(colour, COLOURS, ' or #rrggbb')

    @field_validator('shape')
    @classmethod
    def _shape_is_known(cls, shape: str) -> str:
        return _one_of(shape, SHAPES)

    @property
    def rgb(self) -> tuple[float, float, float]:
        """Return the colour, each part in [0, 1]."""
        if self.colour in COLOURS:
            return COLOURS[self.colour]
        r, g, b = (part / 255 for part in bytes.fromhex(self.colour[1:]))
        return r, g, b


class TableScene(Config):
    """The objects on the table; the end effector, which hovers above them, is not listed."""

    entities: tuple[TableEntity, ...] = Field(min_length=1, max_length=MOST_ON_TABLE)

    @model_validator(mode='after')
    def _ids_are_unique(self) -> TableScene:
        ids = [entity.id for entity in self.entities]
        for id_ in ids:
            if ids.count(id_) > 1:
                raise ValueError(f'entities: id {id_!r} is used {ids.count(id_)} times')
        for id_ in ids:
            if id_ in RESERVED_IDS:
                raise ValueError(f'entities: id {id_!r} is reserved for {RESERVED_IDS[id_]}')
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids in order."""
        return tuple(entity.id for entity in self.entities)

    def positions_in_base_m(self) -> np.ndarray:
        """Return (N, 2) m."""
        return np.array([entity.position_in_base_m for entity in self.entities])


def load_table_scene(path: Path | str, workspace: Workspace) -> TableScene:
    """Read a scene from YAML: `entities`, a list of TableEntity.

    Raises ConfigError that names the file, the key and the reason; entities out of the workspace
    are refused.
    """
    return _within(workspace, load_config(path, TableScene), str(path))


def parse_table_scene(text: str, workspace: Workspace, where: str) -> TableScene:
    """Return the scene of such YAML as `load_table_scene` reads; raises ConfigError.

    where: begins the message.
    """
    return _within(workspace, as_config(keys_and_values(text, where), TableScene, where), where)


def require_in_workspace(
    position_in_base_m: tuple[float, float], workspace: Workspace, where: str
) -> None:
    """Raise ConfigError unless the place is one on the table; where: begins the message."""
    in_plane = workspace.to_plane(np.array(position_in_base_m))
    if not np.abs(in_plane).max() <= workspace.half_width_units:  # NaN is refused too
        corner = np.full(2, workspace.half_width_units)
        low, high = workspace.to_base(np.stack([-corner, corner]))
        raise ConfigError(
            f'{where}: {position_in_base_m} is out of the workspace, '
            f'x {low[0]:.3f} to {high[0]:.3f} m, y {low[1]:.3f} to {high[1]:.3f} m'
        )


def _within(workspace: Workspace, scene: TableScene, where: str) -> TableScene:
    for index, entity in enumerate(scene.entities):
        where_of_it = f'{where}: entities.{index}.position_in_base_m'
        require_in_workspace(entity.position_in_base_m, workspace, where_of_it)
    return scene


def random_table_scene(
    seed: int, num_references: int, reference_colour: str, workspace: Workspace
) -> TableScene:
    """Place `num_references` objects of the reference colour, and others of other colours.

    With the end effector a scene has 3 to 6 entities, each number as often, and at least one is of
    another colour. The same seed gives the same scene. Raises ValueError for an unknown colour or a
    number of references out of 0 to 4, InvalidInput for a seed that finds no room.
    """
    _one_of(reference_colour, COLOURS)
    if not 0 <= num_references <= 4:
        raise ValueError(f'num_references: {num_references} refused, allowed are 0 to 4')
    rng = np.random.default_rng(seed)
    with_effector = int(rng.integers(max(_FEWEST_ENTITIES, num_references + 2), _MOST_ENTITIES + 1))
    num_distractors = with_effector - 1 - num_references
    others = [colour for colour in COLOURS if colour != reference_colour]
    colours = [reference_colour] * num_references
    colours += rng.choice(others, num_distractors).tolist()
    in_plane = _spread_out(rng, len(colours), num_references)
    if in_plane is None:
        raise InvalidInput(f'scene_seed: {seed} finds no room for {len(colours)} entities')
    return coloured_table(rng, colours, in_plane, workspace)


def coloured_table(
    rng: np.random.Generator, colours: Sequence[str], in_plane: np.ndarray, workspace: Workspace
) -> TableScene:
    """Return an object of each colour at (N, 2) particle units, shapes at random, ids in order.

    On a small table they are smaller in proportion.
    """
    positions = workspace.to_base(in_plane)
    scale = min(1.0, workspace.metres_per_unit / _USUAL_METRES_PER_UNIT)
    counts: dict[str, int] = {}
    entities = []
    for colour, position in zip(colours, positions, strict=True):
        number = counts.setdefault(colour, 0)
        counts[colour] += 1
        entities.append(
            TableEntity(
                id=f'{colour}_{number}',
                position_in_base_m=tuple(float(value) for value in position.round(4)),
                colour=colour,
                shape=str(rng.choice(_OBJECT_SHAPES)),
                radius_m=round(_RADIUS_M * scale, 4),
                height_m=round(_HEIGHT_M * scale, 4),
            )
        )
    return TableScene(entities=tuple(entities))


def _spread_out(rng: np.random.Generator, count: int, num_references: int) -> np.ndarray | None:
    """Return (count, 2) particle units, none near another, the references well apart; or None."""
    for _ in range(_MAX_ATTEMPTS):
        points = rng.uniform(-_PLACED_WITHIN_UNITS, _PLACED_WITHIN_UNITS, (count, 2))
        gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        references = gaps[:num_references, :num_references]
        if gaps.min() >= _MIN_SPACING_UNITS and (
            references.size == 0 or references.min() >= _MIN_REFERENCE_SPACING_UNITS
        ):
            return points
    return None


def _one_of(name: str, known: Collection[str], more: str = '') -> str:
    if name not in known:
        raise ValueError(f'unknown {name!r}, allowed are {", ".join(known)}{more}')
    return name
