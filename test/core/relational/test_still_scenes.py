# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whom still scenes mean follows from them, where looks tell it or a relation to the others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ebm_core import Demonstration, get_concept
from ebm_core.concepts import EventBatch, any_colour
from ebm_core.evaluation.contexts import demonstrated, found
from ebm_core.model_files import SHIPPED
from ebm_core.relational.model import load_model
from ebm_core.relational.way_search import least, with_times_exchanged

SHOWN = 5
(ANY,) = any_colour.CONCEPTS
MODEL = load_model(SHIPPED / 'open')


def scenes(name, sets=12, seed=0):
    """Still scenes (sets, SHOWN + 1)."""
    rng = np.random.default_rng(seed)
    concepts = [(ANY if name == 'any' else get_concept(name)).variant(rng) for _ in range(sets)]
    return EventBatch.stack([c.identification(rng, SHOWN + 1) for c in concepts])


def shares(name):
    """How often the answer is exact, and how often it is right, of novel scenes."""
    events = scenes(name)
    w = demonstrated(MODEL, events[:, :SHOWN])
    right = found(MODEL, events[:, SHOWN], w, 4)
    return MODEL.energy.leaders.is_relation(w).float().mean(), right.mean()


@pytest.mark.parametrize('name', ['orange', 'any', 'closest', 'farthest'])
def test_five_scenes_tell_whom_they_mean(name):
    exact, right = shares(name)
    assert exact >= 0.75 and right >= 0.9


@pytest.mark.parametrize('name', ['north', 'between', 'line', 'circle', 'two', 'follow'])
def test_whom_the_network_knows_it_finds_alone(name):
    exact, right = shares(name)
    assert exact == 0 and right >= 0.9


def test_whoever_looks_as_another_came_to_look_is_meant():
    rng = np.random.default_rng(1)
    shown = get_concept('purple').demonstrations(rng, SHOWN)
    assert all((d.before.colours != d.after.colours).any() for d in shown)
    code = MODEL.infer(shown).action_code
    asked = scenes('purple', sets=8, seed=2)
    for i in range(8):
        event = asked.demonstration((i, 0))
        np.testing.assert_array_equal(MODEL.identify(event.before, code), event.attention)


def test_codes_of_demonstrations_and_of_batches_are_the_same():
    for name in ('orange', 'closest'):
        events = scenes(name, sets=1)[:, :SHOWN]
        shown = [events.demonstration((0, i)) for i in range(SHOWN)]
        part = MODEL.energy.leaders.columns
        one = MODEL.infer(shown).action_code[part]
        assert one[0] > 0.5
        np.testing.assert_allclose(one, demonstrated(MODEL, events)[0, part], atol=1e-6)


def test_who_acts_each_time_is_not_meant_for_how_it_looks():
    """The red one at the left: it is where it is that may count, not that it is red."""
    events = scenes('red', sets=1)[:, :SHOWN]
    shown = []
    for i in range(SHOWN):
        scene = events.demonstration((0, i)).before
        alone = np.arange(len(scene)) == 0
        scene = replace(scene, movable=alone)
        shown.append(Demonstration((scene, scene), alone.astype(float)))
    code = MODEL.infer(shown).action_code[None]
    assert not MODEL.energy.leaders.is_relation(torch.from_numpy(code)).any()


def test_a_way_that_is_wrong_in_one_time_is_mended_by_another():
    goal = torch.tensor([0.0, 0.0, 1.0, 1.0]).view(1, 1, 4, 1, 1)

    def energy(states):
        return (states[..., :1] - goal).square().sum((2, 3, 4))

    ends = torch.zeros(1, 3, 4, 1, 2)
    ends[0, :, 3, 0, 0] = 1.0  # each is right but in the third time
    ends[..., 1] = 7.0
    ends[0, 1, :, 0, 1] = 8.0
    mutable = torch.tensor([1.0, 0.0]).view(1, 1, 2)
    assert least(energy, ends, 1)[0, 0, 2, 0, 0] == 0
    best = with_times_exchanged(energy, ends, mutable)
    torch.testing.assert_close(best[0, 0, :, 0, 0], goal.flatten())
    assert len(best[..., 1].unique()) == 1, 'what may not change is that of one chain'
