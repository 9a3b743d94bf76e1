# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `arrangement_referee` over DDS, before an arranger that the test plays."""

import json
from contextlib import closing

from harness import Probe, running
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionServer

import ebm_concept_ros.msg as ros
from ebm_concept_ros.action import ArrangeConcept
from ebm_concept_ros.nodes.managed_peer import ACTIVE, INACTIVE
from ebm_concept_ros.nodes.runtime import qos


def test_it_asks_as_soon_as_the_arranger_is_active_and_no_sooner(tmp_path):
    told, goals = [], []

    def respond(_, response):
        told.append(ACTIVE if len(told) >= 3 else INACTIVE)
        response.current_state.id = told[-1]
        return response

    def execute(handle):
        goals.append((tuple(handle.request.concepts), told[-1]))
        handle.abort()
        return ArrangeConcept.Result(message='the test does nothing')

    with closing(Probe()) as probe:
        probe.node.create_service(GetState, 'arranger/get_state', respond)
        server = ActionServer(probe.node, ArrangeConcept, 'arranger/arrange', execute)
        concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
        concepts.publish(ros.Concept(name='square'))
        given = {'out_dir': tmp_path, 'render': False}
        with (
            running('simulator', tmp_path, hand='jaco', scene_rate=50.0),
            running('arrangement_referee', tmp_path, **given) as referee,
        ):
            status, out = referee.end()
        server.destroy()
    assert goals == [(('square',), ACTIVE)] and told[0] == INACTIVE
    assert (status, json.loads(out)['reason']) == (1, 'the test does nothing')
