"""Entities on the table: from a seed and from YAML."""

import numpy as np
import pytest
import yaml
from reaching import shipped_workspace

from ebm_concept_ros.arm.table_scene import load_table_scene, random_table_scene
from ebm_concept_ros.config_files import ConfigError

BLUE = {'id': 'blue_0', 'position_in_base_m': [0.4, 0.1], 'colour': 'blue', 'shape': 'circle'}


@pytest.mark.parametrize('num_references', [0, 1, 2])
@pytest.mark.parametrize('seed', range(20))
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


def test_other_seeds_give_other_scenes():
    workspace = shipped_workspace()
    scenes = [random_table_scene(seed, 2, 'blue', workspace) for seed in range(10)]
    assert len({scene.model_dump_json() for scene in scenes}) == 10


def test_an_unknown_colour_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r'mauve.*red.*blue'):
        random_table_scene(1, 2, 'mauve', shipped_workspace())


def write(tmp_path, entities):
    path = tmp_path / 'scene.yaml'
    path.write_text(yaml.safe_dump({'entities': entities}))
    return path


def test_a_scene_from_yaml(tmp_path):
    path = write(tmp_path, [BLUE, {**BLUE, 'id': 'blue_1', 'position_in_base_m': [0.5, -0.1]}])
    scene = load_table_scene(path, shipped_workspace())
    assert [entity.id for entity in scene.entities] == ['blue_0', 'blue_1']


@pytest.mark.parametrize(
    ('entities', 'names'),
    [
        ([], ('entities',)),
        ([{**BLUE, 'colour': 'mauve'}], ('entities.0.colour', 'mauve', 'blue')),
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
