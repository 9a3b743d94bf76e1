# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What two concepts at once, groups and held-out objects are, how they are scored, and drawn."""

import numpy as np
import pytest
from matplotlib import image

from benchmarks.arrange.movers import ByTorque
from benchmarks.arrange.objects import HELD_OUT, USUAL
from benchmarks.arrange.pictures import write_pictures
from benchmarks.arrange.series import Episode
from benchmarks.arrange.srem_like import FIVE, SREM_LIKE, progress
from benchmarks.arrange.tables import Ground
from benchmarks.arrange.tasks import make_task
from benchmarks.arrange.together import SUMS
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.hand_room import HandRoom, ReachArea
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.package_files import WORKSPACE, arm_file, hand_file, package_path
from ebm_concept_ros.workspace import load_workspace

SPACE = load_workspace(package_path('', WORKSPACE))
GROUND = Ground(SPACE, HandRoom(), ReachArea())
NOTHING = np.zeros((0, 2))
GROUPS = SREM_LIKE['a group of three and one of two']


@pytest.mark.parametrize('name', list(SUMS))
def test_of_a_sum_each_concept_is_shown_by_itself_and_all_can_hold(name):
    concept = SUMS[name]
    task = make_task(concept, 1, GROUND)
    assert task.violation(task.scene.positions) >= 0.2
    assert [shown.name for shown in task.shown] == [term.name for term in concept.terms]
    for term, shown in zip(concept.terms, task.shown, strict=True):
        for each in shown.demonstrations:
            movers = np.flatnonzero(each.before.movable)
            others = np.flatnonzero(each.before.references(each.attention))
            end, start = (state.positions[movers] for state in (each.after, each.before))
            assert len(movers) == term.movers and len(others) == term.references
            assert term.violation(end, start, each.after.positions[others]) < 1e-6
    m = concept.movers
    rng = np.random.default_rng(0)
    where = task.scene.positions[task.references]
    froms = (task.scene.positions[:m], *rng.uniform(-0.9, 0.9, (20, m, 2)))
    ends = [concept.bring(rng, each, where) for each in froms]
    assert min(concept.violation(end, end, where) for end in ends) < 0.01


def test_it_does_not_hold_where_one_of_two_concepts_does_not():
    concept = SUMS['horizontal_line + vertical_line']
    both, one = (np.array([[x, 0.4]]) for x in (-0.3, 0.3))
    assert concept.violation(both, both, NOTHING) < 1e-9
    assert abs(concept.violation(one, one, NOTHING) - 0.6) < 1e-9
    several = SUMS['line + horizontal_line']
    along = np.array([[-0.4, 0.4], [0.0, 0.4], [0.4, 0.4]])
    assert several.violation(along, along, NOTHING) < 1e-9
    assert several.violation(along - (0.0, 0.1), along, NOTHING) > 0.09


def test_groups_are_asked_for_one_after_the_other_each_with_its_own_movers():
    task = make_task(GROUPS, 1, GROUND, **FIVE)
    assert len(task.scene) == 5 and task.violation(task.scene.positions) >= 0.2
    three, two = task.steps
    assert three.look_alikes == [0, 1, 2] and two.look_alikes == [3, 4]
    for step in (three, two):
        for shown in step.shown[0].demonstrations:
            assert shown.before.movable.sum() == len(step.look_alikes)


def test_the_share_that_is_placed_is_of_those_who_fit_one_template():
    line = SREM_LIKE['five in a line, 0.36 apart']
    places = np.array(line.template) @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + (0.1, -0.2)
    order = np.random.default_rng(0).permutation(5)
    assert progress(line, places[order], places, NOTHING, 0.08) == 1.0
    for number in (1, 2):
        off = places.copy()
        off[:number] += (1.0, 0.7)
        assert progress(line, off, places, NOTHING, 0.08) == 1.0 - number / 5
    three, two = (np.array(term.template) for term in GROUPS.terms)
    both = np.concatenate((three, two + np.array([1.0, 0.0])))
    assert progress(GROUPS, both, both, NOTHING, 0.08) == 1.0
    both[4] += (0.3, 0.0)
    assert progress(GROUPS, both, both, NOTHING, 0.08) == 0.8
    relations = SREM_LIKE['east of A + anywhere north of A']
    beside = np.array([[0.0, 0.0], [0.5, -0.5]])
    for x, y, share in ((0.2, 0.0, 1.0), (0.2, -0.8, 0.5), (-0.2, -0.8, 0.0)):
        at = np.array([[x, y]])
        assert progress(relations, at, at, beside, 0.08) == share


def test_held_out_blocks_are_other_blocks():
    usual, other = (make_task(SUMS['east of A + 0.55 from A, from wherever it comes'], 2, GROUND,
                              objects) for objects in (USUAL, HELD_OUT))  # fmt: skip
    arm, hand = load_arm(arm_file('jaco')), load_hand(hand_file('jaco'))
    blocks = [
        ByTorque(task, 2, arm, hand, SPACE, objects).simulation.table.blocks
        for task, objects in ((usual, USUAL), (other, HELD_OUT))
    ]
    for block in blocks[0]:
        assert 0.03 <= block.width_m <= 0.06 and 0.02 <= block.mass_kg <= 0.2
    for block in blocks[1]:
        assert 0.02 <= block.width_m <= 0.03 or 0.06 <= block.width_m <= 0.07
        assert 0.01 <= block.mass_kg <= 0.02 or 0.2 <= block.mass_kg <= 0.3
        assert 0.4 <= block.friction <= 1.0


def test_a_failure_of_each_kind_is_drawn(tmp_path):
    task = make_task(SUMS['horizontal_line + vertical_line'], 1, GROUND)
    failed = {'success': False, 'concept': task.concept.name, 'seed': 1}
    rows = (
        failed | {'failure': 'no room', 'detail': 'no room: none'},
        failed | {'failure': 'no room', 'detail': 'no room: again'},
        failed | {'failure': 'who', 'detail': '', 'off_m': 0.1, 'moves': 1},
        failed | {'success': True},
    )
    episodes = [Episode(row, task, None, task.standing) for row in rows]
    together = write_pictures(episodes, tmp_path, SPACE)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {'no_room.png', 'who.png', 'failures.png'}
    tall, one = image.imread(together), image.imread(tmp_path / 'who.png')
    assert tall.shape[1] == one.shape[1] and tall.shape[0] > 1.8 * one.shape[0]
    assert one[..., :3].std() > 0.05
