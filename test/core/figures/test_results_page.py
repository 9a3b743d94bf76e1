# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The commands figure and report: pictures that show something, one page, clear refusals."""

import json
import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from ebm_core.__main__ import main
from ebm_core.commands.gallery import write_section
from ebm_core.figures import FAMILY_FIGURES, FIGURES, get_figure, style
from ebm_core.figures.models import Models
from ebm_core.relational.config import PRESETS, Preset
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ModelError, load_model, save_model
from ebm_core.world.scene import InvalidInput

ROOT = Path(__file__).parents[3]
SCENES = 4


def preset_of(name: str) -> Preset:
    """Ablations are compared by their sizes; the main model may be any, so it is a small one."""
    small = PRESETS['tiny'].model if name == 'concepts' else PRESETS[name].model
    return Preset(model=small, training=PRESETS[name].training)


def untrained(name: str) -> Learner:
    torch.manual_seed(0)
    return Learner(preset_of(name).model)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Untrained models of all presets that figures compare."""
    root = tmp_path_factory.mktemp('models')
    row = {
        'scenes': SCENES,
        'generation': 0.25,
        'identification': 0.75,
        'identification_one_chain': 0.625,
    }
    metrics = {'concepts': {'line': row, 'square': row}}
    for name in {p for figure in FIGURES for p in get_figure(figure).needs}:
        provenance = {'step': 0, 'wall_s': 60.0, 'commit': 'none', 'metrics': metrics}
        save_model(root / name, untrained(name), preset_of(name), provenance)
    return Models(root / 'concepts', root)


@pytest.fixture(scope='module', autouse=True)
def coarse_pictures():
    """Most of the time goes into pixels, and nobody looks at these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style._STYLE, 'savefig.dpi', 60)
        yield


def is_picture(path) -> bool:
    picture = Image.open(path).convert('RGB')
    return min(picture.size) > 100 and len(picture.getcolors(1 << 24)) > 50


@pytest.fixture(scope='module')
def report(models, tmp_path_factory):
    output = tmp_path_factory.mktemp('report')
    source = ['--model', str(models.directory('concepts')), '--models', str(models.ablations)]
    options = ['--output', str(output), '--scenes', str(SCENES), '--json', str(output / 'x.json')]
    options += ['--gallery', str(output / 'none')]
    torch.manual_seed(0)
    assert main(['report', *source, *options]) == 0
    return output


@pytest.mark.parametrize('name', FIGURES)
def test_every_figure_stands_in_the_report(report, name):
    page = (report / 'report.md').read_text()
    spec = get_figure(name)
    assert is_picture(report / 'figures' / f'{name}.png')
    assert f'](figures/{name}.png)' in page
    assert spec.caption in page
    assert f'python -m ebm_core figure {name} ' in page
    numbers = json.loads((report / 'report.json').read_text())
    assert spec.table(numbers['figures'][name]) in page


def test_report_has_every_concept_and_the_models(report, models):
    page = (report / 'report.md').read_text()
    assert '| more_than_three |' in page
    assert load_model(models.directory('shapes_no_kl')).sha256[:12] in page
    assert json.loads((report / 'x.json').read_text()) == json.loads(
        (report / 'report.json').read_text()
    )


def test_the_report_has_the_other_systems_or_the_commands_that_make_them(
    models, report, tmp_path, monkeypatch, capsys
):
    commands = {'image generate', 'image outliers', 'image robust', 'toy widths', 'toy negatives'}
    commands |= {'toy conditional', 'toy sums', 'shapes generate', 'continual', 'adapt'}
    commands |= {'trajectory futures', 'trajectory subgoals'}
    empty = (report / 'report.md').read_text()
    assert {c for c in commands if f'python -m ebm_core {c}\n' in empty} == commands
    gallery = tmp_path / 'gallery'
    title = 'Tasks in sequence, again'
    write_section(gallery, 'continual_x', title, '| a |', {}, b'a picture')
    monkeypatch.setattr('ebm_core.figures.report.draw_figures', lambda *_, **__: {})
    monkeypatch.setattr('ebm_core.figures.report.FIGURES', ())
    source = ['--model', str(models.directory('concepts')), '--models', str(models.ablations)]
    output = ['--output', str(tmp_path), '--scenes', '1', '--gallery', str(gallery)]
    (gallery / 'broken.md').write_bytes(b'\xff\xfe')
    assert main(['report', *source, *output]) == 2
    assert 'broken.md: not a section' in capsys.readouterr().err
    (gallery / 'broken.md').unlink()
    assert main(['report', *source, *output]) == 0
    page = (tmp_path / 'report.md').read_text()
    assert f'- [{title}](#tasks-in-sequence-again)' in page and f'\n## {title}\n' in page
    assert '\npython -m ebm_core continual\n' not in page
    assert '\npython -m ebm_core toy sums\n' in page
    assert (tmp_path / 'continual_x.png').read_bytes() == b'a picture'


