# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags are streamed."""

import json

from benchmarks import bags


def test_memory_for_a_bag_does_not_grow_with_its_messages(tmp_path):
    bags.main(['--messages', '1000', '20000', '--json', str(tmp_path / 'bags.json')])
    few, many = json.loads((tmp_path / 'bags.json').read_text())
    assert many['size_mib'] > 15 * few['size_mib']
    for key in ('write_mib', 'read_mib'):
        assert many[key] < few[key] + 15
    assert few['write_s'] > 0 and few['read_s'] > 0
