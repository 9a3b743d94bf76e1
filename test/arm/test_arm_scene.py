# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Entities on the table: from a seed and from YAML."""

import numpy as np
import pytest
import yaml
from reaching import shipped_workspace

from ebm_concept_ros.arm import composed_table as composed
from ebm_concept_ros.arm import table_scene
from ebm_concept_ros.arm.composed_table import composed_table
from ebm_concept_ros.arm.table_scene import load_table_scene, random_table_scene
from ebm_concept_ros.config_files import ConfigError
from ebm_core.concepts import get_concept
from ebm_core.world.scene import COLOURS, InvalidInput

BLUE = {'id': 'blue_0', 'position_in_base_m': [0.4, 0.1], 'colour': 'blue', 'shape': 'circle'}


@pytest.mark.parametrize('num_references', [0, 1, 2])
@pytest.mark.parametrize('seed', range(61))
def test_random_scenes_hold_what_the_concept_needs(seed, num_references):
    workspace = shipped_workspace()
    scene = random_table_scene(seed, num_references, 'blue', workspace)
    assert scene == random_table_scene(seed, num_references, 'blue', workspace)
    colours = [entity.colour for entity in scene.entities]
    assert colours.count('blue') == num_references
    assert 3 <= len(colours) + 1 <= 6, 'with the end effector'
    in_plane = workspace.to_plane(scene.positions_in_base_m())
    assert np.abs(in_plane).max() <= 1.0
    gaps = np.linalg.norm(in_plane[:, None] - in_plane[None], axis=-1)
    assert gaps[np.triu_indices(len(gaps), 1)].min() > 0.3, 'entities do not overlap'


@pytest.mark.parametrize(('num_references', 'fewest'), [(0, 3), (1, 3), (2, 4), (3, 5), (4, 6)])
def test_scenes_have_every_number_of_entities_about_as_often(num_references, fewest):
    workspace = shipped_workspace()
    counts = [
        1 + len(random_table_scene(seed, num_references, 'blue', workspace).entities)
        for seed in range(1, 61)
    ]
    expected = 60 / (7 - fewest)
    for number in range(fewest, 7):
        assert counts.count(number) == pytest.approx(expected, abs=0.6 * expected)
    assert min(counts) == fewest and max(counts) == 6


def test_a_seed_without_room_is_not_the_fault_of_the_colour(monkeypatch):
    monkeypatch.setattr(table_scene, '_MIN_SPACING_UNITS', 3.0)
    monkeypatch.setattr(table_scene, '_MAX_ATTEMPTS', 10)
    with pytest.raises(InvalidInput, match='scene_seed: 4 finds no room for'):
        random_table_scene(4, 2, 'blue', shipped_workspace())


def test_other_seeds_give_other_scenes():
    workspace = shipped_workspace()
    scenes = [random_table_scene(seed, 2, 'blue', workspace) for seed in range(10)]
    assert len({scene.model_dump_json() for scene in scenes}) == 10


def test_an_unknown_colour_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r'mauve.*red.*blue'):
        random_table_scene(1, 2, 'mauve', shipped_workspace())


@pytest.mark.parametrize('seed', range(5))
def test_tables_for_two_concepts_have_a_place_where_both_hold(seed):
    workspace = shipped_workspace()
    concepts = get_concept('between'), get_concept('north')
    same, scene = composed_table(concepts, ('green', 'purple'), seed, workspace)
    assert same == concepts
    assert scene == composed_table(concepts, ('green', 'purple'), seed, workspace)[1]
    places = {e.id: workspace.to_plane(np.array(e.position_in_base_m)) for e in scene.entities}
    assert len(places) in (4, 5) and {'green_0', 'green_1', 'purple_0'} <= set(places)
    middle = (places['green_0'] + places['green_1']) / 2
    np.testing.assert_allclose(middle, places['purple_0'] + (0.0, 0.3), atol=1e-3)


def test_two_concepts_that_no_table_brings_together_are_refused_by_name(monkeypatch):
    monkeypatch.setattr(composed, '_MAX_DRAWS', 100)
    concepts = get_concept('point'), get_concept('corners')
    with pytest.raises(
        InvalidInput, match=r'scene_seed: 2 finds no table on which point \+ corners'
    ):
        composed_table(concepts, ('blue', 'red'), 2, shipped_workspace())


def write(tmp_path, entities):
    path = tmp_path / 'scene.yaml'
    path.write_text(yaml.safe_dump({'entities': entities}))
    return path


def test_a_scene_from_yaml(tmp_path):
    path = write(tmp_path, [BLUE, {**BLUE, 'id': 'blue_1', 'position_in_base_m': [0.5, -0.1]}])
    scene = load_table_scene(path, shipped_workspace())
    assert [entity.id for entity in scene.entities] == ['blue_0', 'blue_1']


def test_a_colour_may_be_any(tmp_path):
    path = write(tmp_path, [{**BLUE, 'colour': '#3366FF'}, {**BLUE, 'id': 'blue_1'}])
    any_colour, blue = load_table_scene(path, shipped_workspace()).entities
    assert any_colour.rgb == (0.2, 0.4, 1.0) and blue.rgb == COLOURS['blue']


@pytest.mark.parametrize(
    ('entities', 'names'),
    [
        ([], ('entities',)),
        ([{**BLUE, 'colour': 'mauve'}], ('entities.0.colour', 'mauve', 'blue')),
        ([{**BLUE, 'colour': '#12345g'}], ('entities.0.colour', '#12345g', '#rrggbb')),
        ([{**BLUE, 'shape': 'star'}], ('entities.0.shape', 'star', 'triangle')),
        ([BLUE, BLUE], ('blue_0', '2 times')),
        ([{**BLUE, 'id': 'end_effector'}], ('end_effector', 'reserved')),
        ([{**BLUE, 'position_in_base_m': [2.0, 0.0]}], ('entities.0', '2.0', 'out of')),
        ([{**BLUE, 'position_in_base_m': [float('nan'), 0.0]}], ('entities.0', 'finite')),
        ([{'id': 'blue_0', 'colour': 'blue'}], ('position_in_base_m', 'missing')),
    ],
)
def test_a_wrong_scene_is_refused_with_key_value_and_reason(tmp_path, entities, names):
    path = write(tmp_path, entities)
    with pytest.raises(ConfigError) as refusal:
        load_table_scene(path, shipped_workspace())
    for name in (str(path), *names):
        assert name in str(refusal.value)
