# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Entities that appear and vanish on the topic while the arm moves, over DDS."""

import copy

import numpy as np
import pytest
from harness import (
    WORKSPACE,
    Probe,
    claim_domain,
    largest_speed,
    running,
    wait_until,
    wait_until_heard,
)
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.types import ConceptCodes
from ebm_core.concepts import get_concept

Status = ros.ControllerStatus


@pytest.fixture
def probe(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    probe = Probe()
    yield probe
    probe.close()
    lock.close()


class Camera:
    """Passes the simulator's scenes on, without whom it does not see, and with whom it imagines."""

    def __init__(self, probe):
        self.hidden, self.imagined = set(), []
        self._publisher = probe.publisher(ros.Scene, 'scene', qos.LATCHED, matched=False)
        probe.node.create_subscription(ros.Scene, 'true_scene', self._pass_on, qos.LATCHED)

    def _pass_on(self, scene):
        self.true = scene
        seen = copy.deepcopy(scene)
        seen.entities = [*self.imagined, *(e for e in seen.entities if e.id not in self.hidden)]
        self._publisher.publish(seen)


def north():
    model = load_weights('')
    inferred = model.infer(get_concept('north').demonstrations(np.random.default_rng(1), 5, 'blue'))
    return cv.concept_to_message(
        ConceptCodes('north', inferred.action_code, inferred.argument_code, model.sha256)
    )


def test_a_reference_that_vanishes_is_waited_for_and_others_are_not(probe, tmp_path):
    camera = Camera(probe)
    states = probe.listen(JointState, 'joint_states', qos.JOINT_STATES_LOCKSTEP)
    statuses = probe.listen(Status, 'controller/status', qos.STATUS)
    concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)

    def wait_for(condition, what):
        wait_until(lambda: statuses and condition(statuses[-1]), what)

    def speed():
        return np.abs(states[-1].velocity).max()

    with (
        running(
            'simulator', tmp_path, remap={'scene': 'true_scene'}, lockstep=True,
            concept='north', scene_seed=3, scene_rate='25.0',
        ),
        running('controller', tmp_path, lockstep=True),
    ):  # fmt: skip
        wait_until_heard(states, statuses)
        concepts.publish(north())
        wait_for(lambda s: s.state == s.TRACKING, 'tracking')
        wait_until(lambda: largest_speed(states) > 0.1, 'motion')
        blue = next(e for e in camera.true.entities if e.id == 'blue_0').pose.position

        camera.hidden = {'blue_0'}
        reason = 'north: waits for blue_0 to return'
        wait_for(lambda s: s.state == s.HOLDING and s.reason == reason, 'the hold')
        wait_until(lambda: speed() < 0.02, 'rest')
        probe.wait_for_report('controller: target', 'waits for blue_0 to return')

        newcomer = ros.Entity(id='new', shape=ros.Entity.SQUARE)
        newcomer.colour.r = 0.9
        newcomer.pose.position.x, newcomer.pose.position.y = 0.6, 0.0
        camera.hidden, camera.imagined = set(), [newcomer]
        wait_for(
            lambda s: 'new' in s.entity_ids and s.state == s.TRACKING, 'a plan with the newcomer'
        )

        goal_m = np.array((blue.x, blue.y + 0.3 * WORKSPACE.metres_per_unit))

        def arrived(status):
            place = status.effector_in_base
            return np.linalg.norm(goal_m - (place.x, place.y)) < 0.02

        camera.imagined = []
        wait_for(lambda s: 'new' not in s.entity_ids, 'the scene without the newcomer')
        wait_for(lambda s: arrived(s) and s.state == s.TRACKING, 'the arm north of the blue one')
