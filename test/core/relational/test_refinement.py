# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Masks that grow and are varied end where no mask has less energy, and leave out who is absent."""

from itertools import combinations, product

import numpy as np
import pytest
import torch

from ebm_core.concepts import EventBatch, get_concept
from ebm_core.evaluation.contexts import demonstrated
from ebm_core.relational.energy import Energy
from ebm_core.relational.mask_energies import MaskEnergies
from ebm_core.relational.mask_search import (
    MOST_SEARCHED,
    best_of_all_masks,
    grow_masks,
    refine_masks,
)
from ebm_core.relational.task import Events
from ebm_core.world.scene import NUM_INPUTS


def every_mask(n):
    return torch.tensor(list(product((0.0, 1.0), repeat=n)))[1:]


@pytest.mark.parametrize('name', ['between', 'north', 'point'])
def test_it_finds_the_mask_of_least_energy_of_all(model, name):
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    concepts = [get_concept(name).variant(rng) for _ in range(40)]
    drawn = EventBatch.stack([c.identification(rng, 6, (3, 8)) for c in concepts])
    events = Events.of(drawn[:, 5])
    with torch.no_grad():
        w = demonstrated(model, drawn[:, :5])
        x = model.energy.inputs(events.states[:, 1:], events.states[:, 0])
        last = model.energy.with_code(w)
        of_masks = MaskEnergies(model.energy, x, last)
        masks = grow_masks(of_masks, events.present)
        found, energy = refine_masks(of_masks, events.present, masks)
        tried = best_of_all_masks(of_masks, events.present)
        all_masks = every_mask(8).expand(40, -1, -1)
        energies = model.energy.energy_of_gates(model.energy.pair_sums(x), all_masks, last)
    absent = (all_masks * (1 - events.present).unsqueeze(1)).any(-1)
    torch.testing.assert_close(energy, energies.masked_fill(absent, torch.inf).amin(1))
    assert not (found * (1 - events.present)).any()
    assert found.any(1).all()
    assert torch.equal(tried, found)


def test_refinement_never_ends_above_where_it_began_and_never_at_nobody():
    torch.manual_seed(1)
    energy = Energy(hidden=16, residuals=3, code_size=4)
    with torch.no_grad():
        x = torch.randn(5, 1, 6, NUM_INPUTS)
        last = energy.with_code(torch.randn(5, 4))
        starts = (torch.rand(5, 7, 6) < 0.5).float()
        starts[:, 0] = 0
        found, value = refine_masks(MaskEnergies(energy, x, last), torch.ones(5, 6), starts)
        before = energy.energy_of_gates(energy.pair_sums(x), starts, last)
    before = before.masked_fill(~starts.any(-1), torch.inf)
    assert (value <= before.amin(1)).all()
    assert found.any(1).all()


@pytest.mark.parametrize('n', [6, MOST_SEARCHED + 4])
def test_who_is_absent_never_grows_into_a_mask(n):
    torch.manual_seed(4)
    energy = Energy(hidden=16, residuals=3, code_size=4)
    present = torch.ones(8, n)
    present[:, -3:] = 0
    with torch.no_grad():
        x = torch.randn(8, 1, n, NUM_INPUTS)
        last = energy.with_code(torch.randn(8, 4))
        of_masks = MaskEnergies(energy, x, last)
        masks = grow_masks(of_masks, present)
        found, _ = refine_masks(of_masks, present, masks)
    assert not masks[..., -3:].any() and masks.any(-1).all()
    assert not found[..., -3:].any() and found.any(-1).all()


def test_among_very_many_the_best_pairs_grow():
    n = MOST_SEARCHED + 4
    torch.manual_seed(2)
    energy = Energy(hidden=16, residuals=3, code_size=4)
    with torch.no_grad():
        x = torch.randn(2, 1, n, NUM_INPUTS)
        last = energy.with_code(torch.randn(2, 4))
        masks = grow_masks(MaskEnergies(energy, x, last), torch.ones(2, n))
        two = torch.stack(
            [(torch.arange(n) == i) | (torch.arange(n) == j) for i, j in combinations(range(n), 2)]
        )
        of_pairs = energy.energy_of_gates(energy.pair_sums(x), two.float().expand(2, -1, -1), last)
        grown = energy.energy_of_gates(energy.pair_sums(x), masks, last)
    assert masks.any(-1).all()
    assert (grown.amin(1) <= of_pairs.amin(1)).all()
