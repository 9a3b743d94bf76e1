# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Training: it learns, a seed decides the run, and the command line says what is wrong."""

import json
import re

import numpy as np
import pytest
import torch
from processes import CPU, assert_same_checkpoint, small

from ebm_core.__main__ import main
from ebm_core.concepts import FAMILIES, get_concept
from ebm_core.model_files import SHIPPED
from ebm_core.relational.config import TrainingConfig, preset
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import ModelError, load_model, save_model
from ebm_core.relational.objective import LossConfig, losses
from ebm_core.relational.recipe import ConceptRecipe, draw_tasks
from ebm_core.relational.task import make_task
from ebm_core.training import logs, loop
from ebm_core.training.loop import train
from ebm_core.training.optimizer import MuonAndAdam

ONE_CONCEPT = ['--set', 'concepts={"point": 2}', '--scenes', '5']


def test_learns_within_a_minute(tmp_path):
    """The likelihood of what was shown rises well above that of an untrained energy."""
    few = {'point': 3}
    recipe = ConceptRecipe(preset('tiny', steps=120, concepts=few, warmup_steps=10, kl_from=1))

    def held_out(learner):
        torch.manual_seed(99)
        task = make_task([get_concept('point')] * 32, np.random.default_rng(99), 5, 2)
        with torch.no_grad():
            return losses(
                learner.energy, learner.sampler, [task], LossConfig(kl=False, positive=0.0)
            )

    torch.manual_seed(0)
    before = held_out(recipe.build())
    learner, _ = train(recipe, tmp_path, device=CPU)
    after = held_out(learner)
    assert after.generation_ml < 0.7 * before.generation_ml
    assert after.identification_ml < 0.4 * before.identification_ml


def test_the_seed_decides_the_run(tmp_path):
    """Bit for bit: weights, moments and random states; another seed, another run."""
    for name, seed in (('one', 0), ('same', 0), ('other', 1)):
        torch.rand(3)  # what was drawn before does not matter
        train(small(steps=4, seed=seed), tmp_path / name, device=CPU)
    assert_same_checkpoint(tmp_path / 'one', tmp_path / 'same')
    with pytest.raises(AssertionError):
        assert_same_checkpoint(tmp_path / 'one', tmp_path / 'other')


def test_a_step_draws_what_the_preset_says():
    recipe = small(concepts=dict.fromkeys(FAMILIES, 2) | {'point': 3})
    tasks = draw_tasks(recipe.preset, np.random.default_rng(0), CPU)
    assert sum(len(task.shown.states) for task in tasks) == 2 * len(FAMILIES) + 3


def test_a_step_that_is_not_finite_is_skipped():
    recipe = small()
    torch.manual_seed(0)
    learner = recipe.build()
    optimizer = MuonAndAdam(recipe.parameter_groups(learner))
    with torch.no_grad():
        learner.energy.f_out_bias[0] = torch.nan
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    rng = np.random.default_rng(0)
    _, taken = loop.train_step(recipe, learner, optimizer, 0, rng)
    assert not taken
    for name, value in learner.state_dict().items():
        assert torch.equal(value, before[name]) or name == 'energy.f_out_bias'


