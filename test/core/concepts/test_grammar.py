# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The grammar of concepts: demonstrations satisfy what they are drawn from, and show whom."""

import pytest
import torch

from ebm_core.concepts.grammar import KINDS, Concepts
from ebm_core.concepts.grammar.situations import draw_situations, draw_still_scenes
from ebm_core.concepts.grammar.who import (
    BY_BOTH,
    BY_COLOUR,
    BY_SHAPE,
    draw_looks,
    draw_who,
    related_bystanders,
)
from ebm_core.relational.grammar_task import GrammarTasks
from ebm_core.world.scene import MAX_ROLES, MOVABLE, POSITION

CPU = torch.device('cpu')


@pytest.mark.parametrize('name', KINDS)
def test_demonstrators_satisfy_the_concept_inside_the_square(name):
    torch.manual_seed(1)
    concepts = Concepts.draw(KINDS[name], 40, CPU)
    drawn = draw_situations(concepts, 6)
    violation = concepts.violation(drawn.place, drawn.start, drawn.references)
    assert (violation < 0.03).float().mean() > 0.95
    assert ((drawn.place.abs() <= 1).all(-1)).float().mean() > 0.9


@pytest.mark.parametrize('name', [n for n, kind in KINDS.items() if not kind.relative])
def test_a_place_anywhere_mostly_does_not_satisfy_what_asks_for_more_than_an_area(name):
    kind = KINDS[name]
    torch.manual_seed(2)
    concepts = Concepts.draw(kind, 40, CPU)
    anywhere = 2 * torch.rand(40, 30, 2) - 1
    references = 2 * torch.rand(40, 30, MAX_ROLES, 2) - 1
    share = (concepts.violation(anywhere, anywhere, references) < 0.1).float().mean()
    assert share < (0.9 if getattr(kind, 'at_most', False) else 0.4)


def test_in_still_scenes_the_first_choice_satisfies_and_most_others_do_not():
    torch.manual_seed(3)
    concepts = Concepts.draw(KINDS['ring'], 60, CPU)
    scenes = draw_still_scenes(concepts, 3)
    first = scenes.actors[:, :, 0], scenes.things[:, :, :MAX_ROLES]
    assert (concepts.violation(first[0], first[0], first[1]) < 0.03).float().mean() > 0.95
    other = scenes.actors[:, :, 1]
    assert (concepts.violation(other, other, first[1]) < 0.1).float().mean() < 0.1


def test_bystanders_do_not_look_as_a_role_asks_for():
    torch.manual_seed(4)
    concepts = Concepts.draw(KINDS['point'], 400, CPU)
    who = draw_who(concepts.references)
    looks = draw_looks(who, 4, concepts.roles(), 8)
    apart = torch.cdist(looks.colour[:, :, 1 + MAX_ROLES :].flatten(1, 2), who.colour)
    same_shape = looks.shape[:, :, 1 + MAX_ROLES :].flatten(1, 2)[..., None] == who.shape[:, None]
    played = (concepts.roles()[:, :, None] == torch.arange(1, MAX_ROLES + 1)).any(1)[:, None]
    # Jitter of both is at most twice 0.1 in each channel.
    like = (apart < 0.15) & played
    of = {mode: (who.mode == mode) & ~who.related for mode in (BY_COLOUR, BY_SHAPE, BY_BOTH)}
    assert like[of[BY_COLOUR]].float().mean() < 0.02
    assert not (same_shape & played)[of[BY_SHAPE]].any()
    assert (like & same_shape)[of[BY_BOTH]].float().mean() < 0.02
    assert (same_shape & played)[of[BY_BOTH]].any() and like[of[BY_BOTH]].any()


def test_whoever_is_chosen_by_a_relation_leads_all_bystanders_that_are_there():
    torch.manual_seed(5)
    concepts = Concepts.draw(KINDS['ring'], 400, CPU)
    who = draw_who(torch.ones_like(concepts.references))
    drawn = draw_situations(concepts, 4)
    at, there = related_bystanders(who, drawn.start, drawn.references, 8)
    closest = who.anchored & (who.sign > 0)
    anchor, chosen = drawn.references[closest][:, :, 1], drawn.references[closest][:, :, 0]
    mine = (chosen - anchor).norm(dim=-1)[..., None]
    theirs = (at[closest] - anchor[:, :, None]).norm(dim=-1)
    assert closest.sum() > 10 and (theirs > mine)[there[closest]].all()
    directed = (who.along != 0).any(-1) & who.related
    along = who.along[directed][:, None]
    mine = (drawn.references[directed][:, :, 0] * along).sum(-1)[..., None]
    theirs = (at[directed] * along[:, :, None]).sum(-1)
    assert (theirs < mine)[there[directed]].all()


def test_a_step_is_drawn_the_same_whatever_was_drawn_before():
    numbers = {'point': 2, 'towards': 1}
    given = {'demonstrations': 3, 'queries': 2, 'seed': 7, 'pool_steps': 4}
    first, second = GrammarTasks(numbers, **given), GrammarTasks(numbers, **given)
    for step in (0, 1, 9):
        first.of_step(step)
    torch.rand(5)
    for one, other in zip(first.of_step(5), second.of_step(5), strict=True):
        assert torch.equal(one.generate.states, other.generate.states)
        assert torch.equal(one.argument.attention, other.argument.attention)


def test_tasks_move_the_actor_alone_and_find_it_with_those_of_one_role():
    tasks = GrammarTasks({'frame': 8, 'step': 4}, demonstrations=3, queries=2, seed=1, pool_steps=2)
    still, relative = tasks.of_step(0)
    assert still.identify is not None and relative.identify is None
    moved = (still.generate.states[:, 1] != still.generate.states[:, 0]).any(-1)
    assert moved[:, 0].all() and not moved[:, 1:].any()
    assert (still.generate.states[:, 0, 0, MOVABLE] == 1).all()
    assert (still.argument.attention.sum(-1) == 2).all()  # of two roles, one is asked about
    assert (still.generate.attention.sum(-1) == 3).all()
    assert (still.shown.states[..., POSITION].abs() <= 1.3).all()
