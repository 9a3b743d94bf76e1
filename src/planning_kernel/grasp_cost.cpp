// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "grasp_cost.hpp"

#include <algorithm>
#include <cmath>

#include "arm.hpp"

namespace planning
{
namespace
{

// Returns the square of how far the hand is off, (3,) m, at its knot.
double away_from(const HandReference & goal, const Knot & knot, double * away)
{
  double total = 0.0;
  for (int d = 0; d < 3; d++) {
    away[d] = knot.site[d] - goal.places[3 * knot.index + d];
    total += square(away[d]);
  }
  return total;
}

}  // namespace

double cost_of(const GraspCost & cost, const HandReference & goal, int n, const Knot & knot)
{
  double away[3], askew = 0.0;
  const double distance = away_from(goal, knot, away);
  for (int d = 0; d < 3; d++) {askew += square(knot.side[d] - goal.sides[3 * knot.index + d]);}
  double total = cost.far / square(cost.far_m) * distance;
  total += cost.near * (std::sqrt(1.0 + distance / square(cost.near_m)) - 1.0);
  total += cost.height / square(cost.height_m) * square(away[2]);
  total += cost.tilt * (square(knot.axis[0]) + square(knot.axis[1]));
  return total + cost.yaw * askew + motion_cost(cost, n, knot);
}

void cost_model(
  const GraspCost & cost, const HandReference & goal, int n, const Knot & knot,
  const double * place, const double * turn, double * gradient, double * hessian)
{
  const int m = 2 * n;
  std::fill(gradient, gradient + m, 0.0);
  std::fill(hessian, hessian + m * m, 0.0);
  double away[3], slopes[3 * kMaxJoints];
  const double distance = away_from(goal, knot, away);
  const double pull = cost.far / square(cost.far_m) +
    0.5 * cost.near / square(cost.near_m) / std::sqrt(1.0 + distance / square(cost.near_m));
  for (int d = 0; d < 3; d++) {
    const double weight = d < 2 ? pull : pull + cost.height / square(cost.height_m);
    add_residual(n, weight, away[d], place + d * n, gradient, hessian);
  }
  turned(n, turn, knot.axis, slopes);
  for (int d = 0; d < 2; d++) {
    add_residual(n, cost.tilt, knot.axis[d], slopes + d * n, gradient, hessian);
  }
  turned(n, turn, knot.side, slopes);
  for (int d = 0; d < 3; d++) {
    const double off = knot.side[d] - goal.sides[3 * knot.index + d];
    add_residual(n, cost.yaw, off, slopes + d * n, gradient, hessian);
  }
  add_motion_model(cost, n, knot, gradient, hessian);
}

}  // namespace planning
