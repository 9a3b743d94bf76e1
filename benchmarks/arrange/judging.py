# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What came of a task: how far off, who was touched, and of which kind a failure is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from benchmarks.arrange.movers import AtOnce, ByTorque
from benchmarks.arrange.srem_like import SREM_LIKE, Groups
from benchmarks.arrange.tasks import Task
from benchmarks.arrange.together import Together
from ebm_concept_ros.arranging.arranger import Plan
from ebm_concept_ros.arranging.enacting import Enacted
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.grasping.outcome import MOVED_M
from ebm_concept_ros.workspace import Workspace
from ebm_core.evaluation.open.concept import OpenConcept
from ebm_core.evaluation.open.formations import Formation

TOLERANCE_M = 0.02  # from where the predicate holds, as of reaches
_EXACTLY = 0.032  # particle units, 8 mm: what counts as standing right already


def judged(
    task: Task, plan: Plan, done: Enacted, mover: AtOnce | ByTorque, workspace: Workspace
) -> dict:
    """Return the numbers of what was carried out, in SI units, and why it is a failure if it is."""
    taken_s = mover.time_s
    unrest = mover.unrest()
    places = places_in_base_m(mover.standing())
    off_m = task.violation(workspace.to_plane(places)) * workspace.metres_per_unit
    way_m = np.linalg.norm(places - places_in_base_m(task.standing), axis=-1)
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
        failure = 'not carried out' if done.reason else _why_missed(task, plan, ids)
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


def group(concept: OpenConcept) -> str:
    """Return what the concept is counted with."""
    if concept.name in SREM_LIKE:
        return 'groups' if isinstance(concept, Groups) else 'one step'
    number = 'one mover' if concept.movers == 1 else 'two to four movers'
    return f'two concepts, {number}' if isinstance(concept, Together) else number


def share_placed(task: Task, standing: Sequence[Standing], workspace: Workspace) -> float:
    """Return the share of what is asked for that is right, to the same tolerance."""
    places = workspace.to_plane(places_in_base_m(standing))
    return task.progress(places, TOLERANCE_M / workspace.metres_per_unit)


def places_in_base_m(standing: Sequence[Standing]) -> np.ndarray:
    """Return where (N, 2) things stand."""
    return np.array([each.position_in_base_m for each in standing])


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
    if len(task.steps) > 1:
        return sum(map(fewest_moves, task.steps))
    concept, m, references = task.concept, task.concept.movers, task.references
    if isinstance(concept, Together):
        for i, term in enumerate(concept.terms):
            if term.movers == m:
                references = [task.references[k] for k in concept.columns(i)]
                concept = term
                break
    if not isinstance(concept, Formation):
        return 1
    template = np.array(concept.template) - np.mean(concept.template, 0)
    start = task.scene.positions
    if concept.references:
        radii = np.linalg.norm(template, axis=-1)
        away = np.linalg.norm(start[task.look_alikes] - start[references[0]], axis=-1)
        return m - int((np.abs(away[:, None] - radii) <= _EXACTLY).any())
    sides = [np.linalg.norm(template[i] - template[j]) for i, j in combinations(range(m), 2)]
    for i, j in combinations(task.look_alikes, 2):
        if np.abs(np.linalg.norm(start[i] - start[j]) - sides).min() <= _EXACTLY:
            return m - 2
    return m - 1
