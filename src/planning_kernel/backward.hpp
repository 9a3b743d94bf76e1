// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A step of the backward pass and its box-limited quadratic programme, as planning/ilqg.py and
// planning/box_qp.py have them, which is what the tests hold this against.
#pragma once

namespace planning
{

// Minimise 1/2 u'Hu + g'u within low <= u <= high. hessian: (n, n) H. right: (n, 1 + m), g and then
// C of a gradient g + C x. out: (n, 1 + m), u and then its gain du/dx. False: H is not positive.
bool solve_box_qp(
  int n, int m, const double * hessian, const double * right, const double * low, const double * high,
  double * out);

// The second-order model of what a knot costs, of a step, and of what is to come.
struct Step
{
  int n;
  double step_s;
  const double * velocity;  // (n, 3n): next velocities by state and torque
  const double * state;  // (2n,), gradient of the knot's own cost
  const double * state_hessian;  // (2n, 2n)
  const double * effort;  // (n,)
  const double * effort_hessian;  // (n,), the diagonal, with regularisation
  const double * low;  // (n,) N m, how far down torques may go
  const double * high;
};

// Takes value (2n,) and its hessian (2n, 2n) from the next knot to this one. step_and_gain: (n, 1 +
// 2n). False where the model is not convex.
bool step_back(const Step & step, double * value, double * hessian, double * step_and_gain);

}  // namespace planning