def test_figure_is_the_same_every_time(models, tmp_path, capsys):
    source = ['--model', str(models.directory('concepts')), '--models', str(models.ablations)]
    for run in ('1', '2'):
        options = ['--output', str(tmp_path / run), '--scenes', '3', '--seed', '5']
        numbers = ['--json', str(tmp_path / f'{run}.json')]
        assert main(['figure', 'fig7_attention', *source, *options, *numbers]) == 0
        torch.manual_seed(99)
    assert (tmp_path / '1.json').read_text() == (tmp_path / '2.json').read_text()
    first, second = (tmp_path / run / 'fig7_attention.png' for run in ('1', '2'))
    assert first.read_bytes() == second.read_bytes()
    assert 'one chain right' in capsys.readouterr().out


def test_changes_show_what_several_chains_are_worth_where_it_was_measured(report):
    page = (report / 'report.md').read_text()
    assert (
        '| no direction loss | `shapes_no_direction` | identification | 75.0 % | 62.5 % |' in page
    )
    assert '| no direction loss | `shapes_no_direction` | generation | 25.0 % |  |' in page


def test_the_page_on_changes_names_every_ablation_and_nothing_that_is_none():
    page = (ROOT / 'docs' / 'against_the_paper.md').read_text()
    ablations = set(get_figure('changes').needs)
    assert set(re.findall(r'`(shapes_\w+)`', page)) == ablations - {'shapes'}
    loops = re.findall(r'for preset in ([^;]*);', page)
    of_shapes, of_open = (set(loop.replace('\\', '').split()) for loop in loops)
    assert of_shapes == ablations
    assert of_open <= PRESETS.keys() and of_open == set(re.findall(r'`(open_small_\w+)`', page))


def test_report_leaves_out_what_it_has_no_models_for_and_says_what_makes_them(
    models, tmp_path, capsys
):
    directory = models.directory('concepts')
    card = json.loads((directory / 'model.json').read_text())
    card['training']['concepts'] = {'point': 1, 'shape': 1}
    known = tmp_path / 'known'
    known.mkdir()
    (known / 'model.json').write_text(json.dumps(card))
    (known / 'model.safetensors').write_bytes((directory / 'model.safetensors').read_bytes())
    source = ['--model', str(known), '--models', str(tmp_path / 'none')]
    assert main(['report', *source, '--output', str(tmp_path), '--scenes', '2']) == 0
    assert 'left out, the page says why: fig4, fig5' in capsys.readouterr().out
    page = (tmp_path / 'report.md').read_text()
    drawn = {path.stem for path in (tmp_path / 'figures').iterdir()}
    assert drawn == {*FAMILY_FIGURES, 'fig7_attention', 'open_concepts'}
    assert 'Not drawn, as the model was not trained on farthest.' in page
    assert f'train --preset shapes_scalar --output {tmp_path / "none"}' in page
    assert 'The model was not trained on red, green' in page
    assert '| between | not trained | not trained |' in page


def test_figure_of_what_the_model_does_not_know_says_so(tmp_path, capsys):
    output = ['--output', str(tmp_path), '--scenes', '2']
    assert main(['figure', 'fig4', '--model', str(ROOT / 'models' / 'placement'), *output]) == 0
    assert 'models/placement was not trained on farthest' in capsys.readouterr().err


# what is refused


def test_missing_models_are_told_of_with_the_commands_that_make_them(tmp_path, capsys):
    output = tmp_path / 'figures'
    source = ['--model', str(tmp_path / 'no'), '--models', str(tmp_path)]
    assert main(['figure', 'all', *source, '--output', str(output)]) == 2
    error = capsys.readouterr().err
    assert f'python -m ebm_core train --preset concepts --output {tmp_path / "no"}\n' in error
    assert f'python -m ebm_core train --preset shapes_no_kl --output {tmp_path}' in error
    assert not output.exists()


def test_command_of_a_missing_model_is_short_where_train_leaves_it():
    models = Models('models/concepts', 'out/train')
    assert models.command('shapes') == 'python -m ebm_core train --preset shapes'


def test_model_of_another_preset_is_refused(tmp_path):
    save_model(tmp_path / 'shapes_scalar', untrained('shapes'), PRESETS['shapes'], {})
    with pytest.raises(ModelError, match=r'not a model of preset shapes_scalar.*--fresh'):
        Models(tmp_path, tmp_path).get('shapes_scalar')


def test_model_that_was_never_measured_has_no_success_rates(tmp_path):
    save_model(tmp_path / 'shapes', untrained('shapes'), PRESETS['shapes'], {'step': 1})
    with pytest.raises(ModelError, match=r'never measured.*train --preset shapes'):
        Models(tmp_path, tmp_path).metrics('shapes')


def test_unknown_figure_lists_the_known(capsys):
    with pytest.raises(InvalidInput, match='known are all, families, family_colour'):
        get_figure('fig9')
    assert main(['figure', 'fig9']) == 2
    assert 'fig7_codes' in capsys.readouterr().err
