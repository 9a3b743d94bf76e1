# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tables of one concept after another: what was planned, carried out, and came of it."""

from __future__ import annotations

import time
from itertools import combinations
from typing import NamedTuple

import numpy as np

from benchmarks.arrange.concepts import group
from benchmarks.arrange.movers import AtOnce, ByTorque
from benchmarks.arrange.objects import USUAL, Objects
from benchmarks.arrange.tables import Ground
from benchmarks.arrange.tasks import Task, make_task
from benchmarks.arrange.together import Together
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.arranger import Arranger, Plan
from ebm_concept_ros.arranging.enacting import Enacted, enact
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.hand_room import ReachArea
from ebm_concept_ros.arranging.refusals import CannotArrange
from ebm_concept_ros.arranging.sums import composed
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.grasping.outcome import MOVED_M
from ebm_concept_ros.package_files import (
    DEFAULT_ARM,
    WORKSPACE,
    arm_file,
    hand_file,
    package_path,
)
from ebm_concept_ros.workspace import load_workspace
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.evaluation.open.formations import Formation
from ebm_core.relational.model import ConceptModel

TOLERANCE_M = 0.02  # from where the predicate holds, as of reaches
_EXACTLY = 0.032  # particle units, 8 mm: what counts as standing right already


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

    def run(self, concept: OpenConcept, seed: int) -> Episode:
        """Return what came of one table."""
        return self.brought_about(make_task(concept, seed, self.ground, self.objects), seed)

    def brought_about(self, task: Task, seed: int) -> Episode:
        """Return what came of a task; seed: of what its blocks weigh, and how they slide."""
        began = time.process_time()
        terms = [taught(self.model, *shown) for shown in task.shown]
        concept = composed(task.concept.name, terms, [1.0] * len(terms))
        taught_at = time.process_time()
        arranger = Arranger(self.model, *self.ground)
        row = {
            **{'concept': task.concept.name, 'group': group(task.concept), 'seed': seed},
            **{'entities': len(task.standing), 'fewest': fewest_moves(task), 'success': False},
        }
        mover = AtOnce(task)
        if not self.logic_only:
            mover = ByTorque(task, seed, self.arm, self.hand, self.workspace, self.objects)
        began += time.process_time() - taught_at
        try:
            plan = arranger.plan(concept, task.scene, task.standing, mover.hand_yaw_rad)
        except CannotArrange as error:
            plan_s = time.process_time() - began
            row |= {'failure': str(error.reason), 'detail': str(error), 'plan_s': plan_s}
            return Episode(row, task, None, task.standing)
        row['plan_s'] = time.process_time() - began
        done = enact(arranger, plan, mover)
        row |= self._judged(task, plan, done, mover)
        return Episode(row, task, plan, list(mover.standing()))

    def _judged(self, task: Task, plan: Plan, done: Enacted, mover: AtOnce | ByTorque) -> dict:
        taken_s = mover.time_s
        unrest = mover.unrest()
        places = np.array([each.position_in_base_m for each in mover.standing()])
        off_m = task.violation(self.workspace.to_plane(places)) * self.workspace.metres_per_unit
        before = np.array([each.position_in_base_m for each in task.standing])
        way_m = np.linalg.norm(places - before, axis=-1)
        ids = [each.id for each in task.standing]
        touched = [
            id_
            for id_, way in zip(ids, way_m, strict=True)
            if id_ not in plan.movers and way >= MOVED_M
        ]
        failure, detail = '', done.reason
        if touched:
            failure = 'bystander moved'
        elif unrest:
            failure, detail = 'not at rest', unrest
        elif off_m > TOLERANCE_M:
            failure = 'not carried out' if done.reason else self._why_missed(task, plan, ids)
        return {
            **{'success': not failure, 'failure': failure, 'detail': detail},
            **{'moves': len(done.moves), 'planned': len(plan.moves), 'off_m': off_m},
            **{'time_s': taken_s, 'bystanders_moved': touched},
            'failed_moves': [r.reason for r in done.results if not r.success],
            'slips': sum(getattr(r, 'slips', 0) for r in done.results),
            'retries': sum(getattr(r, 'retries', 0) for r in done.results),
            'placing_errors_m': [
                r.placing_error_m for r in done.results if hasattr(r, 'placing_error_m')
            ],
            **{
                key: max((getattr(r, key, 0.0) for r in done.results), default=0.0)
                for key in ('peak_effort_share', 'peak_effort_rate_share', 'peak_speed_share')
            },
        }

    @staticmethod
    def _why_missed(task: Task, plan: Plan, ids: list[str]) -> str:
        right = set(plan.movers) <= {ids[i] for i in task.look_alikes}
        right &= set(plan.references) == {ids[i] for i in task.references}
        if not right:
            return 'who'
        return 'somewhere else' if plan.moves else 'nothing to do'


def fewest_moves(task: Task) -> int:
    """Return a number of moves below which nobody can bring the concept about to 8 mm.

    Of a formation that may stand anywhere, one can stay, and two where they are as far apart as two
    of its places; round a reference, who is at the right distance. Whether there is room is left
    out.
    """
    concept, m = task.concept, task.concept.movers
    if isinstance(concept, Together):
        concept = next((term for term in concept.terms if term.movers == m), concept)
    if not isinstance(concept, Formation):
        return 1
    template = np.array(concept.template) - np.mean(concept.template, 0)
    start = task.scene.positions
    if concept.references:
        radii = np.linalg.norm(template, axis=-1)
        away = np.linalg.norm(start[task.look_alikes] - start[task.references[0]], axis=-1)
        return m - int((np.abs(away[:, None] - radii) <= _EXACTLY).any())
    sides = [np.linalg.norm(template[i] - template[j]) for i, j in combinations(range(m), 2)]
    for i, j in combinations(task.look_alikes, 2):
        if np.abs(np.linalg.norm(start[i] - start[j]) - sides).min() <= _EXACTLY:
            return m - 2
    return m - 1
