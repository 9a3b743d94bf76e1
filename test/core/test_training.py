"""Training: it learns, resumes exactly, and leaves no half-written file."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from ebm_core import training
from ebm_core.__main__ import main
from ebm_core.checkpoint import FILE, write_atomically
from ebm_core.config import preset
from ebm_core.events import sample_placements
from ebm_core.events.placement import generation_events, identification_events
from ebm_core.model import ModelError, load_model, save_model
from ebm_core.objective import losses
from ebm_core.scene import InvalidInput
from ebm_core.training import Learner, train

CPU = torch.device('cpu')


def tiny(**changes):
    values = {'steps': 12, 'checkpoint_every': 6, 'concepts': 4, **changes}
    return preset('tiny', **values)


def test_learns_within_a_minute(tmp_path):
    """The likelihood of what was shown rises well above that of an untrained energy."""
    chosen = preset('tiny', steps=80, concepts=16)

    def held_out(learner):
        rng = np.random.default_rng(99)
        torch.manual_seed(99)
        concepts = sample_placements(rng, 32)
        with torch.no_grad():
            return losses(
                learner.energy,
                learner.sampler,
                generation_events(concepts, rng.integers(6, size=32), 7, rng),
                identification_events(concepts, 2, rng),
                5,
                kl_weight=0.0,
                positive_weight=0.0,
            )

    torch.manual_seed(0)
    before = held_out(Learner(chosen))
    learner, _ = train(chosen, tmp_path, device=CPU)
    after = held_out(learner)
    assert after.generation_ml < 0.8 * before.generation_ml
    assert after.identification_ml < 0.8 * before.identification_ml


def test_resumed_run_continues_exactly(tmp_path, monkeypatch):
    """Through the command line, whose progress report draws random numbers of its own."""
    sizes = ['--set', 'steps=12', '--set', 'checkpoint_every=6', '--set', 'concepts=4']
    command = ['train', '--preset', 'tiny', '--scenes', '5', *sizes, '--output']
    assert main([*command, str(tmp_path / 'whole')]) == 0

    class Stopped(Exception):
        pass

    step = training.train_step

    def stop(learner, optimizer, chosen, index, rng):
        if index == 8:  # after a checkpoint, before the next
            raise Stopped
        return step(learner, optimizer, chosen, index, rng)

    monkeypatch.setattr(training, 'train_step', stop)
    with pytest.raises(Stopped):
        main([*command, str(tmp_path / 'parts')])
    monkeypatch.undo()
    assert main([*command, str(tmp_path / 'parts')]) == 0

    whole, resumed = (load_model(tmp_path / name) for name in ('whole', 'parts'))
    assert resumed.card['provenance']['resumed_at_step'] == 6
    assert resumed.sha256 == whole.sha256


def test_another_configurations_checkpoint_is_refused(tmp_path):
    train(tiny(), tmp_path, device=CPU)
    with pytest.raises(InvalidInput, match='another configuration'):
        train(tiny(concepts=5), tmp_path, device=CPU)


def test_damaged_checkpoint_is_refused(tmp_path):
    train(tiny(), tmp_path, device=CPU)
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InvalidInput, match='not a readable checkpoint'):
        train(tiny(), tmp_path, device=CPU)


def test_killed_run_leaves_a_whole_checkpoint(tmp_path):
    """SIGKILL while checkpoints are written as fast as can be: what is there loads."""
    command = [
        *(sys.executable, '-m', 'ebm_core', 'train', '--preset', 'tiny', '--threads', '1'),
        *('--output', str(tmp_path), '--set', 'steps=100000', '--set', 'checkpoint_every=1'),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    shown = ''
    while ' 3/100000' not in shown:
        chunk = process.stderr.read(64)
        assert chunk, f'training ended by itself: {shown}'
        shown += chunk
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with safe_open(tmp_path / FILE, 'pt') as file:
        assert json.loads(file.metadata()['progress'])['step'] >= 1


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / 'file'
    write_atomically(target, b'old')
    with pytest.raises(TypeError):
        write_atomically(target, 'not bytes')

    def refuse(*_):
        raise OSError('no space left on device')

    monkeypatch.setattr('os.fsync', refuse)
    with pytest.raises(OSError, match='no space'):
        write_atomically(target, b'new, and longer')
    assert target.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == ['file']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['train', '--preset', 'huge'], "'huge' is unknown; known are placement, tiny"),
        (['train', '--set', 'stepz=3'], 'stepz: unknown key; known are steps'),
        (['train', '--set', 'steps=-1'], "steps: '-1' is refused: .*greater than or equal to 1"),
        (['train', '--set', 'steps'], 'is not KEY=VALUE'),
        (['evaluate', '--model', 'nowhere'], 'nowhere/model.json: No such file'),
    ],
)
def test_command_line_names_what_is_wrong(arguments, message, capsys):
    assert main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)


def test_command_line_trains_and_evaluates(tmp_path, capsys):
    out, report = tmp_path / 'model', tmp_path / 'report.json'
    sizes = ['--set', 'steps=2', '--set', 'concepts=2', '--scenes', '5']
    assert main(['train', '--preset', 'tiny', '--output', str(out), *sizes]) == 0
    model = load_model(out)
    provenance = model.card['provenance']
    assert provenance['seed'] == 0 and provenance['step'] == 2
    assert len(provenance['commit']) >= 7
    assert main(['evaluate', '--model', str(out), '--scenes', '5', '--json', str(report)]) == 0
    assert set(json.loads(report.read_text())['concepts']) >= {'point', 'between', 'north'}
    assert '| between |' in capsys.readouterr().out


@pytest.fixture
def untrained(tmp_path):
    torch.manual_seed(0)
    chosen = tiny()
    learner = Learner(chosen)
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