def test_resumed_run_continues_exactly(tmp_path, monkeypatch):
    """Through the command line, whose progress report draws random numbers of its own."""
    sizes = ['--set', 'steps=6', '--set', 'checkpoint_every=3', *ONE_CONCEPT]
    command = ['train', '--preset', 'tiny', *sizes, '--output']
    assert main([*command, str(tmp_path / 'whole')]) == 0

    class Stopped(Exception):
        pass

    step = loop.train_step

    def stop(recipe, learner, optimizer, index, *rest):
        if index == 5:  # after a checkpoint, before the next
            raise Stopped
        return step(recipe, learner, optimizer, index, *rest)

    monkeypatch.setattr(loop, 'train_step', stop)
    with pytest.raises(Stopped):
        main([*command, str(tmp_path / 'parts')])
    monkeypatch.undo()
    assert main([*command, str(tmp_path / 'parts')]) == 0

    whole, resumed = (load_model(tmp_path / name) for name in ('whole', 'parts'))
    assert resumed.card['provenance']['resumed_at_step'] == 3
    assert resumed.sha256 == whole.sha256


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['train', '--preset', 'huge'], "'huge' is unknown; known are concepts, placement"),
        (['train', '--set', 'stepz=3'], 'stepz: unknown key; known are steps'),
        (['train', '--set', 'steps=-1'], "steps: '-1' is refused: .*greater than or equal to 1"),
        (['train', '--set', 'steps'], 'is not KEY=VALUE'),
        (['train', '--set', '=5'], "'=5' is not KEY=VALUE"),
        (['train', '--set', 'concepts={"nort": 1}'], 'concepts.nort.* is refused: .*known are col'),
        (['train', '--set', 'concepts={north: 1}'], 'concepts: .* is not JSON'),
        (['train', '--threads', '0'], '--threads: 0 is refused: at least 1'),
        (['toy', 'sums', '--seed', '-1'], '--seed: -1 is refused: at least 0'),
        (['toy', 'sums', '--samples', '0'], '--samples: 0 is refused: at least 3'),
        (['image', 'generate', '--number', '1'], '--number: 1 is refused: at least 2'),
        (['image', 'generate', '--steps', '0'], '--steps: 0 is refused: at least 1'),
        (['image', 'robust', '--judge-steps', '-5'], '--judge-steps: -5 is refused: at least 1'),
        (['image', 'outliers', '--number', '-1'], '--number: -1 is refused: at least 1'),
        (['adapt', '--known', '0'], '--known: 0 is refused: at least 1'),
        (['adapt', '--open', '-1'], '--open: -1 is refused: at least 0'),
        (['evaluate', '--model', 'nowhere'], 'nowhere/model.json: No such file'),
    ],
)
@pytest.mark.usefixtures('no_training')
def test_command_line_names_what_is_wrong(arguments, message, capsys):
    assert main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.fixture
def no_training(monkeypatch):
    """What is refused too late would train for minutes, and write over what is there."""
    for place in ('commands.training.run', 'commands.continual.learn'):
        monkeypatch.setattr(f'ebm_core.{place}', lambda *_, **__: pytest.fail('it has begun'))


