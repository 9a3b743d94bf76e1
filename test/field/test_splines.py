# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The splines of the field against SciPy's."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, PchipInterpolator

from ebm_concept_ros.field.splines import Bicubic, monotone


@pytest.mark.parametrize('size', [5, 8, 65])
def test_a_bicubic_spline_and_its_derivatives_are_those_of_scipy(size):
    rng = np.random.default_rng(size)
    values, half_width = rng.normal(size=(size, size)), 1.3
    axis = np.linspace(-half_width, half_width, size)
    points = rng.uniform(-half_width, half_width, (200, 2))
    points[:4] = [[-1.3, -1.3], [1.3, 1.3], [axis[2], 0.1], [0.1, axis[3]]]

    def truth(x_order: int, y_order: int) -> np.ndarray:
        along_y = CubicSpline(axis, values, axis=1)
        return np.array([CubicSpline(axis, along_y(y, y_order))(x, x_order) for x, y in points])

    spline = Bicubic(values, half_width)
    value, gradient, hessian = spline.all(points)
    scale = (2 * half_width / size) ** -2 * 1e-12
    np.testing.assert_allclose(value, truth(0, 0), atol=1e-11)
    np.testing.assert_allclose(spline.value(points), value, atol=1e-12)
    x, y = points[:7, 0], points[5:, 1]
    mesh = np.stack(np.meshgrid(x, y, indexing='ij'), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(spline.on_grid(x, y).ravel(), spline.value(mesh), atol=1e-11)
    np.testing.assert_allclose([spline.at(x, y) for x, y in points], value, atol=1e-12)
    np.testing.assert_allclose(gradient, np.stack([truth(1, 0), truth(0, 1)], -1), atol=9 * scale)
    np.testing.assert_allclose(hessian[:, 0, 1], truth(1, 1), atol=99 * scale)
    # A second derivative of a third-order polynomial: at a knot either side's limit is meant.
    np.testing.assert_allclose(hessian[4:, 0, 0], truth(2, 0)[4:], atol=99 * scale)
    np.testing.assert_allclose(hessian[4:, 1, 1], truth(0, 2)[4:], atol=99 * scale)


@pytest.mark.parametrize('count', [2, 3, 4, 30])
@pytest.mark.parametrize('shape', ['rising', 'any'])
def test_the_monotone_curve_is_that_of_scipy(count, shape):
    rng = np.random.default_rng(count)
    for _ in range(20):
        knots, heights = np.cumsum(rng.uniform(0.01, 1.0, count)), rng.normal(size=count)
        if shape == 'rising':
            heights = np.cumsum(np.abs(heights) * (rng.uniform(size=count) < 0.8))
        at = np.concatenate([knots, rng.uniform(knots[0], knots[-1], 50)])
        np.testing.assert_allclose(
            monotone(knots, heights, at), PchipInterpolator(knots, heights)(at), atol=1e-12
        )
