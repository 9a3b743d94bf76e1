# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures: right numbers on constructed cases, and chains that are the sampler's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ebm_core.concepts import FAMILIES, EventBatch, get_concept
from ebm_core.figures import (
    attention_paths,
    code_landscapes,
    families,
    kl_energies,
    probe,
    shape_paths,
    transfer,
)
from ebm_core.figures.colour_codes import nearest_share, principal_axes
from ebm_core.relational.config import PRESETS
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ConceptModel
from ebm_core.world.scene import POSITION


@pytest.fixture(scope='module')
def main_model():
    """An untrained model, a small one."""
    torch.manual_seed(0)
    return ConceptModel(Learner(PRESETS['tiny'].model), {}, '')


def events(name: str, context: str, count: int = 6) -> tuple[list, EventBatch, EventBatch]:
    rng = np.random.default_rng(0)
    concepts = probe.variants(name, count, rng)
    return concepts, *probe.draw_events(concepts, rng, context)


# numbers


def test_transfer_errors_of_a_perfect_and_of_a_wrong_answer():
    _, _, asked = events('point', 'generation')
    assert transfer.generation_error(asked, asked) == 0
    states = asked.states.copy()
    states[:, 1, 0, POSITION] += (0.3, 0.1)
    moved = replace(asked, states=states)
    assert transfer.generation_error(moved, asked) == pytest.approx((0.09 + 0.01) / 2, rel=1e-4)

    _, _, asked = events('point', 'identification')
    assert transfer.attention_error(asked.attention, asked) == 0
    assert transfer.attention_error(1 - asked.attention, asked) == 1
    # What is said about absent entities does not count.
    elsewhere = np.where(asked.present, asked.attention, 0.7)
    assert transfer.attention_error(elsewhere, asked) == 0


def test_nearest_share_counts_codes_of_the_same_label():
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    targets = centres[:, None] + np.array([[0.1, 0.0], [0.0, 0.1]])
    queries = np.repeat(centres[:, None], 4, 1)
    assert nearest_share(queries, targets).tolist() == [1, 1, 1]
    queries[1, 0] = centres[2]
    assert nearest_share(queries, targets).tolist() == [1, 0.75, 1]


def test_principal_axes_find_the_direction_of_the_variance():
    points = 1 + np.outer(np.arange(-5, 6), [3.0, 4.0, 0.0])
    mean, axes, variance = principal_axes(points)
    assert mean == pytest.approx([1, 1, 1])
    assert np.abs(axes[0]) == pytest.approx([0.6, 0.8, 0])
    assert variance[0] == pytest.approx(1)


def test_settling_counts_the_last_turn_and_the_late_ones():
    early = [[0.1, 0.9], [0.8, 0.2], [0.9, 0.1], [0.9, 0.1]]
    late = [[0.1, 0.1], [0.8, 0.2], [0.4, 0.2], [0.9, 0.1]]
    still = [[0.9, 0.1]] * 4
    settled, corrections = attention_paths.settling(np.array([early, late, still]))
    assert settled.tolist() == [1, 3, 0]
    assert corrections.tolist() == [0, 2, 0]


def test_lowest_point_of_a_landscape_with_its_minimum_at_the_goal():
    concepts, _, asked = events('north', 'generation')
    points = probe.grid(101)
    goal = np.array([s[1, POSITION] + (0, 0.3) for s in asked.before])
    bowl = np.square(points[None] - goal[:, None, None]).sum(-1)
    assert code_landscapes.minimum_error(bowl, points, concepts[0], asked).max() < 0.023
    hill = code_landscapes.minimum_error(-bowl, points, concepts[0], asked)
    assert hill.min() > 0.5


def test_share_of_samples_as_low_as_demonstrations():
    demonstrations = np.linspace(0, 1, 101)
    samples = np.array([0.1, 0.9, 0.949, 0.96])
    row = kl_energies.summary(
        {'demonstrations': demonstrations, 'samples': samples, 'random': samples + 5}
    )
    assert row['samples_below_95th_percentile'] == 0.75
    assert row['random_below_95th_percentile'] == 0
    assert row['median_demonstrations'] == 0.5


def test_shape_errors_are_those_of_where_the_entities_end(main_model, monkeypatch):
    # A generator that answers with the true event makes no error.
    monkeypatch.setattr(shape_paths, 'generate_events', lambda model, asked, w, restarts: asked)
    assert shape_paths.shape_errors(main_model, 'square', 0, 5).max() < 1e-5
    monkeypatch.undo()
    assert shape_paths.shape_errors(main_model, 'square', 0, 5).min() > 0.1


# families


