# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The client over DDS: what is taught through it is enacted after everything was restarted."""

import inspect
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from harness import LOCKSTEP, WORKSPACE, claim_domain, forgetful_server, running

import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.client.concept_arm import ConceptArm, Refused
from ebm_core import get_concept

ROOT = Path(__file__).parents[3]
PATIENCE_S = 300.0
NAME = 'in the middle'


@pytest.fixture
def elsewhere(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    yield
    lock.close()


def table(folder):
    """Two blue ones between which there is room, and a red one aside."""
    path = folder / 'table.yaml'
    path.write_text(
        'entities:\n'
        '- {id: blue_0, position_in_base_m: [0.4, 0.2], colour: blue}\n'
        '- {id: blue_1, position_in_base_m: [0.5, -0.1], colour: blue}\n'
        '- {id: red_0, position_in_base_m: [0.6, 0.2], colour: red}\n'
    )
    return path


class Example:
    """What an example of the package printed, and its status."""

    def __init__(self, name, folder):
        out, errors = (folder / f'{name}.{kind}' for kind in ('out', 'errors'))
        # Forked, as the nodes are: while it would import, the nodes in lockstep race on.
        self.returncode = Forked([str(ROOT / 'examples' / name)], out, errors).wait(600)
        self.stdout, self.stderr = out.read_text(), errors.read_text()


def test_what_the_demo_teaches_is_enacted_after_every_node_was_restarted(tmp_path, elsewhere):
    def started(nodes):
        simulator = {'scene_file': table(tmp_path), **LOCKSTEP['simulator']}
        for name, parameters in (
            ('simulator', simulator),
            ('controller', LOCKSTEP['controller']),
            ('concept_learner', {'library_dir': tmp_path / 'library'}),
        ):
            nodes.enter_context(running(name, tmp_path, **parameters))

    with ExitStack() as nodes:
        started(nodes)
        demo = Example('demo_concept_arm.py', tmp_path)
        assert demo.returncode == 0, demo.stdout + demo.stderr
        undone, saved, resumed, reached = demo.stdout.splitlines()
        assert undone == f'{NAME}: 2 of 5' and str(tmp_path / 'library') in saved
        assert resumed == 'goes on from the measured state'
        assert int(re.search(r'reached, (\d+) mm', reached)[1]) <= 20

    with ExitStack() as nodes:
        started(nodes)
        arm = nodes.enter_context(ConceptArm(PATIENCE_S))
        (known,) = arm.concepts()
        assert known.name == NAME and known.is_saved and known.demonstrations == 5
        with pytest.raises(Refused, match="'nobody' is not in"):
            arm.enact('nobody')
        with pytest.raises(Refused, match=r'weights\[0\]: nan is not within'):
            arm.enact({NAME: np.nan})
        saved = Example('demo_enact_saved.py', tmp_path)
        assert saved.stdout.startswith(f'True {NAME}: reached'), saved.stdout + saved.stderr
        at = arm.status().effector_in_base
        assert np.hypot(at.x - 0.45, at.y - 0.05) < 0.03, 'it is between the blue ones'
        arm.enact(NAME)
        arm.cancel()
        cancelled = arm.wait(PATIENCE_S)
        assert (cancelled.reached, cancelled.reason) == (False, 'cancelled')
        with pytest.raises(Refused, match='cancelled'):
            arm.resume()
        assert arm.cancel().startswith('stopped'), 'nothing is left to be cancelled'
        scene, after = cv.demonstration_to_message(
            'any', get_concept('between').demonstrations(np.random.default_rng(5), 1)[0], WORKSPACE
        ).states
        satisfied, energy, distance_m = arm.satisfied(NAME, after)
        assert satisfied and distance_m <= 0.02 and energy < arm.satisfied(NAME, scene)[1]
        assert not arm.satisfied(NAME, scene)[0]
        attention = arm.identify(NAME, scene)
        assert len(attention) == len(scene.entities) and sum(attention.values()) >= 2
        assert len(arm.generate(NAME, scene).entities) == len(scene.entities)
        arm.delete(NAME)
        assert arm.concepts() == []
        quick = Example('demo_quick_start.py', tmp_path)
        assert quick.stdout.startswith('Outcome(reached=True'), quick.stdout + quick.stderr
        contradiction = Example('demo_contradiction.py', tmp_path)
        assert contradiction.returncode == 0, contradiction.stdout + contradiction.stderr
        assert 'not understood' in contradiction.stdout


def test_without_nodes_it_says_whom_it_waited_for(elsewhere):
    with ConceptArm(timeout_s=0.3) as arm:
        with pytest.raises(TimeoutError, match=r'waited 0\.3 s for the action .*enact'):
            arm.enact('between')
        with pytest.raises(Refused, match='nothing was asked for'):
            arm.wait()


def test_what_changes_nothing_is_asked_again_where_the_answer_is_lost(elsewhere):
    answer = srv.ListConcepts.Response(success=True)
    with (
        forgetful_server(srv.ListConcepts, 'concept_learner/list_concepts', answer) as asked,
        ConceptArm(timeout_s=60.0) as arm,
    ):
        assert arm.concepts() == []
    assert len(asked) >= 2


def test_the_page_has_a_row_for_each_method():
    page = (ROOT / 'docs' / 'client.md').read_text()
    methods = {
        name
        for name, _ in inspect.getmembers(ConceptArm, inspect.isfunction)
        if not name.startswith('_')
    }
    assert set(re.findall(r'^\| `(\w+)\(', page, re.MULTILINE)) == methods


def test_three_concepts_that_nobody_trained_are_taught_and_enacted(tmp_path, elsewhere):
    on_table = {'scene_file': ROOT / 'examples' / 'table_of_four.yaml'}
    weights = {'model_dir': ROOT / 'models' / 'open'}
    with ExitStack() as nodes:
        for name, parameters in (
            ('simulator', on_table | LOCKSTEP['simulator']),
            ('controller', weights | LOCKSTEP['controller']),
            ('concept_learner', weights),
        ):
            nodes.enter_context(running(name, tmp_path, **parameters))
        taught = Example('own_concepts.py', tmp_path)
    assert taught.returncode == 0, taught.stdout + taught.stderr
    assert len(re.findall(r'reached; \d+ mm from what was meant', taught.stdout)) == 3