@pytest.mark.usefixtures('no_training')
def test_what_cannot_be_written_is_said_before_anything_is_made(tmp_path, monkeypatch, capsys):
    file = tmp_path / 'file'
    file.write_text('kept')
    for arguments, message in (
        (['train', '--output', str(file)], f'--output: {file} is refused: {file} is no directory'),
        (['toy', 'train', '--output', str(file / 'in')], f'{file} is no directory'),
        (['toy', 'figure', '--output', str(tmp_path)], f'{tmp_path} is a directory'),
        (['continual', '--json', str(tmp_path)], f'--json: {tmp_path} is refused'),
        (['adapt', '--gallery', str(file)], f'--gallery: {file} is refused'),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
    assert file.read_text() == 'kept'

    def full(*_):
        raise OSError(28, 'No space left on device', 'place')

    monkeypatch.setattr('ebm_core.commands.training.run', full)
    assert main(['toy', 'train', '--output', str(tmp_path / 'new')]) == 2
    assert 'error: place: No space left on device' in capsys.readouterr().err


@pytest.mark.usefixtures('no_training')
def test_the_model_that_is_taught_is_not_written_over(tmp_path, capsys):
    model = tmp_path / 'model'
    model.symlink_to(SHIPPED / 'concepts')
    here = ['--output', str(tmp_path / '..' / tmp_path.name / 'model')]
    assert main(['adapt', '--model', str(model), *here]) == 2
    assert 'it has the model to begin with' in capsys.readouterr().err


def test_help_explains_every_key(capsys):
    with pytest.raises(SystemExit):
        main(['train', '--help'])
    text = capsys.readouterr().out
    for name, field in TrainingConfig.model_fields.items():
        assert re.search(rf'^  {name} +{re.escape(field.description)}', text, re.M), name


def test_command_line_trains_and_evaluates(tmp_path, capsys):
    out, report = tmp_path / 'model', tmp_path / 'report.json'
    sizes = ['--set', 'steps=2', *ONE_CONCEPT]
    assert main(['train', '--preset', 'tiny', '--output', str(out), *sizes]) == 0
    # The progress bar: both losses, and the success so far.
    shown = capsys.readouterr().err
    assert re.search(r'2/2 .*a=\d.*generation=\d.*identification=\d.*x=\d', shown)
    provenance = load_model(out).card['provenance']
    assert provenance['seed'] == 0 and provenance['step'] == 2 and provenance['processes'] == 1
    assert len(provenance['commit']) >= 7
    assert main(['evaluate', '--model', str(out), '--scenes', '1', '--json', str(report)]) == 0
    assert set(json.loads(report.read_text())['concepts']) == {'point'}
    assert '| point |' in capsys.readouterr().out


def test_logs_are_what_the_run_was(tmp_path, monkeypatch):
    """A resumed run replaces what was logged after its checkpoint, and leaves no gap."""
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.summary.writer import event_file_writer

    # Files of one second are read in the order of their numbers as text, the tenth before the
    # ninth. How many writers this process had before is the other tests' affair.
    monkeypatch.setattr(event_file_writer, '_global_uid', event_file_writer.AtomicCounter(1))

    with logs.Logs(tmp_path / 'logs', 0) as before:
        for step in (1, 2, 3, 4):
            before.write('loss', step, {'likelihood': -1.0})
    with logs.Logs(tmp_path / 'logs', 2) as after:
        for step in (3, 4, 5):
            after.write('loss', step, {'likelihood': 1.0})
    events = EventAccumulator(str(tmp_path / 'logs')).Reload()
    assert [(e.step, e.value) for e in events.Scalars('loss/likelihood')] == [
        *((1, -1.0), (2, -1.0)),
        *((3, 1.0), (4, 1.0), (5, 1.0)),
    ]

    run = tmp_path / 'run'
    train(small(steps=2), run, device=CPU, report=lambda *_: {'generation': 0.5})
    events = EventAccumulator(str(run / 'logs')).Reload()
    assert {'loss/likelihood', 'loss/kl', 'learning/rate'} <= set(events.Tags()['scalars'])
    assert [e.step for e in events.Scalars('loss/generation_ml')] == [1, 2]
    assert [(e.step, e.value) for e in events.Scalars('success/generation')] == [(2, 0.5)]


def test_without_tensorboard_it_says_so_and_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(logs, 'find_spec', lambda _: None)
    train(small(steps=1), tmp_path, device=CPU)
    assert 'tensorboard is not installed: pip install tensorboard' in capsys.readouterr().err
    assert not (tmp_path / 'logs').exists()


@pytest.fixture
def untrained(tmp_path):
    torch.manual_seed(0)
    chosen = small().preset
    learner = Learner(chosen.model)
    save_model(tmp_path, learner, chosen, {'command': 'none'})
    return tmp_path, learner


def test_a_model_survives_the_disk(untrained):
    directory, learner = untrained
    loaded = load_model(directory)
    for name, value in learner.state_dict().items():
        torch.testing.assert_close(loaded.learner.state_dict()[name], value, rtol=0, atol=0)


def test_damaged_or_foreign_models_are_refused(untrained):
    directory, _ = untrained
    weights, card = directory / 'model.safetensors', directory / 'model.json'
    whole, text = weights.read_bytes(), card.read_text()

    weights.write_bytes(whole[:-7])
    with pytest.raises(ModelError, match='SHA-256'):
        load_model(directory)
    weights.write_bytes(whole)

    card.write_text('{')
    with pytest.raises(ModelError, match='not JSON'):
        load_model(directory)

    card.write_text(text.replace('"hidden": 32', '"hidden": 2'))
    with pytest.raises(ModelError, match='hidden: 2 is refused'):
        load_model(directory)

    card.write_text(text.replace('"hidden": 32', '"hidden": 64'))
    with pytest.raises(ModelError, match='size mismatch'):
        load_model(directory)

    weights.unlink()
    with pytest.raises(ModelError, match='No such file'):
        load_model(directory)
