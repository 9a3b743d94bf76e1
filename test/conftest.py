# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every folder of tests has a ROS domain of its own; without ROS, what needs it is left out."""

import os
import sys
from contextlib import ExitStack
from importlib.util import find_spec

import pytest
from domains import claim_domain
from hypothesis import HealthCheck, settings

# The same examples in every run, and as long as it takes on a machine that is busy.
settings.register_profile(
    'repeatable',
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile('repeatable')

os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


class _Domain:
    """The domain of the folder whose tests run: whoever was killed counts in it for 20 s more."""

    def __init__(self) -> None:
        self._folder = self._lock = None

    def of(self, folder):
        if folder != self._folder:
            if self._lock is not None:
                self._lock.close()
            domain, self._lock = claim_domain()
            self._folder = folder
            os.environ['ROS_DOMAIN_ID'] = str(domain)


_domain = _Domain()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    _domain.of(item.path.parent)
    # Training flushes denormal numbers to zero, which hypothesis does not stand.
    if 'torch' in sys.modules:
        sys.modules['torch'].set_flush_denormal(False)


if find_spec('rclpy') is None:
    collect_ignore_glob = [
        'bags/*',
        'conversions/*',
        'nodes/*',
        'control/test_tracking_controller.py',
        'lane/test_examples.py',
        'lane/test_launch_reach.py',
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Let the failure of a test with nodes say what they said last: their logs are not kept."""
    report = yield
    harness = sys.modules.get('harness')
    if report.failed and harness is not None and hasattr(report.longrepr, 'addsection'):
        report.longrepr.addsection('said last by nodes', harness.last_words())
    return report


@pytest.fixture
def run(tmp_path):
    """Return a simulator and a controller in a domain of their own, with untrained weights."""
    from faults import Run
    from harness import untrained_weights

    with ExitStack() as nodes:
        yield Run(nodes, tmp_path, untrained_weights(tmp_path / 'weights'))
