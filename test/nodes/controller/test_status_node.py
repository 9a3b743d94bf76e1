# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller says it does: status and diagnostics tell the same story, whole."""

import signal
from itertools import groupby

import numpy as np
from faults import Status
from harness import wait_until

from ebm_concept_ros.nodes.controller_reports import LEVELS as LEVELS_OF_MODES
from ebm_concept_ros.nodes.controller_setup import ControllerParameters

LEVELS = {int(mode): level for mode, level in LEVELS_OF_MODES.items()}


def without_repetitions(items):
    return [item for item, _ in groupby(items)]


def test_every_state_and_reason_is_in_a_status_and_on_diagnostics_in_the_same_order(run):
    slowest = ControllerParameters.model_fields['status_rate'].metadata[0].ge
    run.start_controller(status_rate=slowest)
    run.probe.meet('controller')
    run.wait_for_status(Status.WAITING, 'no concept')
    for seed in range(3):
        name = run.publish_concept(seed)
        run.wait_for_status(Status.TRACKING, concept=name)
        run.publish_concept(seed + 10, understanding=(0.4, 0.5))
        run.wait_for_status(Status.FAULT, 'is not understood')
    run.simulator.send(signal.SIGKILL)
    run.simulator.end()
    run.wait_for_status(Status.HOLDING, 'joint state is older')

    def said():
        # What is said while it is inactive has other words on /diagnostics.
        statuses = [(LEVELS[s.state], s.reason) for s in list(run.statuses)]
        reports = [
            (status.level[0], status.message)
            for array in list(run.probe.diagnostics)
            for status in array.status
            if status.name == 'controller: state'
        ]
        first = statuses.index((LEVELS[Status.TRACKING], 'enacting concept_0'))
        second = reports.index((LEVELS[Status.TRACKING], 'enacting concept_0'))
        return without_repetitions(statuses[first:]), without_repetitions(reports[second:])

    wait_until(lambda: len(set(map(len, said()))) == 1, 'as many reports as statuses')
    statuses, reports = said()
    assert statuses == reports
    assert len(statuses) >= 7
    assert np.diff([s.missed_deadlines for s in run.statuses]).min() >= 0
