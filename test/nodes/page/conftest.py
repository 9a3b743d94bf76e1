# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One launched system and one browser, for all tests of the page that drive it with a mouse."""

from contextlib import ExitStack

import pytest
from teaching import Teaching


@pytest.fixture(scope='session')
def teaching(tmp_path_factory):
    with ExitStack() as stack:
        yield Teaching(stack, tmp_path_factory.mktemp('page'))


@pytest.fixture(scope='session')
def page(teaching):
    page = teaching.open()
    page.wait(lambda: 'Waiting' not in page.state['why_not'], 'all nodes')
    yield page
    assert page.errors == []
