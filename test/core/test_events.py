"""Every generated event satisfies its concept, and says so in one way only."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core.events import concept_names, get_concept, sample_placements
from ebm_core.events.placement import (
    AMBIGUITY_MARGIN,
    SIDE_DISTANCE,
    generation_events,
    identification_events,
)
from ebm_core.scene import COLOURS, InvalidInput


def test_unknown_concept_lists_the_known():
    with pytest.raises(InvalidInput, match=r"'under' is unknown.*between"):
        get_concept('under')


@given(seed=st.integers(0, 10_000), name=st.sampled_from(concept_names()))
@settings(max_examples=40, deadline=None)
def test_demonstrations_show_the_concept(seed, name):
    concept = get_concept(name)
    for demonstration in concept.demonstrations(np.random.default_rng(seed), 3, 'green'):
        before, after, attention = (
            demonstration.before,
            demonstration.after,
            demonstration.attention,
        )
        assert concept.holds(after, attention)
        assert 3 <= len(after) <= 6
        references = (attention > 0.5) & ~after.movable
        assert references.sum() == concept.num_references
        # The colour tells the references from every distractor.
        distance = np.linalg.norm(after.colours - np.array(COLOURS['green']), axis=1)
        assert (distance[references] < 0.3).all()
        assert (distance[~references] > 0.3).all()
        moved = np.abs(after.positions - before.positions).max(1) > 0
        assert not moved[~before.movable].any()


def test_sides_are_where_the_compass_says():
    rng = np.random.default_rng(0)
    for name, direction in {
        'north': (0, 1),
        'south': (0, -1),
        'east': (1, 0),
        'west': (-1, 0),
    }.items():
        after = get_concept(name).demonstrations(rng, 1)[0].after
        np.testing.assert_allclose(
            after.positions[0] - after.positions[1],
            SIDE_DISTANCE * np.array(direction),
            atol=1e-6,
        )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_still_scenes_have_one_answer(seed):
    rng = np.random.default_rng(seed)
    concepts = sample_placements(rng, 4)
    batch = identification_events(concepts, 3, rng)
    for c, e in itertools.product(range(4), range(3)):
        scene, concept = batch.scene((c, e)), concepts[c]
        attention = batch.attention[c, e][batch.present[c, e]]
        assert concept.holds(scene, attention)
        fixed = np.flatnonzero(~scene.movable)
        for mover in np.flatnonzero(scene.movable):
            for references in itertools.combinations(fixed, concept.num_references):
                mask = np.zeros(len(scene))
                mask[[mover, *references]] = 1
                if not np.array_equal(mask, attention):
                    gap = np.linalg.norm(scene.positions[mover] - concept.goal(scene, mask))
                    assert gap >= AMBIGUITY_MARGIN - 1e-6


def test_a_seed_makes_the_same_events():
    def make():
        rng = np.random.default_rng(3)
        return generation_events(sample_placements(rng, 5), np.arange(5), 4, rng)

    first, second = make(), make()
    np.testing.assert_array_equal(first.before, second.before)
    np.testing.assert_array_equal(first.after, second.after)


def test_a_goal_needs_the_right_number_of_references():
    concept = get_concept('between')
    after = concept.demonstrations(np.random.default_rng(0), 1)[0].after
    with pytest.raises(InvalidInput, match='between needs 2 reference entities, 0 are attended'):
        concept.goal(after, np.zeros(len(after)))


def test_unknown_reference_colour_lists_the_known():
    with pytest.raises(InvalidInput, match=r"'mauve' is unknown; known are red"):
        get_concept('north').demonstrations(np.random.default_rng(0), 1, 'mauve')
