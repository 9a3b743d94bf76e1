// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "torque.hpp"

#include <algorithm>
#include <cmath>

#include "backward.hpp"

namespace planning
{

namespace
{

// No joint turns as far or as fast; beyond, arithmetic on the state could overflow.
constexpr double kPlausible = 1e4;

// What is not a number stays that, as it compares with nothing.
double within(double value, double limit) {return std::min(std::max(value, -limit), limit);}

// The acceleration that may be had so far from a speed limit, or that brakes.
double approach(double left, double jerk, double approach_s)
{
  return std::min(left / approach_s, std::sqrt(2.0 * jerk * std::max(left, 0.0)));
}

// Takes away from a torque what would make a joint too fast.
void limit_speeds(
  const Arm & arm, const Limits & limits, const double * positions, const double * velocities,
  double * torque)
{
  const int n = arm.n;
  double inertia[kMaxJoints * kMaxJoints], carrying[kMaxJoints];
  double acceleration[kMaxJoints], change[kMaxJoints];
  look(arm, positions, velocities, inertia, carrying);
  for (int i = 0; i < n; i++) {
    inertia[i * n + i] += limits.approach_s * arm.damping[i];  // damping is taken implicitly
    acceleration[i] = torque[i] - carrying[i];
  }
  if (!solve(n, inertia, 1, acceleration)) {
    std::fill(torque, torque + n, NAN);
    return;
  }
  bool is_within = true;
  double low[kMaxJoints], high[kMaxJoints];
  for (int i = 0; i < n; i++) {
    const double jerk = limits.torque_rate[i] / inertia[i * n + i];
    low[i] = -approach(limits.speed[i] + velocities[i], jerk, limits.approach_s);
    high[i] = approach(limits.speed[i] - velocities[i], jerk, limits.approach_s);
    is_within = is_within && low[i] <= acceleration[i] && acceleration[i] <= high[i];
  }
  if (is_within) {return;}
  for (int i = 0; i < n; i++) {
    if (velocities[i] < 0.0) {high[i] = std::max(low[i], high[i]);}  // to brake comes first
    low[i] = std::min(low[i], high[i]) - acceleration[i];
    high[i] -= acceleration[i];
  }
  // The least change as inertia weighs it, so that joints within their limits keep their torques.
  const double none[kMaxJoints] = {};
  if (!solve_box_qp(n, 0, inertia, none, low, high, change)) {
    std::fill(torque, torque + n, NAN);
    return;
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {torque[i] += inertia[i * n + j] * change[j];}
  }
}

// The torque of the plan itself, within its own limits.
void planned(
  int n, const Plan & plan, int knot, double part, const double * positions,
  const double * velocities, double friction_speed, double * torque)
{
  const double * before = plan.states + knot * 2 * n, * after = before + 2 * n;
  const double * gains = plan.gains + knot * 2 * n * n;
  double apart[2 * kMaxJoints];
  for (int j = 0; j < 2 * n; j++) {
    const double expected = before[j] + part * (after[j] - before[j]);
    apart[j] = (j < n ? positions[j] : velocities[j - n]) - expected;
  }
  for (int i = 0; i < n; i++) {
    double fed_back = 0.0;
    for (int j = 0; j < 2 * n; j++) {fed_back += gains[i * 2 * n + j] * apart[j];}
    const double rubbing = plan.friction[i] * std::tanh(after[n + i] / friction_speed);
    torque[i] = within(plan.efforts[knot * n + i] + fed_back + rubbing, plan.limits[i]);
  }
}

}  // namespace

Followed follow(
  const Arm & arm, const Limits & limits, const Plan & plan, double time_s,
  const double * former, double step_s, const double * positions, const double * velocities,
  double * torque)
{
  const int n = arm.n;
  if (!(plan.start_s - 1e-6 <= time_s && time_s <= plan.expires_s)) {return kExpired;}
  for (int i = 0; i < n; i++) {
    if (!(std::abs(positions[i]) < kPlausible && std::abs(velocities[i]) < kPlausible)) {
      return kImplausible;
    }
  }
  const double knots = std::max(time_s - plan.start_s, 0.0) / plan.step_s;
  const int knot = std::min(static_cast<int>(knots), plan.steps - 1);
  const double part = std::min(knots - knot, 1.0);
  // What it takes to keep a joint within its speed depends on the torques that do go out.
  const auto within_rates = [&]() {
      for (int i = 0; former && i < n; i++) {
        const double step = limits.rate[i] * step_s;
        torque[i] = std::min(std::max(torque[i], former[i] - step), former[i] + step);
      }
    };
  planned(n, plan, knot, part, positions, velocities, limits.friction_speed, torque);
  within_rates();
  limit_speeds(arm, limits, positions, velocities, torque);
  for (int i = 0; i < n; i++) {
    torque[i] = within(torque[i], limits.torque[i]);
    if (!std::isfinite(torque[i])) {return kNotFinite;}
  }
  within_rates();
  return kFollowed;
}

void hold(
  const Arm & arm, const Limits & limits, const double * friction, const double * positions,
  const double * velocities, const double * wanted, double * torque)
{
  Posture posture;
  double inertia[kMaxJoints * kMaxJoints];
  set_posture(arm, positions, posture);
  dynamics(arm, posture, positions, velocities, torque, inertia);
  for (int i = 0; i < arm.n; i++) {
    if (wanted) {torque[i] += friction[i] * std::tanh(wanted[i] / limits.friction_speed);}
    torque[i] -= limits.hold_damping[i] * (velocities[i] - (wanted ? wanted[i] : 0.0));
    torque[i] = std::isfinite(torque[i]) ? within(torque[i], limits.torque[i]) : 0.0;
  }
}

void look(
  const Arm & arm, const double * positions, const double * velocities, double * inertia,
  double * carrying)
{
  Posture posture;
  set_posture(arm, positions, posture);
  dynamics(arm, posture, positions, velocities, carrying, inertia);
  for (int i = 0; i < arm.n; i++) {carrying[i] += arm.damping[i] * velocities[i];}
}

}  // namespace planning
