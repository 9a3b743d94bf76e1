# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A simulation whose table changes while the arm stays what and where it is.

Entities are part of the compiled model, so each that comes or goes means another model, which takes
on the arm's state: 10 to 20 ms of processor time for the arms that ship.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.names import PREFIX
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import (
    MOST_ON_TABLE,
    RESERVED_IDS,
    TableEntity,
    TableScene,
    require_in_workspace,
)
from ebm_concept_ros.config_files import Config, ConfigError, as_config, keys_and_values
from ebm_concept_ros.workspace import Workspace

_OF_THE_REQUEST = ('id', 'position_in_base_m')


class Refusal(Enum):
    """What of a change is refused."""

    UNKNOWN_ENTITY = 1
    NAME_TAKEN = 2
    NAME = 3
    DESCRIPTION = 4
    PLACE = 5
    NUMBER = 6


class TableChangeRefused(ValueError):
    """A change of the table that is refused, and nothing has changed; the message says why."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class EditableSimulation:
    """`sim` is the simulation as it is now; it is replaced as a whole. Places are (x, y) m in base.

    Raises ConfigError where the arm cannot start at home over the table.
    """

    entity_type: ClassVar[type[Config]] = TableEntity
    most: ClassVar[int] = MOST_ON_TABLE

    def __init__(
        self, arm: ArmConfig, workspace: Workspace, table: TableScene, timestep_s: float
    ) -> None:
        self._arm = arm
        self._workspace = workspace
        self._timestep_s = timestep_s
        self.load(table)

    def load(self, table: TableScene) -> None:
        """Begin anew over another table, with the arm at home; raises ConfigError."""
        self.sim = self._simulation(table)
        self._loaded = table

    def reset(self) -> None:
        """Put arm and time back, and every entity to where it was put first."""
        self.sim.reset()

    def restore_table(self) -> None:
        """Take away what was spawned, and bring back what was deleted."""
        if self.sim.table_scene != self._loaded:
            self._take(self._simulation(self._loaded))

    def spawn(
        self,
        name: str,
        description: str,
        position_in_base_m: tuple[float, float],
        allow_renaming: bool = False,
    ) -> str:
        """Add an entity; return its name. Raises TableChangeRefused.

        name: empty to have one made from the colour. description: YAML of an `entity_type` without
        id and place.
        """
        entities = self.sim.table_scene.entities
        if len(entities) >= self.most:
            raise TableChangeRefused(
                Refusal.NUMBER,
                f'entities: {len(entities)} are on the table, no more than {self.most} may be',
            )
        if name in RESERVED_IDS:
            raise TableChangeRefused(
                Refusal.NAME, f'name: {name!r} is reserved for {RESERVED_IDS[name]}'
            )
        entity = self._described(description, position_in_base_m)
        name = self._free(name or f'{entity.colour}_0', allow_renaming or not name)
        entity = entity.model_copy(update={'id': name})
        sim = self._simulation(self._table((*entities, entity)))
        sim.take_over(self.sim)
        _require_untouched(sim, name)
        self.sim = sim
        return name

    def delete(self, name: str) -> None:
        """Remove an entity; raises TableChangeRefused."""
        self._require_known(name)
        left = tuple(e for e in self.sim.table_scene.entities if e.id != name)
        if not left:
            raise TableChangeRefused(Refusal.NUMBER, f'entity: {name!r} is the last on the table')
        self._take(self._simulation(self._table(left)))

    def move(self, name: str, position_in_base_m: tuple[float, float]) -> None:
        """Put an entity somewhere else until the next reset; raises TableChangeRefused."""
        self._require_known(name)
        self._require_on_table(position_in_base_m)
        before = self._where(name)
        self.sim.move(name, position_in_base_m)
        try:
            _require_untouched(self.sim, name)
        except TableChangeRefused:
            self._back(name, before)
            raise

    def _table(self, entities: Sequence[TableEntity]) -> TableScene:
        """Return the table of these entities; for another kind of simulation to say otherwise."""
        return TableScene(entities=tuple(entities))

    def _where(self, name: str) -> object:
        """Return what `_back` takes an entity back to."""
        index = self.sim.table_scene.ids.index(name)
        return tuple(self.sim.entity_positions_in_base_m()[index].tolist())

    def _back(self, name: str, where: object) -> None:
        self.sim.move(name, where)

    def _simulation(self, table: TableScene) -> ArmSimulation:
        return ArmSimulation(self._arm, self._workspace, table, self._timestep_s)

    def _take(self, sim: ArmSimulation) -> None:
        sim.take_over(self.sim)
        self.sim = sim

    def _described(self, description: str, position_in_base_m: tuple[float, float]) -> TableEntity:
        self._require_on_table(position_in_base_m)
        where = 'entity_resource.resource_string'
        try:
            look = keys_and_values(description, where)
            for key in _OF_THE_REQUEST:
                if key in look:
                    raise ConfigError(f'{where}: {key}: the request itself says it')
            place = {'id': 'unnamed', 'position_in_base_m': position_in_base_m}
            return as_config(look | place, self.entity_type, where)
        except ConfigError as error:
            raise TableChangeRefused(Refusal.DESCRIPTION, str(error)) from None

    def _free(self, name: str, allow_renaming: bool) -> str:
        taken = self.sim.table_scene.ids
        if name not in taken:
            return name
        if not allow_renaming:
            raise TableChangeRefused(Refusal.NAME_TAKEN, f'name: {name!r} is there already')
        stem, _, number = name.rpartition('_')
        stem = stem if stem and number.isdecimal() else name
        names = (f'{stem}_{i}' for i in itertools.count(1))
        return next(other for other in names if other not in taken)

    def _require_known(self, name: str) -> None:
        known = self.sim.table_scene.ids
        if name not in known:
            raise TableChangeRefused(
                Refusal.UNKNOWN_ENTITY, f'entity: {name!r} is unknown; known are {", ".join(known)}'
            )

    def _require_on_table(self, position_in_base_m: tuple[float, float]) -> None:
        try:
            require_in_workspace(position_in_base_m, self._workspace, 'pose.position')
        except ConfigError as error:
            raise TableChangeRefused(Refusal.PLACE, str(error)) from None


def _require_untouched(sim: ArmSimulation, name: str) -> None:
    if body := sim.link_touched_by(name):
        other = body.removeprefix(PREFIX)
        what = f'{body} of the arm' if other == body else repr(other)
        raise TableChangeRefused(Refusal.PLACE, f'pose.position: {name!r} would stand in {what}')
