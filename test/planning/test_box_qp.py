# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The box-limited quadratic programme against its optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_concept_ros.planning.box_qp import NotConvex, solve_box_qp


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.1, 1.0, 10.0, 100.0]))
@settings(max_examples=200)
def test_solution_meets_the_optimality_conditions(seed, scale):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(8, 6))
    hessian = root.T @ root + 1e-2 * np.eye(6)
    right = scale * rng.normal(size=(6, 13))
    low, high = -rng.uniform(0.1, 2.0, 6), rng.uniform(0.1, 2.0, 6)
    out = solve_box_qp(hessian, right, low, high)
    u, gain = out[:, 0], out[:, 1:]
    assert ((u >= low) & (u <= high)).all()
    slope = right[:, 0] + hessian @ u
    at_low, at_high = u <= low, u >= high
    free = ~(at_low | at_high)
    tolerance = 1e-6 * scale
    assert (slope[at_low] > -tolerance).all()
    assert (slope[at_high] < tolerance).all()
    assert (np.abs(slope[free]) < tolerance).all()
    assert (gain[~free] == 0.0).all(), 'a limited torque does not answer to the state'
    np.testing.assert_allclose(
        hessian[np.ix_(free, free)] @ gain[free], -right[free, 1:], atol=1e-6 * scale
    )


def test_a_hessian_that_is_not_convex_is_refused():
    with pytest.raises(NotConvex):
        solve_box_qp(-np.eye(2), np.ones((2, 3)), -np.ones(2), np.ones(2))
