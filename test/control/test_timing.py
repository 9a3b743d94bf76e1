# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When torques and plans came: what is kept of it, and the numbers it amounts to."""

import numpy as np
import pytest

from ebm_concept_ros.control.timing import Timing, TimingRecord, timing_numbers

NONE = np.empty((0, 2))


def times(due, late):
    due = np.asarray(due, float)
    return np.stack([due, due + late], axis=1)


def test_the_newest_are_kept_in_order():
    timing = Timing(keep=4)
    assert timing.record().torques.shape == (0, 2)
    for number in range(10):
        timing.torque(number, number + 0.5)
    timing.plan(3.0, 4.0)
    record = timing.record()
    np.testing.assert_array_equal(record.torques, times([6, 7, 8, 9], 0.5))
    np.testing.assert_array_equal(record.plans, [[3.0, 4.0]])
    recent = record.since(8.0)
    np.testing.assert_array_equal(recent.torques, times([8, 9], 0.5))
    assert recent.plans.shape == (0, 2)
    newest = timing.record(newest=3)
    np.testing.assert_array_equal(newest.torques, times([7, 8, 9], 0.5))
    np.testing.assert_array_equal(newest.plans, record.plans)


def test_the_numbers_of_known_times():
    late = np.full(100, 0.0002)
    late[-1] = 0.003
    due = 5.0 + 0.002 * np.arange(103)
    due = np.delete(due, [10, 50, 51])  # three deadlines went by without a torque
    plans = times(5.0 + 0.01 * np.arange(21), 0.004)
    one = TimingRecord(times(due, late), plans)
    numbers = timing_numbers([one], 0.002)
    assert numbers['missed_deadlines'] == 3
    assert numbers['lateness_s_p50'] == pytest.approx(0.0002)
    assert numbers['lateness_s_max'] == pytest.approx(0.003)
    assert numbers['replan_rate_hz'] == pytest.approx(100.0)
    assert numbers['torque_rate_hz'] == pytest.approx(99 / (102 * 0.002 + 0.0028))
    assert [numbers[f'plan_time_s_{q}'] for q in ('median', 'p95', 'p99')] == pytest.approx(
        [0.004] * 3
    )
    # Nothing is missed between two runs, nor counts for the rates.
    later = TimingRecord(one.torques + 1000.0, one.plans + 1000.0)
    both = timing_numbers([one, later], 0.002)
    assert both['missed_deadlines'] == 6
    assert both['replan_rate_hz'] == pytest.approx(100.0)


def test_what_nobody_measured_is_not_known():
    for records in ([], [TimingRecord(NONE, NONE)]):
        numbers = timing_numbers(records, 0.002)
        assert numbers.pop('missed_deadlines') == 0
        assert set(numbers.values()) == {None}
