# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the page looks up of other nodes, whose answers may be lost."""

import asyncio

from harness import PATIENCE_S, Probe, claim_domain, forgetful_server

import ebm_concept_ros.srv as srv
from ebm_concept_ros.nodes.page_calls import PageCalls


def test_what_changes_nothing_is_asked_again_where_the_answer_is_lost(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    service, probe = 'concept_learner/list_concepts', Probe()

    async def look_up():
        calls = PageCalls(probe.node, asyncio.get_running_loop(), PATIENCE_S)
        calls.offer({service: srv.ListConcepts})
        return await calls.look_up(service)

    answer = srv.ListConcepts.Response(success=True, damaged=['one'])
    try:
        with lock, forgetful_server(srv.ListConcepts, service, answer) as asked:
            assert asyncio.run(look_up()).damaged == ['one']
        assert len(asked) >= 2
    finally:
        probe.close()
