# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tables of one concept after another: what was planned, carried out, and came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.arrange.judging import fewest_moves, group, judged, places_in_base_m, share_placed
from benchmarks.arrange.movers import AtOnce, ByTorque
from benchmarks.arrange.objects import USUAL, Objects
from benchmarks.arrange.tables import Ground
from benchmarks.arrange.tasks import Task, make_task
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.arranger import Arranger, Plan
from ebm_concept_ros.arranging.enacting import Enacted, enact
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.hand_room import ReachArea
from ebm_concept_ros.arranging.refusals import CannotArrange
from ebm_concept_ros.arranging.sums import composed
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.package_files import (
    DEFAULT_ARM,
    WORKSPACE,
    arm_file,
    hand_file,
    package_path,
)
from ebm_concept_ros.workspace import load_workspace
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.relational.model import ConceptModel


class Episode(NamedTuple):
    """What came of one table.

    row: its numbers, in SI units. plan: None where there was none. after: how things stand then.
    """

    row: dict
    task: Task
    plan: Plan | None
    after: list[Standing]


class Bench:
    """What all tables have in common."""

    def __init__(
        self,
        model: ConceptModel,
        logic_only: bool = True,
        objects: Objects = USUAL,
        arm: str = DEFAULT_ARM,
        hand: str = DEFAULT_ARM,
    ) -> None:
        """logic_only: moves take place exactly, without an arm. objects: what blocks are like.

        arm, hand: names of shipped ones, or YAML files.
        """
        self.model, self.logic_only, self.objects = model, logic_only, objects
        self.arm, self.hand = load_arm(arm_file(arm)), load_hand(hand_file(hand))
        self.workspace = load_workspace(package_path('', WORKSPACE))
        self.ground = Ground(self.workspace, self.hand.room, ReachArea())

    def run(self, concept: OpenConcept, seed: int, **how: object) -> Episode:
        """Return what came of one table; how: of `make_task`."""
        return self.brought_about(make_task(concept, seed, self.ground, self.objects, **how), seed)

    def brought_about(self, task: Task, seed: int) -> Episode:
        """Return what came of a task; seed: of what its blocks weigh, and how they slide."""
        arranger = Arranger(self.model, *self.ground)
        mover = AtOnce(task)
        if not self.logic_only:
            mover = ByTorque(task, seed, self.arm, self.hand, self.workspace, self.objects)
        row = {
            **{'concept': task.concept.name, 'group': group(task.concept), 'seed': seed},
            **{'entities': len(task.standing), 'fewest': fewest_moves(task), 'success': False},
            'placed_before': share_placed(task, task.standing, self.workspace),
            **{'failure': '', 'detail': '', 'plan_s': 0.0},
        }
        plans, done = [], []
        for step in task.steps:
            standing = mover.standing() if plans else task.standing
            began = time.process_time()
            try:
                plan = self._planned(arranger, step, standing, mover.hand_yaw_rad)
            except CannotArrange as error:
                row |= {'failure': str(error.reason), 'detail': str(error)}
                continue
            finally:
                row['plan_s'] += time.process_time() - began
            plans.append(plan)
            done.append(enact(arranger, plan, mover))
        standing, plan = list(mover.standing()), None
        row['placed'] = share_placed(task, standing, self.workspace)
        if plans:
            plan = _as_one(plans)
            came = judged(task, plan, _all_done(done), mover, self.workspace)
            refused = {'success': False} | {key: row[key] for key in ('failure', 'detail')}
            row |= came | (refused if row['failure'] else {})
        return Episode(row, task, plan, standing)

    def _planned(
        self, arranger: Arranger, task: Task, standing: Sequence[Standing], hand_yaw_rad: float
    ) -> Plan:
        terms = [taught(self.model, *shown) for shown in task.shown]
        concept = composed(task.concept.name, terms, [1.0] * len(terms))
        positions = self.workspace.to_plane(places_in_base_m(standing))
        scene = task.scene.with_positions(positions)
        return arranger.plan(concept, scene, standing, hand_yaw_rad)


def _as_one(plans: Sequence[Plan]) -> Plan:
    """Return what is done one after the other as one plan."""
    places = {id_: place for plan in plans for id_, place in plan.places_in_base_m.items()}
    return Plan(
        tuple(id_ for plan in plans for id_ in plan.movers),
        tuple(id_ for plan in plans for id_ in plan.references),
        places,
        tuple(move for plan in plans for move in plan.moves),
    )


def _all_done(done: Sequence[Enacted]) -> Enacted:
    """Return what came of one after the other as of one; the first reason counts."""
    return Enacted(
        next((each.reason for each in done if each.reason), ''),
        tuple(move for each in done for move in each.moves),
        tuple(result for each in done for result in each.results),
    )