def test_a_mask_is_right_if_it_is_the_one_or_of_the_number():
    _, _, asked = events('two', 'identification', 1)
    present = np.flatnonzero(asked.present[0])
    for chosen, right in ((present[:2], True), (present[-2:], True), (present[:3], False)):
        mask = np.isin(np.arange(asked.present.shape[1]), chosen)
        assert families.right_mask(mask, asked[0]) is right
    _, _, asked = events('between', 'identification', 1)
    assert families.right_mask(asked.attention[0] > 0.5, asked[0])
    assert not families.right_mask(asked.attention[0] < 0.5, asked[0])


def test_what_is_outlined_is_what_the_predicate_allows():
    north, _, asked = events('north', 'generation', 1)
    area = families.admissible(north[0], asked[0])
    goal = asked.before[0, 1, POSITION] + (0, 0.3)
    assert np.abs(families._OUTLINE[area] - goal).max() <= 0.1 + 1e-6
    share = area.mean() * np.square(np.ptp(families._OUTLINE[..., 0]))
    assert share == pytest.approx(np.pi * 0.1**2, rel=0.1)


def test_a_family_that_the_model_knows_is_answered_rightly(model):
    figure, numbers = families.draw_family(model, FAMILIES['placement'], 1)
    assert len(figure.axes) == 3 * len(FAMILIES['placement'])
    for row in numbers.values():
        assert row == {'trained': True, 'brought_about': True, 'attended': True}
    table = families.table(numbers)
    assert '| between | yes | yes |' in table


def test_of_a_family_that_the_model_does_not_know_the_demonstrations_are_drawn(model):
    figure, numbers = families.draw_family(model, FAMILIES['shape'], 1)
    assert len(figure.axes) == len(FAMILIES['shape'])
    assert '| square | not trained | not trained |' in families.table(numbers)


@pytest.mark.parametrize('family', FAMILIES)
def test_the_legend_of_a_family_fits_below_its_panels(main_model, family):
    figure, numbers = families.draw_family(main_model, FAMILIES[family], 1)
    assert set(numbers) == {concept.name for concept in FAMILIES[family]}
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    panels = [ax.get_tightbbox() for ax in figure.axes]
    assert legend.y1 <= min(panel.y0 for panel in panels) + 1


@pytest.mark.parametrize('name', ['red', 'point', 'square', 'farthest', 'three', 'follow'])
def test_answers_are_judged_by_the_concept(main_model, name):
    concept = get_concept(name)
    _, shown, _ = events(name, 'generation' if concept.generates else 'identification', 1)
    _, _, still = events(name, 'identification', 1)
    _, _, asked = events(name, 'generation' if concept.generates else 'identification', 1)
    answers = families.answer(main_model, concept, shown, asked, still)
    assert set(np.unique(answers.attention)) <= {0, 1}
    if not concept.generates:
        assert answers.done is None and answers.brought_about is None
        return
    assert answers.brought_about == concept.satisfied(answers.done)[0]
    # What is not mutable stays, and what is mutable ends where the chain does.
    changed = (answers.done.states[0, 1:] != asked.states[0, 1:]).any(0)
    assert not (changed & (asked.mutable[0] == 0)).any()
    assert (answers.energy is not None) == (name in ('point', 'farthest'))


def test_who_is_found_is_a_mask(model):
    _, shown, asked = events('point', 'identification')
    found = probe.identified(model, asked, probe.codes(model, shown), 16).numpy()
    assert set(np.unique(found)) == {0, 1}
    assert transfer.attention_error(found, asked) == 0


# looking into inference


def test_code_chain_ends_where_inference_does(main_model):
    _, shown, _ = events('between', 'generation')
    torch.manual_seed(3)
    chain = probe.code_chain(main_model, shown, (0, 4, 10))
    torch.manual_seed(3)
    assert torch.equal(chain[-1], probe.codes(main_model, shown))
    assert not torch.equal(chain[1], chain[2])
    assert main_model.sampler.steps == 10


def test_energy_over_the_plane_is_that_of_the_chain(main_model):
    _, shown, asked = events('between', 'generation', 2)
    w = probe.codes(main_model, shown)
    states, energies = probe.generation_chain(main_model, asked, w)
    end = states[1, -1, 0, 0, POSITION].numpy()
    there = probe.energy_over_plane(main_model, asked[1:], w[1:], end[None, None])
    assert there[0, 0, 0] == pytest.approx(float(energies[1, -1]), rel=1e-4)


def test_points_of_the_plane_go_from_south_west_to_north_east():
    points = probe.grid(5, 1.0)
    assert points[0, 0].tolist() == [-1, -1]
    assert points[0, -1].tolist() == [1, -1]
    assert points[-1, 0].tolist() == [-1, 1]
