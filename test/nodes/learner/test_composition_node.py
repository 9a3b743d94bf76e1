# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of two concepts over DDS: the arm goes on to the new minimum when the weights change."""

import json
from contextlib import ExitStack

import numpy as np
import pytest
from harness import (
    LOCKSTEP,
    WORKSPACE,
    Probe,
    claim_domain,
    keeping,
    largest_speed,
    running,
    set_simulation_state,
    step_simulation,
    wait_until,
    wait_until_heard,
)
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.types import ComposedConcept, ConceptCodes
from ebm_core.concepts import get_concept

BLUE_M = ((0.35, 0.20), (0.55, 0.10))
RED_M = (0.45, -0.22)
STEPS = 20  # at a time
BETWEEN_M = np.mean(BLUE_M, axis=0)
NORTH_M = np.add(RED_M, (0.0, 0.3 * WORKSPACE.metres_per_unit))


@pytest.fixture
def table(tmp_path):
    """The YAML of two blue entities and a red one; JSON is YAML."""
    entities = [
        {'id': f'{colour}_{number}', 'position_in_base_m': place, 'colour': colour}
        for colour, number, place in (
            ('blue', 0, BLUE_M[0]),
            ('blue', 1, BLUE_M[1]),
            ('red', 0, RED_M),
        )
    ]
    path = tmp_path / 'table.yaml'
    path.write_text(json.dumps({'entities': entities}))
    return path


@pytest.fixture
def probe(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    probe = Probe()
    yield probe
    probe.close()
    lock.close()


def test_weights_that_change_in_mid_motion_send_the_arm_to_the_new_minimum(probe, table, tmp_path):
    """As a user would: demonstrations of both, a composition, and the same with other weights."""
    states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
    statuses = probe.listen(ros.ControllerStatus, 'controller/status', qos.STATUS)
    concepts = probe.listen(ros.Concept, 'concept', qos.LATCHED)
    compositions = probe.publisher(ros.Composition, 'composition', qos.LATCHED, matched=False)

    def weigh(between, north):
        compositions.publish(
            ros.Composition(concepts=['between', 'north'], weights=[float(between), float(north)])
        )

    def effector_m(status):
        return np.array((status.effector_in_base.x, status.effector_in_base.y))

    def minimum_m(status):
        return np.array((status.goal_in_base.x, status.goal_in_base.y))

    def wait_for_arrival(name, place_m=None):
        def arrived():
            if not statuses or statuses[-1].concept != name:
                return False
            last = statuses[-1]
            goal_m = minimum_m(last) if place_m is None else place_m
            return last.state == last.TRACKING and np.linalg.norm(effector_m(last) - goal_m) < 0.02

        wait_until(arrived, f'the arm at the minimum of {name}')
        return statuses[-1]

    def set_out():
        """Let time pass until the arm is on its way."""
        for _ in range(100):
            heard = len(states)
            step_simulation(probe, STEPS)
            wait_until(lambda heard=heard: len(states) >= heard + STEPS, 'all of the steps')
            if largest_speed(states, heard) > 0.2:
                return
        pytest.fail('the arm has not set out')

    simulator = LOCKSTEP['simulator'] | keeping('joint_states')
    weigh(1, 0)
    with (
        running('simulator', tmp_path, scene_file=table, **simulator),
        running('controller', tmp_path, **LOCKSTEP['controller']),
        running('concept_learner', tmp_path),
        ExitStack() as demonstrators,
    ):
        wait_until_heard(states, statuses)
        set_simulation_state(probe, ros.SimulationState.STATE_PAUSED)
        for shown in ({'concept': 'between'}, {'concept': 'north', 'reference_colour': 'red'}):
            demonstrators.enter_context(running('demonstrator', tmp_path, **shown))
        wait_until(lambda: concepts and concepts[-1].name == '1 between + 0 north', 'the sum')
        set_out()
        weigh(0, 1)
        wait_until(lambda: concepts[-1].name == '0 between + 1 north', 'the other weights')
        set_simulation_state(probe, ros.SimulationState.STATE_PLAYING)
        status = wait_for_arrival('0 between + 1 north', NORTH_M)
        went_m = [effector_m(s) for s in statuses if s.concept == '1 between + 0 north']
        assert np.linalg.norm(went_m - BETWEEN_M, axis=1).min() > 0.02, 'it was not there yet'
        attended = {n for n, a in zip(status.entity_ids, status.attention, strict=True) if a > 0.5}
        assert attended - {'end_effector'} == {'red_0'}

        weigh(1, 0)
        wait_for_arrival('1 between + 0 north', BETWEEN_M)
        weigh(1, 1)
        status = wait_for_arrival('1 between + 1 north')
        attended = {n for n, a in zip(status.entity_ids, status.attention, strict=True) if a > 0.5}
        assert attended - {'end_effector'} == {'blue_0', 'blue_1', 'red_0'}


def test_weights_that_make_no_sense_leave_the_controller_with_the_former(probe, table, tmp_path):
    """The controller checks what reaches it, whoever published it."""
    model = load_weights('')
    rng = np.random.default_rng(1)
    terms = []
    for name, colour in (('between', 'blue'), ('north', 'red')):
        shown = get_concept(name).demonstrations(rng, 5, colour)
        inferred = model.infer(shown)
        terms.append(ConceptCodes(name, inferred.action_code, inferred.argument_code, model.sha256))
    concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
    statuses = probe.listen(ros.ControllerStatus, 'controller/status', qos.STATUS)

    def message(*weights):
        return cv.concept_to_message(ComposedConcept(f'sum {weights}', tuple(terms), weights))

    concepts.publish(message(1.0, 1.0))
    with running('simulator', tmp_path), running('controller', tmp_path):
        wait_until(lambda: statuses and statuses[-1].state == statuses[-1].TRACKING, 'tracking')
        for weights, text in (
            ((float('nan'), 1.0), 'concept.terms[0].weight: nan'),
            ((1.0, -2.0), 'concept.terms[1].weight: -2.0'),
            ((0.0, 0.0), 'all are 0'),
        ):
            concepts.publish(message(*weights))
            probe.wait_for_report('controller: concept: refused', text)
        heard = len(statuses)
        wait_until(lambda: len(statuses) > heard + 5, 'more of its status')
        assert statuses[-1].concept == 'sum (1.0, 1.0)'
