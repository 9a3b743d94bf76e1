# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One simulator and one controller for most tests of a module: they must come through all of it."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from faults import Run
from harness import untrained_weights


@pytest.fixture(scope='module')
def lasting(tmp_path_factory):
    """Return a `Run`, and its controller, whose planner does what a file says."""
    folder = tmp_path_factory.mktemp('lasting')
    with ExitStack() as nodes:
        run = Run(nodes, folder, untrained_weights(folder / 'weights'))
        yield run, run.start_controller(Path(__file__).with_name('faulty_controller.py'))


@pytest.fixture
def lasting_run(lasting):
    """Return the `Run`, which has forgotten the test before."""
    run, controller = lasting
    run.forget()
    yield run
    run.fault.unlink(missing_ok=True)
    assert run.simulator.is_running() and controller.is_running()
