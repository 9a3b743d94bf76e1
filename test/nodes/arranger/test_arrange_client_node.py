# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The client with an arranger in place of the controller: taught, arranged and refused."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from harness import claim_domain, running

import ebm_concept_ros.msg as ros
from ebm_concept_ros.client.concept_arm import ConceptArm, Refused

ROOT = Path(__file__).parents[3]
PATIENCE_S = 300.0
NAME = 'in the middle'


@pytest.fixture
def elsewhere(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    yield
    lock.close()


def test_what_the_demo_teaches_is_arranged(tmp_path, elsewhere):
    table = ROOT / 'examples' / 'table_of_blocks.yaml'
    lockstep = {'lockstep': True}
    simulator = {'hand': 'jaco', 'scene_rate': 50.0, 'scene_file': table}
    with ExitStack() as nodes:
        for name, parameters in (
            ('simulator', simulator | lockstep | {'rate': 250.0}),
            ('concept_learner', {}),
            ('arranger', lockstep | {'state_rate': 250.0}),
        ):
            nodes.enter_context(running(name, tmp_path, **parameters))
        out, errors = tmp_path / 'demo.out', tmp_path / 'demo.errors'
        example = str(ROOT / 'examples' / 'demo_arrange.py')
        status = Forked([example], out, errors).wait(600)
        said = out.read_text()
        assert status == 0, said + errors.read_text()
        *stages, end = said.splitlines()
        assert f'{NAME}: carry red_0, move 1 of 1' in stages
        assert end == f'{NAME}: arranged, 1 moved; red_0'
        arm = nodes.enter_context(ConceptArm(PATIENCE_S))
        at = next(e.pose.position for e in arm.scene().entities if e.id == 'red_0')
        assert np.hypot(at.x - 0.485, at.y - 0.12) < 0.005, 'it is between the blue ones'
        arm.arrange(NAME)
        holds = arm.wait(PATIENCE_S)
        assert (holds.reached, holds.reason, holds.moved) == (True, f'{NAME}: holds already', ())
        for concept in ('nobody', {NAME: 1.0, 'nobody': 0.5}):
            with pytest.raises(Refused, match="'nobody' is not known"):
                arm.arrange(concept)
        with pytest.raises(Refused, match='what drives the arm is the arranger'):
            arm.enact(NAME)
        assert arm.status().state == ros.ControllerStatus.HOLDING


def test_where_no_arranger_comes_it_says_who_drives_the_arm(tmp_path, elsewhere):
    with running('controller', tmp_path), ConceptArm(PATIENCE_S) as arm:
        with pytest.raises(Refused, match='no arranger is there, what drives the arm is the cont'):
            arm.arrange(NAME)
        assert arm.cancel().startswith('stopped'), 'the controller was told'
