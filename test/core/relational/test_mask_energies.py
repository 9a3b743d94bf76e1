# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is prepared for very many masks gives each the energy that it has by itself."""

from itertools import combinations_with_replacement

import pytest
import torch

from ebm_core.relational.energy import Energy
from ebm_core.relational.mask_energies import MaskEnergies
from ebm_core.world.scene import NUM_INPUTS

B, N = 3, 5
KINDS = {
    'network': {},
    'not relational': {'relational': False},
    'maps': {'maps': True},
    'all parts': {'maps': True, 'relations': True, 'curves': True, 'formations': True},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def problem(request):
    """An energy, inputs and f's last layer of B scenes of N entities."""
    torch.manual_seed(3)
    energy = Energy(hidden=16, residuals=3, code_size=4, **request.param).double()
    for parameter in energy.parameters():  # biases are zero to begin with
        torch.nn.init.normal_(parameter, std=parameter.shape[0] ** -0.5)
    with torch.no_grad():
        last = energy.with_code(torch.randn(B, energy.code_size, dtype=torch.double))
        yield energy, torch.randn(B, 2, N, NUM_INPUTS, dtype=torch.double), last


@pytest.fixture
def masks():
    return (torch.rand(B, 7, N, generator=torch.Generator().manual_seed(1)) < 0.5).double()


def one_by_one(problem, masks):
    energy, x, last = problem
    of_masks = energy.energy_of_gates(energy.pair_sums(x), masks, last)
    return of_masks.masked_fill(~masks.any(-1), torch.inf)


def test_of_masks(problem, masks):
    torch.testing.assert_close(MaskEnergies(*problem).of(masks), one_by_one(problem, masks))


def test_of_masks_that_all_scenes_share(problem, masks):
    shared = masks[:1]
    expected = one_by_one(problem, shared.expand(B, -1, -1))
    torch.testing.assert_close(MaskEnergies(*problem).of(shared), expected)


def test_of_two_entities_each(problem):
    two = torch.zeros(B, N * (N + 1) // 2, N, dtype=torch.double)
    for q, both in enumerate(combinations_with_replacement(range(N), 2)):
        two[:, q, list(both)] = 1.0
    torch.testing.assert_close(MaskEnergies(*problem).of_pairs(), one_by_one(problem, two))


def test_of_one_entity_turned_over(problem, masks):
    turned = (masks.unsqueeze(2) - torch.eye(N)).abs()
    expected = one_by_one(problem, turned.flatten(1, 2)).unflatten(1, (7, N))
    torch.testing.assert_close(MaskEnergies(*problem).of_toggles(masks), expected)


def test_nobody_attended_to_is_no_answer(problem):
    one = torch.eye(N).double().expand(B, -1, -1)
    energies = MaskEnergies(*problem)
    assert energies.of(torch.zeros(B, 1, N).double()).isinf().all()
    toggled = energies.of_toggles(one)
    assert (toggled.isinf() == torch.eye(N, dtype=torch.bool)).all()


def test_the_gradient_of_gates(problem):
    energy, x, last = problem
    gates = torch.rand(B, 7, N, generator=torch.Generator().manual_seed(2)).double()
    _, expected = energy.energy_and_gate_gradient(energy.pair_sums(x), gates, last)
    torch.testing.assert_close(MaskEnergies(*problem).gate_gradient(gates), expected)
