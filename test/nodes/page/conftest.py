# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One launched system and one browser, for all tests of the page that drive it with a mouse."""

from contextlib import ExitStack

import pytest
from teaching import Teaching

_opened = ExitStack()


@pytest.fixture(scope='session')
def teaching(tmp_path_factory):
    return Teaching(_opened, tmp_path_factory.mktemp('page'))


@pytest.fixture(scope='session')
def page(teaching):
    page = teaching.open()
    page.wait(lambda: 'Waiting' not in page.state['why_not'] and 'live' in page.last, 'all nodes')
    teaching.pause()
    yield page
    assert page.errors == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """End it after the last test of this folder: a browser's loop is in the way of other loops."""
    try:
        return (yield)  # what the test itself has to put back needs the nodes
    finally:
        if nextitem is None or nextitem.path.parent != item.path.parent:
            _opened.close()
