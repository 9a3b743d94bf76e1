// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What every cost has, as planning/motion_cost.py says it, which is what the tests hold this against:
// speed, torque beyond gravity, and soft limits. A cost has their weights and scales by these names.
#pragma once

#include <algorithm>
#include <cmath>

namespace planning
{

// What a cost knows of a knot: state (2n,), effort and bias (n,) or null at the last one; of the
// effector its place, z axis and x axis; which knot it is.
struct Knot
{
  const double * state;
  const double * effort;
  const double * bias;
  const double * site;
  const double * axis;
  const double * side;
  int index;
};

inline double square(double x) {return x * x;}

template<class Cost>
double overspeed(const Cost & cost, double speed, int i)
{
  const double share = std::abs(speed) / cost.speed_limit[i];
  const double over = std::max(share - cost.soft_speed, 0.0) / (1.0 - cost.soft_speed);
  return speed < 0.0 ? -over : over;
}

template<class Cost>
double over_range(const Cost & cost, double position, int i)
{
  const double above = std::max(position - cost.high[i], 0.0);
  const double below = std::min(position - cost.low[i], 0.0);
  return (above + below) / cost.soft_range_rad;
}

template<class Cost>
double motion_cost(const Cost & cost, int n, const Knot & knot)
{
  double speeds = 0.0, over_speeds = 0.0, over_ranges = 0.0;
  for (int i = 0; i < n; i++) {
    speeds += square(knot.state[n + i]);
    over_speeds += square(overspeed(cost, knot.state[n + i], i));
    over_ranges += square(over_range(cost, knot.state[i], i));
  }
  double total = cost.velocity * speeds + cost.velocity_limit * over_speeds;
  total += cost.joint_limit * over_ranges;
  if (knot.effort) {
    double efforts = 0.0;
    for (int i = 0; i < n; i++) {
      efforts += square((knot.effort[i] - knot.bias[i]) * cost.effort_scale[i]);
    }
    total += cost.effort * efforts;
  }
  return total;
}

// Adds the model of those terms by the state; that of torques is the same at every knot.
template<class Cost>
void add_motion_model(const Cost & cost, int n, const Knot & knot, double * gradient, double * hessian)
{
  const int m = 2 * n;
  for (int i = 0; i < n; i++) {
    const double range = over_range(cost, knot.state[i], i);
    const double speed = overspeed(cost, knot.state[n + i], i);
    const double per_speed = 1.0 / (cost.speed_limit[i] * (1.0 - cost.soft_speed));
    gradient[i] += 2.0 * cost.joint_limit / cost.soft_range_rad * range;
    if (range != 0.0) {
      hessian[i * m + i] += 2.0 * cost.joint_limit / square(cost.soft_range_rad);
    }
    gradient[n + i] +=
      2.0 * (cost.velocity * knot.state[n + i] + cost.velocity_limit * per_speed * speed);
    hessian[(n + i) * m + n + i] +=
      2.0 * (cost.velocity + (speed != 0.0 ? cost.velocity_limit * square(per_speed) : 0.0));
  }
}

// Adds the Gauss-Newton model of weight times the square of a residual.
inline void add_residual(
  int n, double weight, double residual, const double * slope, double * gradient, double * hessian)
{
  for (int i = 0; i < n; i++) {
    const double share = 2.0 * weight * slope[i];
    gradient[i] += share * residual;
    for (int j = 0; j < n; j++) {hessian[i * 2 * n + j] += share * slope[j];}
  }
}

// How an axis of the effector changes with joint positions, (3, n): turn (3, n) x axis.
inline void turned(int n, const double * turn, const double * axis, double * out)
{
  for (int i = 0; i < n; i++) {
    const double x = turn[i], y = turn[n + i], z = turn[2 * n + i];
    out[i] = y * axis[2] - z * axis[1];
    out[n + i] = z * axis[0] - x * axis[2];
    out[2 * n + i] = x * axis[1] - y * axis[0];
  }
}

}  // namespace planning
