# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a concept and a table to moves, or why there are none, before anything is moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.arranging.casting import Cast, casts
from ebm_concept_ros.arranging.clearance import Clearance
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.goal import Asked, Choice, asked, choices, moved
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.arranging.ordering import ordered
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.sums import AnyTaught
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput, Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

PLACED_WITHIN_M = 0.01  # what was carried is not carried again for less


@dataclass(frozen=True)
class Plan:
    """What is to be done: nothing where the concept holds already.

    movers: who forms the arrangement, references: beside whom; ids. places_in_base_m: where those
    who are moved belong, m. moves: in order.
    """

    movers: tuple[str, ...]
    references: tuple[str, ...]
    places_in_base_m: dict[str, tuple[float, float]]
    moves: tuple[Move, ...]


class Arranger:
    """Plans arrangements with one model on one table; deterministic for a seed."""

    def __init__(
        self,
        model: ConceptModel,
        workspace: Workspace,
        room: HandRoom | None = None,
        reach: ReachArea | None = None,
        seed: int = 0,
    ) -> None:
        self.model, self.workspace, self.seed = model, workspace, seed
        self.room, self.reach = room or HandRoom(), reach or ReachArea()

    def plan(
        self,
        concept: AnyTaught,
        scene: Scene,
        standing: Sequence[Standing],
        hand_yaw_rad: float = 0.0,
    ) -> Plan:
        """Return the moves that bring a concept about.

        scene: (N,) particle units, what everything looks like; standing: the same N in the same
        order, as they stand on the table. hand_yaw_rad: of the closing axis now, from which it is
        to turn little. Raises CannotArrange, and InvalidInput where the two do not fit.
        """
        _require_fitting(scene, standing)
        concept.require_understood()
        plans, refusal = [], None
        for cast in casts(self.model, concept, scene, standing):
            try:
                plans.append(self._planned(concept, cast, standing, hand_yaw_rad))
            except CannotArrange as error:
                refusal = refusal or error
        if not plans:
            raise refusal
        return min(plans, key=lambda plan: (len(plan.moves), _way_m(plan, standing)))

    def again(self, plan: Plan, standing: Sequence[Standing], hand_yaw_rad: float = 0.0) -> Plan:
        """Return what is left to do of a plan, as things stand now; raises CannotArrange."""
        now = {each.id: each.place for each in standing}
        if gone := [id_ for id_ in plan.places_in_base_m if id_ not in now]:
            raise CannotArrange(
                Reason.MISSING,
                f'{", ".join(gone)} to be moved, on the table are {", ".join(now) or "none"}',
            )
        left = {
            id_: np.array(place)
            for id_, place in plan.places_in_base_m.items()
            if np.linalg.norm(now[id_] - place) > PLACED_WITHIN_M
        }
        moves = self._ordered(standing, left, hand_yaw_rad)
        return Plan(plan.movers, plan.references, plan.places_in_base_m, tuple(moves))

    def _planned(
        self,
        concept: AnyTaught,
        cast: Cast,
        standing: Sequence[Standing],
        hand_yaw_rad: float,
    ) -> Plan:
        energy = cast.energy(self.model)
        starts = cast.starts
        of = asked(energy, starts, self.seed)
        if of.holds and self._holds(cast, of, Choice(starts, of.start, False)):
            return self._plan(cast, standing, {}, ())
        things = [standing[i] for i in cast.movers]
        others = [each for i, each in enumerate(standing) if i not in set(cast.movers.tolist())]
        clearance = Clearance.of(things, others, self.reach, self.workspace)
        # The energy's order is that of the scene, as is that of `cast.movers`.
        found = choices(energy, of, starts, clearance, self._ripples)
        refusal = CannotArrange(
            Reason.NO_ROOM, f'what room and reach leave is not what {concept.name!r} asks for'
        )
        for choice in found:
            if not self._holds(cast, of, choice):
                continue
            is_moved = moved(choice.places, starts)
            base = self.workspace.to_base(choice.places)
            goal = {things[i].id: base[i] for i in np.flatnonzero(is_moved)}
            try:
                for i in np.flatnonzero(is_moved):
                    self._require_graspable(things[i])
                moves = self._ordered(standing, goal, hand_yaw_rad)
            except CannotArrange as error:
                refusal = error
                continue
            return self._plan(cast, standing, goal, tuple(moves))
        raise refusal

    def _ordered(
        self, standing: Sequence[Standing], places: dict[str, np.ndarray], hand_yaw_rad: float
    ) -> list[Move]:
        return ordered(standing, places, self.room, self.reach, self.workspace, hand_yaw_rad)

    @property
    def _ripples(self) -> float:
        """Return by how much energies of what is as good may differ: half a threshold."""
        thresholds = self.model.satisfied_thresholds or {}
        return 0.5 * thresholds.get('positions', 0.0)

    def _holds(self, cast: Cast, of: Asked, choice: Choice) -> bool:
        """Tell whether the concept holds with the movers where a choice has them.

        What is as good as can be holds. Else the model says so of one, whose place may depend on
        where it was, and several are judged by how they stand.
        """
        if choice.as_good or len(cast.movers) > 1:
            return choice.as_good or choice.energy <= of.holds_up_to
        if self.model.satisfied_thresholds is None:
            return True
        return all(
            part.is_satisfied(self.model, cast.movers, choice.places, self.seed)
            for part in cast.parts
        )

    def _require_graspable(self, thing: Standing) -> None:
        if not thing.footprint.grips(thing.yaw_rad, self.room.widest_m):
            raise CannotArrange(
                Reason.TOO_WIDE,
                f'{thing.id} is {thing.footprint.narrowest_m:.3f} m wide, the hand grips up to '
                f'{self.room.widest_m:.3f} m',
            )
        if self.reach.beyond_m(thing.place) > 0:
            x, y = thing.position_in_base_m
            raise CannotArrange(
                Reason.OUT_OF_REACH, f'{thing.id} stands at ({x:.3f}, {y:.3f}) m, out of reach'
            )

    def _plan(
        self,
        cast: Cast,
        standing: Sequence[Standing],
        goal: dict[str, np.ndarray],
        moves: tuple[Move, ...],
    ) -> Plan:
        return Plan(
            tuple(standing[i].id for i in cast.movers),
            tuple(standing[i].id for i in cast.references),
            {id_: (float(x), float(y)) for id_, (x, y) in goal.items()},
            moves,
        )


def _require_fitting(scene: Scene, standing: Sequence[Standing]) -> None:
    ids = [each.id for each in standing]
    if len(ids) != len(scene):
        raise InvalidInput(f'standing: {len(ids)}, the scene has {len(scene)} entities')
    if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise InvalidInput(f'standing: id {twice[0]!r} is used {ids.count(twice[0])} times')


def _way_m(plan: Plan, standing: Sequence[Standing]) -> float:
    """Return how far things are carried, m."""
    now = {each.id: each.place for each in standing}
    places = plan.places_in_base_m
    return sum(float(np.linalg.norm(np.array(places[id_]) - now[id_])) for id_ in places)
