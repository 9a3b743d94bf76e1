# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Processes that share a measurement find what one finds, number by number."""

import json

from processes import end, start_together

from ebm_core import load_model
from ebm_core.evaluation.composition import evaluate_compositions
from ebm_core.evaluation.contexts import evaluate
from ebm_core.evaluation.open import Conditions, evaluate_open
from ebm_core.evaluation.open.sums import evaluate_open_sums
from ebm_core.evaluation.sharing import ALONE


def measured(processes=ALONE):
    """Return the numbers of all commands that share their work, of very few scenes."""
    model = load_model()
    how = {'scenes': 2, 'seed': 4, 'processes': processes}
    result = evaluate_open(model, Conditions(), only=['halfway'], **how)
    result.pop('times_ms', None)
    return {
        'open': result,
        'named': evaluate(model, ('one', 'red'), **how),
        'sums': evaluate_compositions(model, only=['between + north'], **how),
        'open sums': evaluate_open_sums(model, only=['halfway'], **how),
    }


def in_a_process(processes, folder):
    """Leave the numbers of one of several processes in a file."""
    (folder / f'{processes.rank}.json').write_text(json.dumps(measured(processes)))


def test_two_processes_find_the_numbers_of_one(tmp_path):
    assert end(start_together(2, in_a_process, tmp_path)) == [0, 0]
    alone = json.loads(json.dumps(measured()))
    assert sum(len(rows) for rows in alone.values()) > 6
    for rank in (0, 1):
        assert json.loads((tmp_path / f'{rank}.json').read_text()) == alone
