# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The model the package ships, loaded once."""

from pathlib import Path

import pytest
import torch

from ebm_core.relational.model import load_model

MODEL = Path(__file__).parents[2] / 'models' / 'placement'


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='session')
def model():
    return load_model(MODEL)
